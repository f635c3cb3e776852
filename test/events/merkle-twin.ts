/** Proofs as RFC 6962 section 2.1 defines them, by recursion over all leaf hashes: slow and plainly right. */
import { nodeHash } from '../../src/events/merkle.js';

type Hashes = readonly Uint8Array[];

/** MTH of leaves that are hashed already; at least one. */
export function treeRoot(leafHashes: Hashes): Uint8Array {
  if (leafHashes.length === 1) return leafHashes[0]!;
  const split = splitOf(leafHashes.length);
  return nodeHash(treeRoot(leafHashes.slice(0, split)), treeRoot(leafHashes.slice(split)));
}

/** PATH(index, D[n]). */
export function inclusionProof(leafHashes: Hashes, index: number): Uint8Array[] {
  if (leafHashes.length === 1) return [];
  const split = splitOf(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return index < split
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - split), treeRoot(left)];
}

/** PROOF(size1, D[size2]). */
export function consistencyProof(leafHashes: Hashes, size1: number, size2: number): Uint8Array[] {
  return subproof(leafHashes.slice(0, size2), size1, true);
}

function subproof(leafHashes: Hashes, size: number, complete: boolean): Uint8Array[] {
  if (size === leafHashes.length) return complete ? [] : [treeRoot(leafHashes)];
  const split = splitOf(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return size <= split
    ? [...subproof(left, size, complete), treeRoot(right)]
    : [...subproof(right, size - split, false), treeRoot(left)];
}

/** The largest power of two below n; n is at least 2. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}
