/**
 * The event log: the only truth about names and attributes. One LevelDB batch, written with sync,
 * holds a commit's events and its record: all of it survives, or nothing.
 */
import { HkfsError, isHkfsError } from '../errors.js';
import { asBuffer } from './bytes.js';
import { decodeEvent, encodeEvent } from './codec.js';
import { checkEvent } from './checked-scan.js';
import { linkIn, recordHash, whyNotJoined, withLink } from './commit-chain.js';
import { commitUpTo, scanCommits } from './commit-scan.js';
import { encodeCommit } from './commit-record.js';
import { HashTree } from './hash-tree.js';
import { LeafCheck, storedEvent, type LeafAt } from './leaf-check.js';
import { explainLevelError, flushLevel, openLevel, type Level } from './level.js';
import { checkedLastCommit, formatRow } from './log-open.js';
import { commitKey, eventKey } from './log-keys.js';
import { gap } from './log-errors.js';
import { auditForward, Auditor, readBackward, readForward } from './log-read.js';
import { CompactRange, type Subtree } from './merkle.js';
import { RecordCheck } from './record-check.js';
import type { Span } from './scan.js';
import { endOf, followsFrom, type StoredCommit } from './segment.js';
import { rangeAt, readStoredCommits } from './stored-commits.js';
import type { CommitRecord, EventRecord, Head, HkfsEvent, Position } from './types.js';

export interface AppendContext {
  /** Milliseconds since 1970, now. */
  readonly timeMs: number;
  /** 0 for the archive's creation. */
  readonly operation: number;
}
export interface Appended {
  readonly commit: CommitRecord;
  readonly records: readonly EventRecord[];
}
/** From 0 and to the log's size unless told otherwise; `to` is not included. */
export type SpanOptions = Partial<Span>;
export interface ReadOptions extends SpanOptions {
  /** Also recompute the Merkle tree; `from` must then be the first position of a commit. */
  readonly audit?: boolean;
  /** Decode an event when it is asked for: only then is a damaged one found. For folding. */
  readonly lazy?: boolean;
}
/** Says what it has against commits by throwing it. */
export type CommitJudge = (commits: readonly StoredCommit[]) => Promise<void>;
export interface AuditProgress {
  readonly checked: number;
  readonly size: number;
}

export class EventLog {
  /** What proofs are made of. */
  readonly tree: HashTree;
  readonly #level: Level;
  readonly #check: LeafCheck;
  readonly #records: RecordCheck;
  readonly #stored: LeafAt;
  #range: CompactRange;
  #lastCommit: CommitRecord | null;
  /** Settles when the last append that was asked for is done; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  #failure: unknown = undefined;

  private constructor(level: Level, lastCommit: CommitRecord | null) {
    this.#level = level;
    this.tree = new HashTree(level);
    this.#check = new LeafCheck(level, () => this.#range);
    this.#records = new RecordCheck(level, this.#check, () => this.size);
    this.#stored = (position) => storedEvent(level, position) ?? missing(position);
    this.#lastCommit = lastCommit;
    this.#range = lastCommit === null ? CompactRange.empty() : rangeAfter(lastCommit);
  }

  /**
   * Opens the log in the directory `location`. Reads only its last commit, whatever its length.
   *
   * @throws HkfsError ARCHIVE_HELD when another process has it open; LOG_DAMAGED or LOG_GAP when
   * LevelDB or the check of the log's end finds damage; NEWER_FORMAT; NO_SPACE, READ_ONLY,
   * NO_PERMISSION, IO_ERROR where the file system fails.
   */
  static async open(location: string, options: { createIfMissing?: boolean } = {}): Promise<EventLog> {
    const level = await openLevel(location, options);
    try {
      return new EventLog(level, await checkedLastCommit(level));
    } catch (error) {
      await level.close();
      throw explainLevelError(error, location);
    }
  }

  /** Number of events, and the position of the next one. */
  get size(): number {
    return this.#range.size;
  }

  get lastCommit(): CommitRecord | null {
    return this.#lastCommit;
  }

