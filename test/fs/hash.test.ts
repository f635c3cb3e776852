import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';

import { createHasher, hashBytes, hashToHex, hexToHash } from '../../src/fs/hash.js';
import { testWhen } from './scratch.js';

const vectorsPath = fileURLToPath(
  new URL('../../../shared/fixtures/blake3/test_vectors.json', import.meta.url),
);
const vectorTest = testWhen(existsSync(vectorsPath), `no BLAKE3 vectors at ${vectorsPath}`);

interface Vector {
  readonly input_len: number;
  readonly hash: string;
}

function vectors(): Vector[] {
  return (JSON.parse(readFileSync(vectorsPath, 'utf8')) as { cases: Vector[] }).cases;
}

/** The input of the vectors: bytes 0 to 250, again and again. */
function vectorInput(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

vectorTest('every published BLAKE3 vector gives its hash, in one call and in pieces', () => {
  expect(vectors().length).toBeGreaterThan(30);
  for (const { input_len: length, hash } of vectors()) {
    const input = vectorInput(length);
    const hasher = createHasher();
    for (let at = 0; at < length; at += 1_000) hasher.update(input.subarray(at, at + 1_000));
    expect([length, hashToHex(hashBytes(input))]).toEqual([length, hash.slice(0, 64)]);
    expect([length, hashToHex(hasher.digest())]).toEqual([length, hash.slice(0, 64)]);
  }
});

test('a part of a buffer is hashed and nothing around it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 5_000 }), fc.nat(), (bytes, start) => {
      const part = bytes.subarray(start % bytes.length);
      expect(hashBytes(part)).toEqual(hashBytes(Uint8Array.from(part)));
      expect(hashBytes(Buffer.from(bytes).subarray(start % bytes.length))).toEqual(hashBytes(part));
    }),
  );
});

test('a hash survives its text, also as a part of a larger buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (bytes) => {
      const hash = bytes.subarray(5, 37);
      expect(Uint8Array.from(hexToHash(hashToHex(hash)))).toEqual(hash);
    }),
  );
});

test.each(['', 'ab', 'g'.repeat(64), 'A'.repeat(64), 'a'.repeat(65), `${'a'.repeat(64)}\n`])(
  '%j is refused as a hash',
  (text) => expect(() => hexToHash(text)).toThrow(RangeError),
);
