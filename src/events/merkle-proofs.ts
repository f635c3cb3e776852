/**
 * RFC 6962 sections 2.1.1 and 2.1.2: what inclusion and consistency proofs are made of; checked as in
 * RFC 9162 section 2.1. Numbers are sizes below 2^53, so that nothing here uses bit operations.
 */
import { CompactRange, HASH_BYTES, nodeHash } from './merkle.js';

type Hashes = readonly Uint8Array[];

export interface InclusionClaim {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  readonly proof: Hashes;
  readonly root: Uint8Array;
}
export interface SubtreeInclusionClaim extends Omit<InclusionClaim, 'treeSize'> {
  readonly start: number;
  readonly end: number;
}
export interface ConsistencyClaim {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: Hashes;
}

export interface SubtreeConsistencyClaim {
  readonly start: number;
  readonly end: number;
  readonly size: number;
  /** Of the subtree. */
  readonly root1: Uint8Array;
  /** Of the tree. */
  readonly root2: Uint8Array;
  readonly proof: Hashes;
}

/** The leaves whose Merkle tree hash stands in a proof: from `start` up to but not including `end`. */
export interface LeafSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * RFC 6962 PATH(index, D[size]): what is hashed for each line of the proof, from the leaf's sibling up to
 * the root's child.
 *
 * @throws RangeError when there is no such leaf.
 */
export function inclusionPath(index: number, size: number): LeafSpan[] {
  if (!isSize(index) || !isSize(size) || index >= size)
    throw new RangeError(`no leaf ${index} among ${size}`);
  const path: LeafSpan[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    path.push(index < middle ? { start: middle, end } : { start, end: middle });
    [start, end] = index < middle ? [start, middle] : [middle, end];
  }
  return path.toReversed();
}

/**
 * RFC 6962 PROOF(size1, D[size2]): what shows that the first `size1` of `size2` leaves are unchanged.
 *
 * @throws RangeError unless 0 < size1 ≤ size2.
 */
export function consistencyPath(size1: number, size2: number): LeafSpan[] {
  if (!isSize(size1) || !isSize(size2) || size1 < 1 || size1 > size2)
    throw new RangeError(`no consistency proof from ${size1} to ${size2}`);
  const path: LeafSpan[] = [];
  let [start, end] = [0, size2];
  while (end !== size1) {
    const middle = start + splitOf(end - start);
    path.push(size1 <= middle ? { start: middle, end } : { start, end: middle });
    [start, end] = size1 <= middle ? [start, middle] : [middle, end];
  }
  // What is left is the whole old tree, whose root is known, or the last of its subtrees.
  if (start > 0) path.push({ start, end });
  return path.toReversed();
}

/** True when the proof shows that the leaf is in the tree with this root. Never throws. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { leafIndex, treeSize, leafHash: leaf, proof, root } = claim;
  if (!isSize(leafIndex) || !isSize(treeSize) || leafIndex >= treeSize) return false;
  if (!areHashes([leaf, root, ...proof])) return false;
  let at = leafIndex;
  let last = treeSize - 1;
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isRightmost(at, last)) {
      computed = nodeHash(sibling, computed);
      [at, last] = climbToSibling(at, last);
    } else computed = nodeHash(computed, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equal(computed, root);
}

/** True when the proof shows that the leaf is in the subtree of the leaves from `start` to `end`. Never throws. */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim): boolean {
  const { leafIndex, start, end, leafHash: leaf, proof, root } = claim;
  if (!isSubtree(start, end)) return false;
  return verifyInclusion({
    leafIndex: leafIndex - start,
    treeSize: end - start,
    leafHash: leaf,
    proof,
    root,
  });
}

/**
 * True when the proof shows that the tree of `size1` leaves is a prefix of that of `size2`. An empty
 * first tree proves nothing and is refused. Never throws.
 */
export function verifyConsistency({ size1, size2, root1, root2, proof }: ConsistencyClaim): boolean {
  return size1 !== 0 && verifySubtreeConsistency({ start: 0, end: size1, size: size2, root1, root2, proof });
}

/**
 * True when the proof shows that the leaves from `start` to `end`, with the root `root1`, are that part of
 * the tree of `size` leaves: RFC 9162 section 2.1.4.2, where `start` is 0, and its generalisation in
 * draft-ietf-plants-merkle-tree-certs. Never throws.
 */
export function verifySubtreeConsistency(claim: SubtreeConsistencyClaim): boolean {
  const { start, end, size, root1, root2, proof } = claim;
  if (!isSize(size) || !(end <= size)) return false;
  // Nothing is part of anything.
  if (isSize(start) && start === end) return proof.length === 0 && equal(root1, CompactRange.empty().root());
  if (!isSubtree(start, end)) return false;
  if (proof.length > 0 && !areHashes([root1, root2, ...proof])) return false;
  const climb = new Climb(start, end - 1, size - 1);
  climb.skipWhole();
  const path = climb.isWhole ? [root1, ...proof] : proof;
  if (path.length === 0) return false;
  let [first, second] = [path[0]!, path[0]!];
  for (const hash of path.slice(1)) {
    if (climb.isAtRoot) return false;
    if (climb.hasLeftSibling) {
      if (!climb.isWhole) first = nodeHash(hash, first);
      second = nodeHash(hash, second);
    } else second = nodeHash(second, hash);
    climb.step();
  }
  return climb.isAtRoot && equal(first, root1) && equal(second, root2);
}

/** The way up from the last node of a subtree: numbers of nodes on one level of the tree. */
class Climb {
  private first: number;
  private at: number;
  private last: number;

  constructor(first: number, at: number, last: number) {
    this.first = first;
    this.at = at;
    this.last = last;
  }

  /** The node is the whole subtree. */
  get isWhole(): boolean {
    return this.first === this.at;
  }

  get isAtRoot(): boolean {
    return this.last === 0;
  }

  /** Else the sibling is on the right. A last node without a sibling meets the one of its ancestor. */
  get hasLeftSibling(): boolean {
    return isRightmost(this.at, this.last);
  }

  /** Up to the largest node that ends where the subtree ends. */
  skipWhole(): void {
    if (this.at === this.last) while (!this.isWhole) this.up();
    else while (!this.isWhole && this.at % 2 === 1) this.up();
  }

  step(): void {
    if (this.hasLeftSibling) while (this.at % 2 === 0 && this.at !== 0) this.up();
    this.up();
  }

  private up(): void {
    [this.first, this.at, this.last] = [half(this.first), half(this.at), half(this.last)];
  }
}

/** The largest power of two below n; n is at least 2. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

/** The node has its sibling on the left, or is the last of its level. */
function isRightmost(at: number, last: number): boolean {
  return at % 2 === 1 || at === last;
}

/** Skips the levels on which a last node has no sibling. */
function climbToSibling(at: number, last: number): [number, number] {
  while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
  return [at, last];
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

/** Not empty, and beginning at a multiple of the power of two that holds it. */
function isSubtree(start: number, end: number): boolean {
  if (!isSize(start) || !isSize(end) || start >= end) return false;
  const length = end - start;
  return start % (length === 1 ? 1 : 2 * splitOf(length)) === 0;
}

function areHashes(all: Hashes): boolean {
  return all.every((hash) => hash.length === HASH_BYTES);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
