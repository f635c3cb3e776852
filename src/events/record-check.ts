/**
 * Commit records, none of which is believed because LevelDB gave it: the commit after it knows its hash. What is
 * hashed nowhere (the last record, and those of format 1) is compared with its neighbours and its first event.
 */
import { checkEvent } from './checked-scan.js';
import { damagedRecord, linkIn, otherHash, recordHash, whyImplausible } from './commit-chain.js';
import { decodeCommit } from './commit-record.js';
import { commitUpTo } from './commit-scan.js';
import { isHkfsError } from '../errors.js';
import { storedEvent, type LeafCheck } from './leaf-check.js';
import { explainLevelError, type Level } from './level.js';
import { gap, notTheFingerprint } from './log-errors.js';
import { commitKey } from './log-keys.js';
import { endOf } from './segment.js';
import type { CommitRecord, Position } from './types.js';

/** What the caller has read already: each is a look-up less, of 10 µs. */
export interface AtHand {
  readonly before?: CommitRecord | null | undefined;
  readonly eventAt?: (position: Position) => Buffer | undefined;
}

export class RecordCheck {
  readonly #level: Level;
  readonly #check: LeafCheck;
  readonly #size: () => Position;

  constructor(level: Level, check: LeafCheck, size: () => Position) {
    this.#level = level;
    this.#check = check;
    this.#size = size;
  }

  /** @throws HkfsError LOG_DAMAGED */
  async require(commit: CommitRecord, atHand: AtHand = {}): Promise<void> {
    const end = endOf(commit);
    if (end > this.#size()) throw damagedRecord(`the commit of event ${commit.first} ends after the log`);
    const witness = end < this.#size() ? this.#eventAt(end, atHand) : undefined;
    const link = witness === undefined ? null : linkIn(witness);
    if (link === null) return this.#requirePlausible(commit, { ...atHand, witness });
    if (Buffer.compare(link, recordHash(commit)) === 0) return;
    if (await this.#isWritten(end)) throw damagedRecord(otherHash(commit, end));
    // What should vouch for it is damaged itself, which is told where that is read.
    await this.#requirePlausible(commit, { ...atHand, witness: undefined });
  }

  async #requirePlausible(
    commit: CommitRecord,
    { witness, ...atHand }: AtHand & { witness: Buffer | undefined },
  ): Promise<void> {
    const { first } = commit;
    const event = this.#eventAt(first, atHand);
    if (event === undefined) throw gap(first);
    const previous = atHand.before === undefined ? await this.#upTo(first - 1) : atHand.before;
    const reason = whyImplausible({ before: previous, commit, event });
    if (reason !== null)
      throw (await this.#isWritten(first)) ? damagedRecord(reason) : notTheFingerprint(commit);
    if (witness !== undefined) await this.#requireNext(commit, witness);
  }

  async #requireNext(commit: CommitRecord, witness: Buffer): Promise<void> {
    const end = endOf(commit);
    const next = this.#at(end);
    if (next === undefined) throw damagedRecord(`no commit of the log begins at event ${end}`);
    const reason = next && whyImplausible({ before: commit, commit: next, event: witness });
    if (reason !== null && (await this.#isWritten(end))) throw damagedRecord(reason);
  }

  #eventAt(position: Position, { eventAt }: AtHand): Buffer | undefined {
    return eventAt?.(position) ?? storedEvent(this.#level, position);
  }

  async #upTo(position: Position): Promise<CommitRecord | null> {
    return position < 0 ? null : commitUpTo(this.#level, position);
  }

  /** Null for what is no record: whoever reads it is told. */
  #at(first: Position): CommitRecord | null | undefined {
    try {
      const bytes = this.#level.getSync(commitKey(first));
      return bytes && decodeCommit(bytes, first);
    } catch (error) {
      if (isHkfsError(error)) return null;
      throw explainLevelError(error, this.#level.location);
    }
  }

  async #isWritten(position: Position): Promise<boolean> {
    try {
      await checkEvent(this.#level, this.#check, position);
      return true;
    } catch (error) {
      if (isHkfsError(error, 'LOG_DAMAGED') || isHkfsError(error, 'LOG_GAP')) return false;
      throw error;
    }
  }
}
