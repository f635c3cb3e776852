import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHasher, hashBytes, hashToHex } from '../../src/fs/hash.js';

interface Shape {
  readonly name: string;
  readonly files: number;
  readonly leastBytes: number;
  readonly mostBytes: number;
  readonly contents: number;
}
interface CorpusFile {
  readonly path: string;
  readonly content: number;
  readonly size: number;
}

// A variable, because the bench has no types.
const script: string = './corpus.mjs';
const { SHAPES, ensureCorpus, filesOf, writeCorpus } = (await import(script)) as {
  SHAPES: Record<'small' | 'large' | 'million', { full: Shape; smoke: Shape }>;
  ensureCorpus: (shape: Shape, seed: string, cache: string) => { folder: string; made: boolean };
  filesOf: (shape: Shape, seed: string) => Iterable<CorpusFile>;
  writeCorpus: (shape: Shape, seed: string, folder: string) => void;
};
const SMALL = SHAPES.small.smoke;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hkfs-corpus-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function paths(top: string): string[] {
  return readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(top, path)).isFile())
    .sort();
}

/** Names and contents in one hash. */
function fingerprint(top: string): string {
  const hasher = createHasher();
  for (const path of paths(top)) {
    hasher.update(Buffer.from(`${path}\0`));
    hasher.update(readFileSync(join(top, path)));
  }
  return hashToHex(hasher.digest());
}

function write(name: string, seed: string, shape = SMALL): string {
  writeCorpus(shape, seed, join(folder, name));
  return join(folder, name);
}

describe('a corpus', () => {
  test('is the same for the same seed, in names and bytes, and on every machine', () => {
    expect(fingerprint(write('a', 'seed'))).toBe(fingerprint(write('b', 'seed')));
    expect(fingerprint(join(folder, 'a'))).toBe(
      '6bf16bb2556743c997a1bb85fba887b23504f7f8b56a6bbff6713231938c5828',
    );
  });

  test('of another seed has other bytes', () => {
    expect(fingerprint(write('a', 'seed'))).not.toBe(fingerprint(write('b', 'other')));
  });

  test('of small files repeats contents in exactly half of them, with sizes in the range', () => {
    const top = write('a', 'seed');
    const files = paths(top).map((path) => readFileSync(join(top, path)));
    expect(files).toHaveLength(SMALL.files);
    expect(new Set(files.map((bytes) => hashToHex(hashBytes(bytes)))).size).toBe(SMALL.files / 2);
    const sizes = files.map(({ length }) => length);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(SMALL.leastBytes);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SMALL.mostBytes);
  });

  test('of large files has two equal ones', () => {
    const top = write('a', 'seed', SHAPES.large.smoke);
    const hashes = paths(top).map((path) => hashToHex(hashBytes(readFileSync(join(top, path)))));
    expect(hashes).toHaveLength(8);
    expect(new Set(hashes).size).toBe(7);
    expect(hashes[7]).toBe(hashes[0]);
  });

  test('of a million files lies in four equal parts and repeats nothing', () => {
    const files = [...filesOf(SHAPES.million.smoke, 'seed')];
    for (const part of [1, 2, 3, 4])
      expect(files.filter(({ path }) => path.startsWith(`part-${part}/`))).toHaveLength(files.length / 4);
    expect(new Set(files.map(({ content }) => content)).size).toBe(files.length);
  });
});

describe('the cache', () => {
  test('gives back a corpus of the same seed and shape, and makes one for any other', () => {
    const shape = { ...SMALL, files: 20, contents: 10 };
    const first = ensureCorpus(shape, 'seed', folder);
    expect(first.made).toBe(true);
    expect(ensureCorpus(shape, 'seed', folder)).toEqual({ folder: first.folder, made: false });
    expect(ensureCorpus(shape, 'other', folder).made).toBe(true);
    expect(ensureCorpus({ ...shape, files: 40, contents: 20 }, 'seed', folder).made).toBe(true);
    expect(readdirSync(folder)).toHaveLength(3);
  });
});
