/**
 * `gc`: objects that nothing names leave the archive. The event is durable before the views and the hash
 * tree follow it; the file goes last, as an operation of the tree that asks again whether anything names
 * it (projections/tree.ts), and that is done on the next open where a kill came between.
 */
import { lstatSync } from 'node:fs';
import { HkfsError, isHkfsError, counted } from '../../errors.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { sealKey, type InodeId } from '../../projections/keys.js';
import type { GcOptions, GcSummary, OrphanRow, OrphanStay } from '../api.js';
import type { ChangeOptions } from '../history/change.js';
import { tags } from '../history/tag.js';
import { LogClock } from '../log-clock.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { findOrphans, orphanRow, type Orphan } from '../queries/orphans.js';
import { FileJudge } from './judge-files.js';
import { judgeOrphan, type GcRules } from './judge.js';
import { firstNeeded } from './needed.js';

const DEFAULT_AGE_MS = 30 * 86_400_000;

export interface GcPlan {
  readonly orphans: readonly Orphan[];
  readonly rows: readonly OrphanRow[];
  readonly kept: Readonly<Record<OrphanStay, number>>;
}

export async function gc(
  archive: OpenArchive,
  options: GcOptions,
  change: ChangeOptions,
): Promise<GcSummary> {
  const untilMs = options.olderThanMs ?? change.clock() - DEFAULT_AGE_MS;
  const judge = new FileJudge(archive);
  const clock = await LogClock.read(archive, change.clock());
  const plan = await planGc(archive, untilMs, { judge, clock });
  if (options.dryRun) return { ...summaryOf(null, plan), dryRun: true, plan: linesOf(plan) };
  if (plan.orphans.length === 0) return summaryOf(null, plan);
  const isAgreed = options.confirm === undefined || (await options.confirm(linesOf(plan)));
  if (!isAgreed) return summaryOf(null, { rows: [], kept: plan.kept });
  return collect(archive, await withoutChanged(judge, plan), { untilMs, options, change });
}

/** Changes nothing. */
export async function planGc(
  archive: OpenArchive,
  untilMs: number,
  { judge = new FileJudge(archive), clock }: { judge?: FileJudge; clock: LogClock },
): Promise<GcPlan> {
  const rules = await rulesOf(archive, untilMs);
  const plan = { orphans: [] as Orphan[], rows: [] as OrphanRow[], kept: nothingKept() };
  const candidates: Orphan[] = [];
  for await (const orphan of findOrphans(archive)) {
    const { timeMs } = await archive.log.commitAt(orphan.since);
    const verdict = judgeOrphan(orphan, clock.timeOf(orphan.since, timeMs), rules);
    if (verdict === 'collect') candidates.push(orphan);
    else plan.kept[verdict] += 1;
  }
  for (const [at, stay] of (await judge.judge(candidates)).entries())
    if (stay !== null) plan.kept[stay] += 1;
    else {
      plan.orphans.push(candidates[at]!);
      plan.rows.push(await orphanRow(archive, candidates[at]!));
    }
  return plan;
}

async function rulesOf(archive: OpenArchive, untilMs: number): Promise<GcRules> {
  const tagged: number[] = [];
  for await (const { position } of tags(archive)) tagged.push(position);
  return { untilMs, before: await firstNeeded(archive), tagged };
}

/** While somebody was asked, somebody else may have linked or touched a file. */
async function withoutChanged(judge: FileJudge, { orphans, rows, kept }: GcPlan): Promise<GcPlan> {
  const verdicts = await judge.judge(orphans);
  const stay = (why: OrphanStay): number => kept[why] + verdicts.filter((verdict) => verdict === why).length;
  return {
    orphans: orphans.filter((_orphan, index) => verdicts[index] === null),
    rows: rows.filter((_row, index) => verdicts[index] === null),
    kept: { ...kept, linked: stay('linked'), unverified: stay('unverified') },
  };
}

