/** RFC 6962 sections 2.1.1 and 2.1.2: inclusion and consistency proofs; checked as in RFC 9162 section 2.1. */
import { HASH_BYTES, nodeHash } from './merkle.js';

type Hashes = readonly Uint8Array[];

export interface InclusionClaim {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  readonly proof: Hashes;
  readonly root: Uint8Array;
}
export interface ConsistencyClaim {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: Hashes;
}

/**
 * PATH(index, D[n]): the siblings from the leaf up to the root.
 *
 * @throws RangeError when there is no such leaf.
 */
export function inclusionProof(leafHashes: Hashes, index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leafHashes.length)
    throw new RangeError(`no leaf ${index} among ${leafHashes.length}`);
  if (leafHashes.length === 1) return [];
  const split = splitOf(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return index < split
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - split), treeRoot(left)];
}

/**
 * PROOF(size1, D[size2]): what shows that the first `size1` of `size2` leaves are unchanged.
 *
 * @throws RangeError unless 0 < size1 ≤ size2 ≤ number of leaves.
 */
export function consistencyProof(leafHashes: Hashes, size1: number, size2: number): Uint8Array[] {
  if (!isSize(size1) || !isSize(size2) || size1 < 1 || size1 > size2 || size2 > leafHashes.length)
    throw new RangeError(`no consistency proof from ${size1} to ${size2} of ${leafHashes.length} leaves`);
  return subproof(leafHashes.slice(0, size2), size1, true);
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

/**
 * True when the proof shows that the tree of `size1` leaves is a prefix of that of `size2`. An empty
 * first tree proves nothing and is refused. Never throws.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { size1, size2, root1, root2, proof } = claim;
  if (!isSize(size1) || !isSize(size2) || size1 < 1 || size1 > size2) return false;
  if (size1 === size2) return proof.length === 0 && equal(root1, root2);
  if (!areHashes([root1, root2, ...proof])) return false;
  if (proof.length === 0) return false;
  const computed = foldConsistency(size1, size2, isPowerOfTwo(size1) ? [root1, ...proof] : proof);
  return computed !== null && equal(computed[0], root1) && equal(computed[1], root2);
}

/** RFC 9162 section 2.1.4.2, steps 3 to 6: both roots as they follow from the path. */
function foldConsistency(size1: number, size2: number, path: Hashes): [Uint8Array, Uint8Array] | null {
  let [at, last] = [size1 - 1, size2 - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [first, second] = [path[0]!, path[0]!];
  for (const hash of path.slice(1)) {
    if (last === 0) return null;
    if (isRightmost(at, last)) {
      first = nodeHash(hash, first);
      second = nodeHash(hash, second);
      [at, last] = climbToSibling(at, last);
    } else second = nodeHash(second, hash);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? [first, second] : null;
}

function subproof(leafHashes: Hashes, size: number, complete: boolean): Uint8Array[] {
  if (size === leafHashes.length) return complete ? [] : [treeRoot(leafHashes)];
  const split = splitOf(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return size <= split
    ? [...subproof(left, size, complete), treeRoot(right)]
    : [...subproof(right, size - split, false), treeRoot(left)];
}

/** MTH of leaves that are hashed already; at least one. */
function treeRoot(leafHashes: Hashes): Uint8Array {
  if (leafHashes.length === 1) return leafHashes[0]!;
  const split = splitOf(leafHashes.length);
  return nodeHash(treeRoot(leafHashes.slice(0, split)), treeRoot(leafHashes.slice(split)));
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

function isPowerOfTwo(n: number): boolean {
  return splitOf(2 * n) === n;
}

function areHashes(all: Hashes): boolean {
  return all.every((hash) => hash.length === HASH_BYTES);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
