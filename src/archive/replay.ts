/** The views folded again from the log: in place of what they were, or beside them to compare. */
import { rmSync } from 'node:fs';
import { toFsPath } from '../fs/names.js';
import { PREFIX } from '../projections/keys.js';
import { readRows, Views } from '../projections/views.js';
import type { LevelPut } from '../events/level.js';
import type { Progress, ReplaySummary } from './api.js';
import { foldLog, type OpenArchive } from './open-archive.js';

/** Differences told by name; more are only counted. */
const MAX_DIFFERENCES = 20;

/** @throws HkfsError LOG_DAMAGED, LOG_GAP or UNKNOWN_EVENT, naming the position; then nothing was changed */
export async function replay(
  archive: OpenArchive,
  options: { check?: boolean | undefined; onProgress?: (progress: Progress) => void },
  clock: () => number,
): Promise<ReplaySummary> {
  const started = clock();
  if (options.check) return check(archive, options.onProgress, clock);
  const events = await archive.rebuild(options.onProgress, true);
  return { events, seconds: (clock() - started) / 1000, equal: null, differences: [] };
}

async function check(
  archive: OpenArchive,
  onProgress: ((progress: Progress) => void) | undefined,
  clock: () => number,
): Promise<ReplaySummary> {
  const started = clock();
  const { checkViews } = archive.layout;
  rmSync(toFsPath(checkViews), { recursive: true, force: true });
  const rebuilt = (await Views.open(checkViews, true, true))!;
  try {
    const events = await foldLog(archive.log, rebuilt, {
      audit: true,
      ...(onProgress ? { onProgress } : {}),
    });
    const differences = await compare(archive.views, rebuilt);
    for (const id of await (await archive.digests()).differences())
      differences.push(`the views remember a wrong digest of directory ${id}`);
    return { events, seconds: (clock() - started) / 1000, equal: differences.length === 0, differences };
  } finally {
    await rebuilt.close();
    rmSync(toFsPath(checkViews), { recursive: true, force: true });
  }
}

/** Row by row in key order; local rows are no projection and are left out. */
async function compare(ours: Views, rebuilt: Views): Promise<string[]> {
  const differences: string[] = [];
  let count = 0;
  const differ = (text: string): void => {
    count += 1;
    if (count <= MAX_DIFFERENCES) differences.push(text);
  };
  const left = flatten(ours);
  const right = flatten(rebuilt);
  let a = await left.next();
  let b = await right.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : a.value.key.compare(b.value.key);
    if (order < 0) differ(`the views have a row that does not follow from the log: ${rowName(a.value!)}`);
    else if (order > 0) differ(`the views lack a row: ${rowName(b.value!)}`);
    else if (!a.value!.value.equals(b.value!.value))
      differ(`the views have another value in ${rowName(a.value!)}`);
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
  if (count > MAX_DIFFERENCES) differences.push(`and ${count - MAX_DIFFERENCES} more`);
  return differences;
}

async function* flatten(views: Views): AsyncGenerator<LevelPut, undefined> {
  const range = { gte: Buffer.from([0]), lt: Buffer.from([PREFIX.local]) };
  for await (const rows of readRows(views.level, range)) yield* rows;
  return undefined;
}

/** The kind of row and its key in hexadecimal digits. */
function rowName(row: LevelPut): string {
  const kind = Object.entries(PREFIX).find(([, prefix]) => prefix === row.key[0])?.[0] ?? 'unknown';
  return `${kind} ${row.key.subarray(1).toString('hex')}`;
}