async function collect(
  archive: OpenArchive,
  plan: GcPlan,
  asked: { untilMs: number; options: GcOptions; change: ChangeOptions },
): Promise<GcSummary> {
  if (plan.orphans.length === 0) return summaryOf(null, plan);
  const { clock, onStart, onMessage = () => {} } = asked.change;
  const args = ['--older-than', isoTime(asked.untilMs)];
  const operation = await Operation.start(archive, { command: 'gc', args, sources: [], clock, onMessage });
  onStart(operation.number);
  try {
    const done = await removeAll(archive, plan.orphans, { operation, signal: asked.options.signal });
    const left = await takeBack(archive, plan.orphans.slice(0, done), operation);
    const rows = plan.rows.slice(0, done).filter(({ hash }) => !left.has(hash));
    const kept = { ...plan.kept, linked: plan.kept.linked + left.size };
    return await close(operation, summaryOf(operation.number, { rows, kept }), done === plan.orphans.length);
  } catch (error) {
    if (isHkfsError(error, 'INTERRUPTED')) throw error;
    await operation.fail(error instanceof Error ? error.message : String(error), {});
    throw error;
  }
}

async function close(operation: Operation, summary: GcSummary, isWhole: boolean): Promise<GcSummary> {
  const { objects, bytes } = summary;
  if (isWhole) {
    await operation.complete({ objects, bytes });
    return summary;
  }
  await operation.fail('interrupted', { objects, bytes });
  throw new HkfsError('INTERRUPTED', `stopped; ${counted(objects, 'object is', 'objects are')} gone`, {
    hint: 'the same command again goes on from here',
  });
}

/** @returns how many went before it was told to stop */
async function removeAll(
  archive: OpenArchive,
  orphans: readonly Orphan[],
  { operation, signal }: { operation: Operation; signal: AbortSignal | undefined },
): Promise<number> {
  const { committer } = operation;
  let done = 0;
  for (const { object, lastPath } of orphans) {
    if (signal?.aborted) break;
    const { hash, size } = object;
    // The newest twin first: the others are found by counting up from the first inode.
    const here = inodesOf(archive, hash);
    const isHere = (known: InodeId): boolean =>
      here.some(({ device, inode }) => inode === known.inode && device === known.device);
    // Also those that it had elsewhere: as long as the log has one of them, it has the object.
    const elsewhere = object.inodes.filter((known) => !isHere(known));
    for (const { device, inode } of [...here, ...elsewhere]) {
      // Once it is gone, another file may get the number of the inode.
      await archive.views.level.del(sealKey({ device, inode }));
      committer.push({ type: 'object.removed', hash, size, device, inode, lastPath });
    }
    await committer.maybeCommit();
    done += 1;
  }
  await committer.flush();
  return done;
}

/** Files that got another name at the last moment were left where they are: they are objects again. */
async function takeBack(
  archive: OpenArchive,
  orphans: readonly Orphan[],
  { committer }: Operation,
): Promise<Set<string>> {
  const left = new Set<string>();
  for (const { object } of orphans)
    for (const { device, inode } of inodesOf(archive, object.hash)) {
      const { hash, size } = object;
      committer.push({ type: 'object.stored', hash, size, device, inode });
      left.add(hash);
    }
  await committer.flush();
  return left;
}

/** The last day that a Date can hold. */
const MAX_DATE_MS = 8.64e15;

function isoTime(timeMs: number): string {
  return new Date(Math.max(-MAX_DATE_MS, Math.min(MAX_DATE_MS, timeMs))).toISOString();
}

function inodesOf(archive: OpenArchive, hash: string): { device: bigint; inode: bigint }[] {
  const path = pathOf(archive, hash);
  if (lstatOrNull(path) === null) return [];
  return twinPaths(path).map((file) => {
    const { dev: device, ino: inode } = lstatSync(file, { bigint: true });
    return { device, inode };
  });
}

function pathOf(archive: OpenArchive, hash: string): string {
  return objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
}

function linesOf({ rows }: GcPlan): string[] {
  return rows.map(({ hash, size, lastPath }) =>
    lastPath === null
      ? `delete ${hash.slice(0, 16)}, ${counted(size, 'byte')}, which never had a name`
      : `delete ${hash.slice(0, 16)}, ${counted(size, 'byte')}, last named ${lastPath}`,
  );
}

function nothingKept(): Record<OrphanStay, number> {
  return { recent: 0, undo: 0, tagged: 0, linked: 0, unverified: 0 };
}

function summaryOf(operation: number | null, { rows, kept }: Pick<GcPlan, 'rows' | 'kept'>): GcSummary {
  const bytes = rows.reduce((sum, { size }) => sum + size, 0);
  return { operation, collected: rows, objects: rows.length, bytes, kept };
}
