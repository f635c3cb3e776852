/**
 * RFC 6962 section 2.1 (Merkle tree hash) with SHA-256, kept as a compact range: the roots of the
 * perfect subtrees that the leaves so far fall into, one for each bit of their number.
 */
import * as crypto from 'node:crypto';

export const HASH_BYTES = 32;
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;
const FIRST_SCRATCH = 4096;

/** SHA-256 as a latin1 string: crypto.hash gives it back in a third of the time of a Buffer. */
type HashText = string;

// Hashing is synchronous, so one scratch of each kind serves every range.
const nodeScratch = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);
let leafScratch = Buffer.alloc(FIRST_SCRATCH, LEAF_PREFIX);

/** Subtrees from this height on are worth keeping: those below are hashed again from at most 256 leaves. */
export const KEPT_HEIGHT = 8;

/** The root of the perfect subtree of 2^height leaves that begins at leaf index · 2^height. */
export interface Subtree {
  readonly height: number;
  readonly index: number;
  /** 32 bytes as latin1. */
  readonly hash: string;
}

/** The state of an append-only Merkle tree: a few dozen hashes whatever its size. */
export class CompactRange {
  #size: number;
  /** Largest subtree first; as many as `#size` has one-bits. */
  readonly #roots: HashText[];
  readonly #kept: Subtree[] | undefined;

  private constructor(size: number, roots: HashText[], kept?: Subtree[]) {
    this.#size = size;
    this.#roots = roots;
    this.#kept = kept;
  }

  static empty(): CompactRange {
    return new CompactRange(0, []);
  }

  /**
   * A range as stored: `hashes` of 32 bytes, largest subtree first.
   *
   * @throws RangeError when a tree of this size has another number of subtrees.
   */
  static from(size: number, hashes: readonly Uint8Array[]): CompactRange {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not a tree size: ${size}`);
    if (hashes.length !== subtreesOf(size) || hashes.some((hash) => hash.length !== HASH_BYTES))
      throw new RangeError(`not the compact range of ${size} leaves`);
    return new CompactRange(
      size,
      hashes.map((hash) => Buffer.from(hash).toString('latin1')),
    );
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Roots of the perfect subtrees, largest first. */
  get hashes(): Buffer[] {
    return this.#roots.map((root) => Buffer.from(root, 'latin1'));
  }

  /** @param kept gets the subtrees of at least {@link KEPT_HEIGHT} that appending to the clone completes */
  clone(kept?: Subtree[]): CompactRange {
    return new CompactRange(this.#size, [...this.#roots], kept);
  }

  /** Adds a leaf; hashes twice on average. */
  append(leaf: Uint8Array): void {
    let root = leafText(leaf);
    let height = 0;
    // Each trailing one-bit of the size is a perfect subtree that now gets its right-hand twin.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      root = nodeText(this.#roots.pop()!, root);
      height += 1;
      if (height >= KEPT_HEIGHT) this.#kept?.push({ height, index: (rest - 1) / 2, hash: root });
    }
    this.#roots.push(root);
    this.#size += 1;
  }

  /** The Merkle tree hash; SHA-256 of nothing for an empty tree. */
  root(): Buffer {
    if (this.#roots.length === 0) return Buffer.from(sha256(new Uint8Array()), 'latin1');
    return Buffer.from(
      this.#roots.reduceRight((right, left) => nodeText(left, right)),
      'latin1',
    );
  }
}

/** SHA-256(0x00 || leaf). */
export function leafHash(leaf: Uint8Array): Buffer {
  return Buffer.from(leafText(leaf), 'latin1');
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + HASH_BYTES);
  return Buffer.from(sha256(nodeScratch), 'latin1');
}

/** SHA-256 of any bytes. */
export function plainHash(bytes: Uint8Array): Buffer {
  return Buffer.from(sha256(bytes), 'latin1');
}

/** The number of one-bits in a tree's size. */
export function subtreesOf(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

function leafText(leaf: Uint8Array): HashText {
  if (leaf.length >= leafScratch.length) leafScratch = Buffer.alloc(2 * leaf.length, LEAF_PREFIX);
  leafScratch.set(leaf, 1);
  return sha256(leafScratch.subarray(0, 1 + leaf.length));
}

function nodeText(left: HashText, right: HashText): HashText {
  nodeScratch.write(left, 1, 'latin1');
  nodeScratch.write(right, 1 + HASH_BYTES, 'latin1');
  return sha256(nodeScratch);
}

// crypto.hash came with Node 20.12.
const sha256: (bytes: Uint8Array) => HashText =
  typeof crypto.hash === 'function'
    ? (bytes) => crypto.hash('sha256', bytes, 'binary')
    : (bytes) => crypto.createHash('sha256').update(bytes).digest('binary');
