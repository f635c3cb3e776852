/** Streams the log: joins events with their commits and distrusts both. */
import { HkfsError } from '../errors.js';
import { decodeEvent } from './codec.js';
import { scanChecked } from './checked-scan.js';
import { commitUpTo, scanCommits } from './commit-scan.js';
import type { LeafCheck } from './leaf-check.js';
import type { Level } from './level.js';
import { gap, notTheFingerprint } from './log-errors.js';
import { eventKey, eventPosition } from './log-keys.js';
import { CompactRange } from './merkle.js';
import { scan, type Span } from './scan.js';
import type { RecordCheck } from './record-check.js';
import type { StoredCommit } from './segment.js';
import type { CommitRecord, EventRecord, HkfsEvent, Position } from './types.js';

/**
 * The records of the span in order, in batches of about 1,024, each checked before it is handed out; with an
 * auditor, each commit whose end is in the span is compared with its events instead.
 */
export async function* readForward(
  level: Level,
  span: Span,
  { lazy = false, ...checks }: Checks & { lazy?: boolean },
): AsyncGenerator<EventRecord[]> {
  const make = lazy ? lazyRecordOf : recordOf;
  for await (const stored of readStored(level, span, checks))
    yield stored.map(({ position, bytes, commit }) => make(position, bytes, commit));
}

/** Compares every commit of the span with its events' bytes. Gives the number checked after each batch. */
export async function* auditForward(level: Level, span: Span, records: RecordCheck): AsyncGenerator<number> {
  const check = await Auditor.from(level, span.from);
  for await (const stored of readStored(level, span, { check, records })) yield stored.length;
}

interface Checks {
  readonly check: Auditor | LeafCheck;
  readonly records: RecordCheck;
}

interface StoredEvent {
  readonly position: Position;
  readonly bytes: Buffer;
  readonly commit: CommitRecord;
}

async function* readStored(
  level: Level,
  span: Span,
  { check, records }: Checks,
): AsyncGenerator<StoredEvent[]> {
  if (span.from >= span.to) return;
  const commits = new CommitCursor(scanCommits(level, span), records);
  const auditor = check instanceof Auditor ? check : undefined;
  const batches = check instanceof Auditor ? scan(level, keysOf(span)) : scanChecked(level, check, { span });
  let next = span.from;
  for await (const batch of batches) {
    const stored: StoredEvent[] = [];
    for (const [key, bytes] of batch) {
      if (eventPosition(key) !== next) throw gap(next);
      const commit = commits.covering(next) ?? (await commits.advance(next, batch));
      stored.push({ position: next, bytes, commit });
      auditor?.add(next, bytes, commit);
      next += 1;
    }
    yield stored;
  }
  if (next !== span.to) throw gap(next);
}

/** The records of the span from the last to the first, as {@link readForward}. */
export async function* readBackward(
  level: Level,
  span: Span,
  { check, records: recordCheck }: Checks & { check: LeafCheck },
): AsyncGenerator<EventRecord[]> {
  if (span.from >= span.to) return;
  const commits = new CommitCursor(scanCommits(level, span, true), recordCheck);
  let next = span.to - 1;
  for await (const batch of scanChecked(level, check, { span, reverse: true })) {
    const records: EventRecord[] = [];
    for (const [key, bytes] of batch) {
      if (eventPosition(key) !== next) throw gap(next);
      const commit = commits.covering(next) ?? (await commits.advance(next, batch));
      records.push(recordOf(next, bytes, commit));
      next -= 1;
    }
    yield records;
  }
  if (next !== span.from - 1) throw gap(next);
}

/** Recomputes the Merkle range from the events and compares it with every commit's. */
export class Auditor {
  readonly #range: CompactRange;

  private constructor(range: CompactRange) {
    this.#range = range;
  }

  /** @throws RangeError when `from` is not the first position of a commit (or the log's end). */
  static async from(level: Level, from: Position): Promise<Auditor> {
    if (from === 0) return new Auditor(CompactRange.empty());
    const before = await commitUpTo(level, from - 1);
    if (before === null || before.first + before.count !== from)
      throw new RangeError(`an audit cannot start at ${from}: no commit ends before it`);
    return new Auditor(CompactRange.from(from, before.range));
  }

  /** @throws HkfsError LOG_DAMAGED when this event ends a commit whose range does not follow. */
  add(position: Position, bytes: Uint8Array, commit: CommitRecord): void {
    this.#range.append(bytes);
    if (position !== commit.first + commit.count - 1) return;
    const { hashes } = this.#range;
    const follows = hashes.every((hash, at) => hash.equals(commit.range[at]!));
    if (!follows || hashes.length !== commit.range.length) throw notTheFingerprint(commit);
  }
}

/** Walks commits beside their events. */
class CommitCursor {
  readonly #commits: AsyncIterator<CommitRecord>;
  readonly #records: RecordCheck;
  #current: CommitRecord | undefined;

  constructor(commits: AsyncIterator<CommitRecord>, records: RecordCheck) {
    this.#commits = commits;
    this.#records = records;
  }

  /** The current commit if it covers the position. */
  covering(position: Position): CommitRecord | undefined {
    const commit = this.#current;
    return commit && position >= commit.first && position < commit.first + commit.count ? commit : undefined;
  }

  /** The next commit. @throws HkfsError LOG_DAMAGED when it does not cover the position, or was not written so. */
  async advance(position: Position, batch: readonly [Buffer, Buffer][]): Promise<CommitRecord> {
    const before = this.#current;
    const { value, done } = await this.#commits.next();
    this.#current = done === true ? undefined : value;
    const commit = this.covering(position);
    if (commit === undefined)
      throw new HkfsError('LOG_DAMAGED', `event ${position} is in the log but in no commit`);
    const isNext = before !== undefined && before.first < commit.first;
    await this.#records.require(commit, {
      before: isNext ? before : undefined,
      eventAt: (sought) => eventIn(batch, sought),
    });
    return commit;
  }
}

/** Of a batch in either direction, without gaps. */
function eventIn(batch: readonly [Buffer, Buffer][], position: Position): Buffer | undefined {
  const found = batch[Math.abs(position - eventPosition(batch[0]![0]))];
  return found !== undefined && eventPosition(found[0]) === position ? found[1] : undefined;
}

function keysOf(span: Span): { gte: Buffer; lt: Buffer } {
  return { gte: eventKey(span.from), lt: eventKey(span.to) };
}

function recordOf(position: Position, bytes: Buffer, commit: CommitRecord): EventRecord {
  const { timeMs, operation } = commit;
  return { position, timeMs, operation, event: decodeEvent(bytes, position), bytes };
}

/** Decoded when its event is asked for: most of what is folded never is. */
class LazyRecord implements EventRecord {
  readonly position: Position;
  readonly bytes: Buffer;
  readonly timeMs: number;
  readonly operation: number;

  constructor(position: Position, bytes: Buffer, { timeMs, operation }: CommitRecord) {
    this.position = position;
    this.bytes = bytes;
    this.timeMs = timeMs;
    this.operation = operation;
  }

  get event(): HkfsEvent {
    return decodeEvent(this.bytes, this.position);
  }
}

/** The events of a commit that travels, each decoded when it is asked for. */
export function recordsIn({ commit, events }: StoredCommit): EventRecord[] {
  return events.map((bytes, at) => lazyRecordOf(commit.first + at, bytes, commit));
}

function lazyRecordOf(position: Position, bytes: Buffer, commit: CommitRecord): EventRecord {
  return new LazyRecord(position, bytes, commit);
}
