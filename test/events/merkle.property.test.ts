import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CompactRange, leafHash } from '../../src/events/merkle.js';
import {
  consistencyPath,
  inclusionPath,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '../../src/events/merkle-proofs.js';
import { consistencyProof, inclusionProof, treeRoot } from './merkle-twin.js';

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 6962 section 2.1, word for word. */
function treeHash(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), leaves[0]!);
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(Uint8Array.of(1), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

function rangeOf(leaves: readonly Uint8Array[]): CompactRange {
  const range = CompactRange.empty();
  for (const leaf of leaves) range.append(leaf);
  return range;
}

const leavesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`leaf ${at}`));
const leaf = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ minLength: 4090, maxLength: 9000 }));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the compact range', () => {
  test('an empty tree has the SHA-256 of nothing', () => {
    expect(hex(CompactRange.empty().root())).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test('has the root of RFC 6962 after every leaf', () => {
    const range = CompactRange.empty();
    const leaves = leavesOf(140);
    leaves.forEach((each, at) => {
      range.append(each);
      expect(hex(range.root())).toBe(hex(treeHash(leaves.slice(0, at + 1))));
    });
  });

  test('has the root of RFC 6962 for any leaves, long and empty ones too', () => {
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 40 }), (leaves) => {
        expect(hex(rangeOf(leaves).root())).toBe(hex(treeHash(leaves)));
      }),
      { numRuns: 60 },
    );
  });

  test('goes on from its stored hashes as if never stopped', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(60), (before, after) => {
        const leaves = leavesOf(before + after);
        const stopped = rangeOf(leaves.slice(0, before));
        const range = CompactRange.from(stopped.size, stopped.hashes);
        for (const each of leaves.slice(before)) range.append(each);
        expect(range.hashes).toEqual(rangeOf(leaves).hashes);
      }),
      { numRuns: 50 },
    );
  });

  test('a clone and its origin grow apart', () => {
    const range = rangeOf(leavesOf(5));
    const root = hex(range.root());
    range.clone().append(Buffer.from('other'));
    expect([range.size, hex(range.root())]).toEqual([5, root]);
  });

  test.each([
    [3, 1],
    [4, 2],
    [0, 1],
    [-1, 0],
    [1.5, 1],
  ])('%d leaves with %d hashes are refused', (size, count) => {
    expect(() =>
      CompactRange.from(
        size,
        Array.from({ length: count }, () => Buffer.alloc(32)),
      ),
    ).toThrow(RangeError);
  });
});

describe('proofs', () => {
  const leafHashes = leavesOf(33).map(leafHash);
  const rootAt = (size: number): Buffer => treeHash(leavesOf(size));

  test('the proof of every leaf in every tree up to 33 holds, and no other leaf passes with it', () => {
    for (let treeSize = 1; treeSize <= 33; treeSize += 1)
      for (let leafIndex = 0; leafIndex < treeSize; leafIndex += 1) {
        const proof = inclusionProof(leafHashes.slice(0, treeSize), leafIndex);
        const claim = {
          leafIndex,
          treeSize,
          leafHash: leafHashes[leafIndex]!,
          proof,
          root: rootAt(treeSize),
        };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, leafHash: Buffer.alloc(32) })).toBe(false);
      }
  });

  test('every tree up to 33 is proved a prefix of every larger one, and with no other root', () => {
    for (let size2 = 1; size2 <= 33; size2 += 1)
      for (let size1 = 1; size1 <= size2; size1 += 1) {
        const proof = consistencyProof(leafHashes, size1, size2);
        const claim = { size1, size2, root1: rootAt(size1), root2: rootAt(size2), proof };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, root1: Buffer.alloc(32) })).toBe(false);
      }
  });
});

