import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLog } from '../../src/events/log.js';
import { openLevel, type Level } from '../../src/events/level.js';
import type { EventRecord, HkfsEvent } from '../../src/events/types.js';

/** Runs `use` with a fresh directory that is gone afterwards. */
export async function withDirectory<T>(use: (location: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'hkfs-log-'));
  try {
    return await use(join(directory, 'log'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Opens the log, creating it, and closes it whatever `use` does. */
export async function withLog<T>(location: string, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = await EventLog.open(location, { createIfMissing: true });
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

/** Reaches behind the log's back into its LevelDB. */
export async function tamper(location: string, change: (level: Level) => Promise<void>): Promise<void> {
  const level = await openLevel(location);
  await change(level);
  await level.close();
}

export function removed(count: number, from = 0): HkfsEvent[] {
  return Array.from({ length: count }, (_, at) => ({
    type: 'path.removed',
    parent: 0,
    name: `name ${from + at}`,
  }));
}

/** A log of these many events per commit, at times 1000, 2000, …; nobody opened an operation. */
export async function writeCommits(location: string, counts: readonly number[]): Promise<void> {
  await withLog(location, async (log) => {
    for (const [at, count] of counts.entries())
      await log.append(removed(count, log.size), { timeMs: 1000 * (at + 1), operation: 0 });
  });
}

/** The operation that a commit of these events has in a log: the one that its first event opens, else the last. */
export function operationOf(log: EventLog, [first]: readonly HkfsEvent[]): number {
  return first?.type === 'operation.started' ? first.operation : (log.lastCommit?.operation ?? 0);
}

export async function collect<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const each of stream) void each;
}

/** What can be compared: bytes as hexadecimal, whatever kind of array they came in. */
export function plain({ bytes, ...record }: EventRecord): unknown {
  return { ...record, bytes: Buffer.from(bytes).toString('hex') };
}
