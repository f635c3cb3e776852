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
import { gap } from './log-errors.js';
import { commitKey } from './log-keys.js';
import { endOf } from './segment.js';
import type { CommitRecord, Position } from './types.js';

export class RecordCheck {
  readonly #level: Level;
  readonly #check: LeafCheck;
  readonly #size: () => Position;

  constructor(level: Level, check: LeafCheck, size: () => Position) {
    this.#level = level;
    this.#check = check;
    this.#size = size;
  }

  /**
   * @param before the record before it, where the caller has it
   * @throws HkfsError LOG_DAMAGED
   */
  async require(commit: CommitRecord, before?: CommitRecord | null): Promise<void> {
    const end = endOf(commit);
    const witness = end < this.#size() ? storedEvent(this.#level, end) : undefined;
    const link = witness === undefined ? null : linkIn(witness);
    if (link === null) return this.#requirePlausible(commit, { before, witness });
    if (Buffer.compare(link, recordHash(commit)) === 0) return;
    if (await this.#isWritten(end)) throw damagedRecord(otherHash(commit, end));
    // What should vouch for it is damaged itself, which is told where that is read.
    await this.#requirePlausible(commit, { before, witness: undefined });
  }

  async #requirePlausible(
    commit: CommitRecord,
    { before, witness }: { before: CommitRecord | null | undefined; witness: Buffer | undefined },
  ): Promise<void> {
    const { first } = commit;
    const event = storedEvent(this.#level, first);
    if (event === undefined) throw gap(first);
    const previous = before === undefined ? await this.#upTo(first - 1) : before;
    const next = witness === undefined ? null : this.#at(endOf(commit));
    const reason =
      whyImplausible({ before: previous, commit, event }) ??
      (next && whyImplausible({ before: commit, commit: next, event: witness! }));
    if (reason !== null) throw damagedRecord(reason);
  }

  async #upTo(position: Position): Promise<CommitRecord | null> {
    return position < 0 ? null : commitUpTo(this.#level, position);
  }

  /** Null also where it lacks or is none: whoever reads it is told. */
  #at(first: Position): CommitRecord | null {
    try {
      const bytes = this.#level.getSync(commitKey(first));
      return bytes === undefined ? null : decodeCommit(bytes, first);
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