  /** As the first event says, which is only compared; undefined where there is none, or it says nothing. */
  get archiveId(): string | undefined {
    const bytes = this.size === 0 ? undefined : storedEvent(this.#level, 0);
    try {
      const event = bytes && decodeEvent(bytes, 0);
      return event?.type === 'archive.created' ? event.archiveId : undefined;
    } catch (error) {
      // Whoever reads it is told.
      if (isHkfsError(error)) return undefined;
      throw error;
    }
  }

  /** Size and RFC 6962 root of the whole history. */
  head(): Head {
    return { size: this.size, root: this.#range.root().toString('hex') };
  }

  /**
   * Appends one commit, durably; a second append waits for the first. Its time is never before the
   * time of the commit before it. After a failed write the log takes no more until it is reopened,
   * because nobody knows how much of the batch LevelDB has.
   *
   * @throws HkfsError NO_SPACE, READ_ONLY, NO_PERMISSION or IO_ERROR when the write fails; BAD_PATH
   * for names that stand for no bytes; TypeError for no events or values that cannot be stored.
   */
  async append(events: readonly HkfsEvent[], context: AppendContext): Promise<Appended> {
    checkAppend(events, context);
    const encoded = events.map((event) => asBuffer(encodeEvent(event)));
    const appended = this.#turn.then(() => this.#write(events, encoded, context));
    this.#turn = appended.catch(() => undefined);
    return appended;
  }

  /**
   * The records from `from` up to `to`, in batches of about 1,024. None is handed out that does not have the
   * log's fingerprint.
   *
   * @throws HkfsError LOG_GAP for a missing position, LOG_DAMAGED for an event that does not decode,
   * is in no commit or (under `audit`) a commit whose range does not follow, UNKNOWN_EVENT;
   * RangeError for an audit from inside a commit.
   */
  async *read({ audit = false, lazy = false, ...span }: ReadOptions = {}): AsyncGenerator<EventRecord[]> {
    const { from, to } = this.#spanOf(span);
    const auditor = audit ? await Auditor.from(this.#level, from) : undefined;
    const records = this.#records;
    yield* readForward(this.#level, { from, to }, { check: auditor ?? this.#check, records, lazy });
  }

  /** Whole commits, compared with their fingerprints; both ends of the span are ends of commits. */
  readStored(span: SpanOptions = {}): AsyncGenerator<StoredCommit> {
    return readStoredCommits(this.#level, this.#spanOf(span), this.#records);
  }

  /** The fingerprint that the log had at a size. @throws RangeError for one that it never had */
  async headAt(size: Position): Promise<Head> {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size)
      throw new RangeError(`no size ${size} in a log of ${this.size}`);
    if (size === this.size) return this.head();
    if (size > 0) await this.#requireRange(size);
    return { size, root: (await rangeAt(this.#level, size)).root().toString('hex') };
  }

  /**
   * Appends commits of another copy of this log as they are there, in one write that is durable only
   * once the file system was synced. Events are not decoded here: whoever folds them does.
   *
   * @param judge is shown what is about to be written, and throws where it is not to be
   * @returns the number of commits taken; the first that does not follow stops it, with nothing of it or
   *   of those after it written
   */
  async adopt(commits: readonly StoredCommit[], judge?: CommitJudge): Promise<number> {
    const before = this.#turn;
    const adopted = before.then(() => this.#adopt(commits, judge));
    this.#turn = adopted.catch(() => undefined);
    return adopted;
  }

  /** As {@link read}, from the last record to the first. */
  readReverse(span: SpanOptions = {}): AsyncGenerator<EventRecord[]> {
    return readBackward(this.#level, this.#spanOf(span), { check: this.#check, records: this.#records });
  }

  /** The commits that cover any position from `from` up to `to`, in order. */
  readCommits(span: SpanOptions = {}): AsyncGenerator<CommitRecord> {
    return scanCommits(this.#level, this.#spanOf(span));
  }

  /** The commit that covers a position. @throws RangeError outside the log, HkfsError LOG_DAMAGED. */
  async commitAt(position: Position): Promise<CommitRecord> {
    this.#checkPosition(position);
    const commit = await commitUpTo(this.#level, position);
    if (commit === null || position >= commit.first + commit.count)
      throw new HkfsError('LOG_DAMAGED', `event ${position} is in no commit`);
    await this.#records.require(commit);
    return commit;
  }

  /** One record. @throws RangeError outside the log, else as {@link read}. */
  async get(position: Position): Promise<EventRecord> {
    const { timeMs, operation } = await this.commitAt(position);
    await checkEvent(this.#level, this.#check, position);
    const bytes = this.#stored(position);
    return { position, timeMs, operation, event: decodeEvent(bytes, position), bytes };
  }

  /** One event without its commit, and without a turn of the event loop. Throws as {@link get}. */
  getSync(position: Position): HkfsEvent {
    this.#checkPosition(position);
    return decodeEvent(this.#bytesAt(position), position);
  }

  /** The stored bytes of one event. @throws RangeError outside the log, HkfsError LOG_GAP */
  bytesAt(position: Position): Buffer {
    this.#checkPosition(position);
    return this.#bytesAt(position);
  }

  /** Reads and checks everything, commit by commit; reports after each batch. Throws as {@link read}. */
  async *audit(): AsyncGenerator<AuditProgress> {
    const { size } = this;
    let checked = 0;
    for await (const count of auditForward(this.#level, { from: 0, to: size }, this.#records)) {
      checked += count;
      yield { checked, size };
    }
  }

  /** After large writes: leaves no write-ahead log for the next open to replay. */
  async compactForClose(): Promise<void> {
    await this.#turn;
    try {
      await flushLevel(this.#level);
    } catch (error) {
      throw explainLevelError(error, this.#level.location);
    }
  }

  /** Waits for appends under way, then lets the directory go. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#level.close();
  }

  async #write(
    events: readonly HkfsEvent[],
    encoded: readonly Buffer[],
    context: AppendContext,
  ): Promise<Appended> {
    if (this.#failure !== undefined) throw refused(this.#failure);
    const first = this.size;
    const before = this.#lastCommit;
    const stored =
      before === null ? encoded : [withLink(encoded[0]!, recordHash(before)), ...encoded.slice(1)];
    const completed: Subtree[] = [];
    const range = this.#range.clone(completed);
    for (const bytes of stored) range.append(bytes);
    const subtrees = await this.tree.rowsOf(first, completed);
    const timeMs = Math.max(context.timeMs, before?.timeMs ?? 0);
    const { operation } = context;
    const format = before === null ? 1 : 2;
    const commit: CommitRecord = {
      ...{ format, first, count: stored.length, timeMs, operation },
      range: range.hashes,
    };
    const wrong = whyNotJoined({ before, commit, event: stored[0]! });
    if (wrong !== null) throw new TypeError(wrong);
    await this.#writeBatch(commit, stored, subtrees);
    this.tree.written(subtrees);
    this.#range = range;
    this.#lastCommit = commit;
    const records = events.map((event, at) => ({
      position: first + at,
      timeMs,
      operation,
      event,
      bytes: stored[at]!,
    }));
    return { commit, records };
  }

  /** The Merkle range that stands in the commit before a size was its events'. */
  async #requireRange(size: Position): Promise<void> {
    const commit = await this.commitAt(size - 1);
    const end = endOf(commit);
    const after = storedEvent(this.#level, end);
    if (end === size && after !== undefined && linkIn(after) !== null) return;
    for await (const _stored of this.readStored({ from: commit.first, to: end })) continue;
  }

  async #adopt(commits: readonly StoredCommit[], judge?: CommitJudge): Promise<number> {
    if (this.#failure !== undefined) throw refused(this.#failure);
    const batch = this.#level.batch();
    const first = this.size;
    const completed: Subtree[] = [];
    let range = this.#range;
    let before = this.#lastCommit;
    let taken = 0;
    for (const stored of commits) {
      const subtrees: Subtree[] = [];
      const next = range.clone(subtrees);
      const { commit, events } = stored;
      if (!followsFrom(next, stored) || whyNotJoined({ before, commit, event: events[0]! }) !== null) break;
      before = commit;
      for (const [at, value] of events.entries()) batch.put(eventKey(commit.first + at), value);
      batch.put(commitKey(commit.first), encodeCommit(commit));
      completed.push(...subtrees);
      range = next;
      taken += 1;
    }
    const rows = await this.tree.rowsOf(first, completed);
    for (const [key, value] of [...rows, ...formatRow(this.#lastCommit, before)]) batch.put(key, value);
    await judge?.(commits.slice(0, taken)).catch(async (error: unknown) => {
      await batch.close();
      throw error;
    });
    try {
      await batch.write();
    } catch (error) {
      this.#failure = explainLevelError(error, this.#level.location);
      throw this.#failure;
    }
    this.tree.written(rows);
    this.#range = range;
    this.#lastCommit = before;
    return taken;
  }

  async #writeBatch(
    commit: CommitRecord,
    encoded: readonly Buffer[],
    subtrees: readonly [Buffer, Buffer][],
  ): Promise<void> {
    try {
      // A chained batch takes puts seven times as fast as an array of operations does.
      const batch = this.#level.batch();
      encoded.forEach((value, at) => batch.put(eventKey(commit.first + at), value));
      batch.put(commitKey(commit.first), encodeCommit(commit));
      for (const [key, value] of [...subtrees, ...formatRow(this.#lastCommit, commit)]) batch.put(key, value);
      await batch.write({ sync: true });
    } catch (error) {
      this.#failure = explainLevelError(error, this.#level.location);
      throw this.#failure;
    }
  }

  #bytesAt(position: Position): Buffer {
    this.#check.requireSync(position, this.#stored);
    return this.#stored(position);
  }

  #spanOf({ from = 0, to = this.size }: SpanOptions): Span {
    return { from: Math.max(from, 0), to: Math.min(to, this.size) };
  }

  #checkPosition(position: Position): void {
    if (!Number.isSafeInteger(position) || position < 0 || position >= this.size)
      throw new RangeError(`no event ${position} in a log of ${this.size}`);
  }
}

function missing(position: Position): never {
  throw gap(position);
}

function rangeAfter({ first, count, range }: CommitRecord): CompactRange {
  return CompactRange.from(first + count, range);
}

function checkAppend(events: readonly HkfsEvent[], { timeMs, operation }: AppendContext): void {
  if (events.length === 0) throw new TypeError('a commit needs events');
  if (!Number.isSafeInteger(timeMs)) throw new TypeError(`not a time: ${timeMs}`);
  if (timeMs < 0)
    throw new HkfsError('BAD_CLOCK', 'the clock of this machine stands before 1970', {
      hint: 'set it (`date`, `timedatectl`) and run the same command again; queries work all the same',
    });
  if (!Number.isSafeInteger(operation) || operation < 0)
    throw new TypeError(`not an operation: ${operation}`);
}

function refused(cause: unknown): HkfsError {
  const code = isHkfsError(cause) ? cause.code : 'IO_ERROR';
  return new HkfsError(code, 'the log takes no more events after a failed write', {
    hint: 'open the archive again',
    cause,
  });
}
