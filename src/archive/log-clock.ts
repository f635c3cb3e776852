/**
 * Times of the log where a clock was ahead once. A commit's time is never before that of the commit before it,
 * so all later ones stay at the wrong time; what the clock said then stands in the events that open and close
 * operations (`clockMs`). A time that is still to come is none: what happened then was at the latest when a
 * later event read the clock, and not before the newest commit whose time has come.
 */
import type { CommitRecord, Position } from '../events/types.js';
import { prefixRange, PREFIX, readPosition } from '../projections/keys.js';
import { readRows } from '../projections/views.js';
import type { Message } from './api.js';
import type { OpenArchive } from './open-archive.js';

const DAY_MS = 86_400_000;

interface Reading {
  readonly position: Position;
  readonly clockMs: number;
}

export class LogClock {
  readonly nowMs: number;
  /** In the order of the log: what no event from there on was later than. */
  private readonly bounds: readonly Reading[];

  private constructor(nowMs: number, bounds: readonly Reading[]) {
    this.nowMs = nowMs;
    this.bounds = bounds;
  }

  /** Reads nothing where no time of the log is still to come. */
  static async read(archive: OpenArchive, nowMs: number): Promise<LogClock> {
    const { log } = archive;
    if (log.lastCommit === null || log.lastCommit.timeMs <= nowMs) return new LogClock(nowMs, []);
    const credible = await lastCommitUpTo(archive, (commit) => commit.timeMs <= nowMs);
    const from = credible === null ? 0 : credible.first + credible.count;
    const readings = await readingsFrom(archive, from);
    return new LogClock(nowMs, boundsOf(readings, { earliest: credible?.timeMs ?? 0, nowMs }));
  }

  /** When it was, as far as is known: never later than now, and never before what came before it. */
  timeOf(position: Position, timeMs: number): number {
    if (timeMs <= this.nowMs) return timeMs;
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.bounds[middle]!.position < position) low = middle + 1;
      else high = middle;
    }
    return this.bounds[low]?.clockMs ?? this.nowMs;
  }

  timeOfCommit({ first, count, timeMs }: CommitRecord): number {
    return this.timeOf(first + count - 1, timeMs);
  }
}

/** The last commit of which this holds; of any commit it holds where it does of a later one. */
export async function lastCommitUpTo(
  { log, now }: OpenArchive,
  holds: (commit: CommitRecord) => boolean,
): Promise<CommitRecord | null> {
  let low = 0;
  let high = now;
  let found: CommitRecord | null = null;
  while (low <= high) {
    const middle = await log.commitAt(Math.floor((low + high) / 2));
    if (holds(middle)) {
      found = middle;
      low = middle.first + middle.count;
    } else high = middle.first - 1;
  }
  return found;
}

/** Null while the log is no more than a day ahead of the clock. */
export function clockWarning({ log }: OpenArchive, nowMs: number): Message | null {
  const newest = log.lastCommit?.timeMs ?? 0;
  if (newest <= nowMs + DAY_MS) return null;
  const [ahead, now] = [new Date(newest).toISOString(), new Date(nowMs).toISOString()];
  const text = `the newest event of the archive is of ${ahead}, but the clock says ${now}: one of them is wrong. The order of events holds; ages are counted from when a clock was read later`;
  return { level: 'warning', code: 'CLOCK_DISAGREES', text };
}

/** What a commit is about to say of its time is not what the clock says. */
export function clockAsRead({ log }: OpenArchive, nowMs: number): { clockMs?: number } {
  return nowMs < (log.lastCommit?.timeMs ?? 0) ? { clockMs: Math.max(0, nowMs) } : {};
}

async function readingsFrom(archive: OpenArchive, from: Position): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const prefix of [PREFIX.started, PREFIX.ended])
    for await (const rows of readRows(archive.views.level, prefixRange(Buffer.of(prefix))))
      for (const { value } of rows) {
        const position = readPosition(value, 0);
        if (position < from) continue;
        const event = archive.log.getSync(position);
        if ('clockMs' in event && event.clockMs !== undefined)
          readings.push({ position, clockMs: event.clockMs });
      }
  return readings.sort((a, b) => a.position - b.position);
}

function boundsOf(
  readings: readonly Reading[],
  { earliest, nowMs }: { earliest: number; nowMs: number },
): Reading[] {
  const bounds: Reading[] = [];
  let least = nowMs;
  for (const { position, clockMs } of readings.toReversed()) {
    if (clockMs >= earliest && clockMs <= nowMs) least = Math.min(least, clockMs);
    bounds.push({ position, clockMs: least });
  }
  return bounds.reverse();
}
