/** Archives whose log is written by hand, so that histories can be had that no command makes yet. */
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { initArchive } from '../../src/archive/init.js';
import { LocalReader } from '../../src/archive/local-reader.js';
import { OpenArchive } from '../../src/archive/open-archive.js';
import { EventLog } from '../../src/events/log.js';
import type { HkfsEvent } from '../../src/events/types.js';
import { operationOf } from '../events/log-fixture.js';
import { withScratch } from './scratch.js';

export interface Commit {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly operation: number;
  readonly events: readonly HkfsEvent[];
}

export const START = Date.UTC(2026, 0, 1, 12);
const ID = '00000000-0000-4000-8000-000000000000';

export interface MadeHistory {
  /** Queries of the archive, as asked at a time: a year after its start unless told. */
  reader(nowMs?: number): LocalReader;
}

/** An archive for the tests of a file or block, made at `START`, whose log goes on with these commits. */
export function madeHistory(commits: readonly Commit[]): MadeHistory {
  let archive: OpenArchive | undefined;
  let leave = (): void => {};
  let left: Promise<void> | undefined;
  beforeAll(async () => {
    const opened = new Promise<OpenArchive>((resolve, reject) => {
      const stay = new Promise<void>((resolve) => (leave = resolve));
      left = withOpened(commits, (archive) => (resolve(archive), stay));
      left.catch(reject);
    });
    archive = await opened;
  });
  afterAll(() => {
    leave();
    return left;
  });
  return { reader: (nowMs = LATER) => new LocalReader(archive!, () => nowMs) };
}

const LATER = START + 365 * 86_400_000;

/** Runs `use` on an archive of its own; positions of the commits begin at 1. */
export async function withHistory<T>(
  commits: readonly Commit[],
  use: (reader: LocalReader) => Promise<T>,
): Promise<T> {
  return withOpened(commits, (archive) => use(new LocalReader(archive, () => LATER)));
}

/** Runs `use` on an archive of its own that this process holds; positions of the commits begin at 1. */
export async function withOpened<T>(
  commits: readonly Commit[],
  use: (archive: OpenArchive) => Promise<T>,
): Promise<T> {
  return withScratch(async (directory) => {
    const root = join(directory, 'archive');
    await initArchive(root, ID, { clock: () => START, seed: Buffer.alloc(32) });
    // What is told of inodes counts from the first opening on.
    await (await OpenArchive.open(root)).close();
    const log = await EventLog.open(join(root, '.hkfs/log'));
    for (const { events, timeMs } of commits)
      await log.append(events, { timeMs, operation: operationOf(log, events) });
    await log.close();
    const archive = await OpenArchive.open(root);
    try {
      return await use(archive);
    } finally {
      await archive.close();
    }
  });
}

/** One commit of operation 1, a second after the start, of these events; positions begin at 1. */
export function oneCommit(events: readonly HkfsEvent[]): Commit[] {
  return [{ timeMs: START + 1000, operation: 1, events }];
}

export function started(operation: number, command = 'ingest'): HkfsEvent {
  return {
    type: 'operation.started',
    operation,
    command,
    args: ['x'],
    user: 'u',
    host: 'h',
    sources: ['/s'],
  };
}

export function completed(operation: number, files = 1): HkfsEvent {
  return { type: 'operation.completed', operation, counts: { files } };
}

export function failed(operation: number, reason: string): HkfsEvent {
  return { type: 'operation.failed', operation, reason, counts: { files: 0 } };
}
