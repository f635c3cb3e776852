/**
 * LevelDB hands out what a bit flipped in: nothing that is read of the log is believed before it was hashed.
 * Events are checked in blocks of 256 leaves of the Merkle tree, up to the root that the last commit knows: by
 * the rows of the subtrees above, so that one event costs one block, whatever the size of its commit.
 */
import { HkfsError } from '../errors.js';
import { explainLevelError, WAY_OUT, type Level } from './level.js';
import { eventKey, subtreeKey } from './log-keys.js';
import { CompactRange, KEPT_HEIGHT, nodeHash } from './merkle.js';
import type { Position } from './types.js';

export const BLOCK = 2 ** KEPT_HEIGHT;

export type LeafAt = (position: Position) => Buffer;

export class LeafCheck {
  readonly #level: Level;
  readonly #range: () => CompactRange;
  /** How many leaves of a block were right when this process read them. */
  readonly #known = new Map<number, number>();
  #roots: { readonly size: number; readonly hashes: readonly Buffer[] } = { size: 0, hashes: [] };

  /** @param range of the whole log, now */
  constructor(level: Level, range: () => CompactRange) {
    this.#level = level;
    this.#range = range;
  }

  /** Whether this process has read the event before, and it was right. */
  knows(position: Position): boolean {
    return position % BLOCK < (this.#known.get(Math.floor(position / BLOCK)) ?? 0);
  }

  trust(block: number): void {
    this.#known.set(block, this.spanOf(block).count);
  }

  spanOf(block: number): { first: Position; count: number } {
    const first = block * BLOCK;
    return { first, count: Math.min(BLOCK, this.#range().size - first) };
  }

  /** @returns false where these leaves, or the rows above them, are not those of the log */
  holds(block: number, leafAt: LeafAt): boolean {
    const { first, count } = this.spanOf(block);
    const own = CompactRange.empty();
    for (let at = 0; at < count; at += 1) own.append(leafAt(first + at));
    const { hashes } = own;
    const right = count < BLOCK ? this.#isTail(hashes) : this.#isBelowRoot(hashes[0]!, block);
    if (right) this.#known.set(block, count);
    return right;
  }

  /**
   * One event as it was written, without a turn of the event loop. Where a row above it is wrong, and not an
   * event, all are hashed.
   *
   * @throws HkfsError LOG_GAP, LOG_DAMAGED
   */
  requireSync(position: Position, stored: LeafAt): void {
    if (this.knows(position)) return;
    const block = Math.floor(position / BLOCK);
    if (this.holds(block, stored) || this.#allHold(stored)) return;
    throw damagedEvents(this.spanOf(block));
  }

  #allHold(stored: LeafAt): boolean {
    const whole = this.#range();
    const range = CompactRange.empty();
    while (range.size < whole.size) range.append(stored(range.size));
    if (!range.root().equals(whole.root())) return false;
    for (let block = 0; block * BLOCK < whole.size; block += 1) this.trust(block);
    return true;
  }

  /** The leaves after the last whole block: the smallest subtrees of the log are theirs. */
  #isTail(hashes: readonly Buffer[]): boolean {
    const roots = this.#rootsNow();
    return hashes.every((hash, at) => hash.equals(roots[roots.length - hashes.length + at]!));
  }

  #isBelowRoot(root: Buffer, block: number): boolean {
    const { at, height: top } = this.#subtreeOf(block * BLOCK);
    let node: Buffer = root;
    let index = block;
    for (let height = KEPT_HEIGHT; height < top; height += 1) {
      const isLeft = index % 2 === 0;
      const sibling = this.#row(height, isLeft ? index + 1 : index - 1);
      if (sibling === undefined) return false;
      node = isLeft ? nodeHash(node, sibling) : nodeHash(sibling, node);
      index = Math.floor(index / 2);
    }
    return node.equals(this.#rootsNow()[at]!);
  }

  /** Which of the log's subtrees has the leaf. */
  #subtreeOf(leaf: Position): { at: number; height: number } {
    let rest = this.#range().size;
    let left = leaf;
    for (let at = 0; ; at += 1) {
      const height = Math.floor(Math.log2(rest));
      const size = 2 ** height;
      if (left < size) return { at, height };
      left -= size;
      rest -= size;
    }
  }

  #rootsNow(): readonly Buffer[] {
    const range = this.#range();
    if (this.#roots.size !== range.size) this.#roots = { size: range.size, hashes: range.hashes };
    return this.#roots.hashes;
  }

  #row(height: number, index: number): Buffer | undefined {
    try {
      return this.#level.getSync(subtreeKey(height, index));
    } catch (error) {
      throw explainLevelError(error, this.#level.location);
    }
  }
}

/** An event as LevelDB has it, right or wrong; undefined where there is none. */
export function storedEvent(level: Level, position: Position): Buffer | undefined {
  try {
    return level.getSync(eventKey(position));
  } catch (error) {
    throw explainLevelError(error, level.location);
  }
}

function damagedEvents({ first, count }: { first: Position; count: number }): HkfsError {
  return new HkfsError(
    'LOG_DAMAGED',
    `one of the events ${first} to ${first + count - 1} does not have the fingerprint of the log`,
    { hint: WAY_OUT.LOG_DAMAGED },
  );
}