describe('the paths of proofs', () => {
  const leafHashes = leavesOf(70).map(leafHash);
  const hashed = (spans: readonly { start: number; end: number }[]): string[] =>
    spans.map(({ start, end }) => hex(treeRoot(leafHashes.slice(start, end))));

  test('are what RFC 6962 says word for word, for every leaf and every older tree of up to 70', () => {
    for (let size = 1; size <= 70; size += 1)
      for (let at = 0; at < size; at += 1) {
        expect(hashed(inclusionPath(at, size))).toEqual(
          inclusionProof(leafHashes.slice(0, size), at).map(hex),
        );
        expect(hashed(consistencyPath(at + 1, size))).toEqual(
          consistencyProof(leafHashes, at + 1, size).map(hex),
        );
      }
  });

  test('about leaves and trees that are not there are refused', () => {
    expect(() => inclusionPath(33, 33)).toThrow(RangeError);
    expect(() => inclusionPath(-1, 33)).toThrow(RangeError);
    expect(() => inclusionPath(0.5, 33)).toThrow(RangeError);
    expect(() => consistencyPath(0, 5)).toThrow(RangeError);
    expect(() => consistencyPath(6, 5)).toThrow(RangeError);
  });

  test('of trees beyond 2^32 leaves are as short as their height', () => {
    expect(inclusionPath(2 ** 52, 2 ** 52 + 1)).toEqual([{ start: 0, end: 2 ** 52 }]);
    expect(consistencyPath(2 ** 52, 2 ** 52 + 1)).toEqual([{ start: 2 ** 52, end: 2 ** 52 + 1 }]);
    expect(inclusionPath(2 ** 51, 2 ** 52)).toHaveLength(52);
  });
});

interface Fixture {
  readonly wantErr: boolean;
  readonly proof: readonly string[] | null;
  readonly [field: string]: unknown;
}

const FIXTURES = join(process.cwd(), '..', 'shared', 'fixtures', 'merkle');
const fixturesExist = existsSync(FIXTURES);
if (!fixturesExist) process.stderr.write(`skipped: no Merkle fixtures in ${FIXTURES}\n`);

function fixtures(folder: string): [string, Fixture][] {
  if (!fixturesExist) return [];
  const names = readdirSync(join(FIXTURES, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((each) => each.endsWith('.json'))
    .map((each) => [each, JSON.parse(readFileSync(join(FIXTURES, folder, each), 'utf8')) as Fixture]);
}

const base64 = (value: unknown): Buffer => Buffer.from(String(value), 'base64');
const proofOf = ({ proof }: Fixture): Buffer[] => (proof ?? []).map(base64);

(fixturesExist ? describe : describe.skip)("transparency-dev's cases", () => {
  test('every inclusion case is accepted or refused as it says', () => {
    const cases = fixtures('inclusion');
    expect(cases.length).toBeGreaterThan(50);
    for (const [, given] of cases) {
      const { leafIdx, treeSize, leafHash: leafText, root } = given;
      const claim = { leafIndex: Number(leafIdx), treeSize: Number(treeSize), leafHash: base64(leafText) };
      expect([given.desc, !verifyInclusion({ ...claim, root: base64(root), proof: proofOf(given) })]).toEqual(
        [given.desc, given.wantErr],
      );
    }
  });

  test('every consistency case is accepted or refused as it says', () => {
    const cases = fixtures('consistency');
    expect(cases.length).toBeGreaterThan(50);
    for (const [, given] of cases) {
      const { size1, size2, root1, root2 } = given;
      const sizes = { size1: Number(size1), size2: Number(size2) };
      const claim = { ...sizes, root1: base64(root1), root2: base64(root2), proof: proofOf(given) };
      expect([given.desc, !verifyConsistency(claim)]).toEqual([given.desc, given.wantErr]);
    }
  });

  test('every case of a leaf in a subtree is accepted or refused as it says', () => {
    const cases = fixtures('subtreeinclusion');
    expect(cases.length).toBeGreaterThan(50);
    for (const [file, given] of cases) {
      const span = { start: Number(given.start), end: Number(given.end), leafIndex: Number(given.leafIdx) };
      const claim = { ...span, leafHash: base64(given.leafHash), root: base64(given.root) };
      expect([file, !verifySubtreeInclusion({ ...claim, proof: proofOf(given) })]).toEqual([
        file,
        given.wantErr,
      ]);
    }
  });

  test('every case of a subtree in a tree is accepted or refused as it says', () => {
    const cases = fixtures('subtreeconsistency');
    expect(cases.length).toBeGreaterThan(50);
    for (const [file, given] of cases) {
      const span = { start: Number(given.start), end: Number(given.end), size: Number(given.size) };
      const roots = { root1: base64(given.root1), root2: base64(given.root2) };
      expect([file, !verifySubtreeConsistency({ ...span, ...roots, proof: proofOf(given) })]).toEqual([
        file,
        given.wantErr,
      ]);
    }
  });

  test('there is no folder of cases that no test here reads', () => {
    expect(readdirSync(FIXTURES).toSorted()).toEqual([
      'consistency',
      'inclusion',
      'subtreeconsistency',
      'subtreeinclusion',
    ]);
  });
});
