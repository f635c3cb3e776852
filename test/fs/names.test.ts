import { mkdirSync, writeFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';

import {
  baseName,
  compareNames,
  isValidName,
  joinPath,
  nameFromBytes,
  nameToBytes,
  normalizeTreePath,
  parentPath,
  readDirectoryNames,
  toFsPath,
} from '../../src/fs/names.js';
import { codeThrownBy, scratchDirectory } from './scratch.js';

const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
/** Bytes among which invalid UTF-8, whole characters and near misses are all common. */
const trickyBytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('c3', 'ed', 'f0', '80', 'a9', 'ee8080', 'f0908080')
        .map((hex) => Buffer.from(hex, 'hex')),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts));
const fileNameBytes = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0 && byte !== 0x2f)))
  .filter((bytes) => bytes.length > 0 && !/^\.\.?$/.test(bytes.toString('latin1')));

describe('paths for node:fs', () => {
  test('a path is its own string when well formed and its raw bytes otherwise', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, trickyBytes), (bytes) => {
        const path = toFsPath(nameFromBytes(bytes));
        expect(Buffer.compare(Buffer.from(path as string), bytes)).toBe(0);
      }),
    );
  });

  test('a Buffer passes unchanged', () => {
    const raw = Buffer.from([0xff]);
    expect(toFsPath(raw)).toBe(raw);
  });
});

describe('order', () => {
  test('names order by their bytes, also bad bytes, surrogate pairs and private-use characters', () => {
    fc.assert(
      fc.property(trickyBytes, trickyBytes, trickyBytes, (prefix, left, right) => {
        const a = Buffer.concat([prefix, left]);
        const b = Buffer.concat([prefix, right]);
        const order = compareNames(nameFromBytes(a), nameFromBytes(b));
        expect(Math.sign(order)).toBe(Buffer.compare(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  test('U+FFFD orders before U+10000, as in UTF-8 and unlike in UTF-16', () => {
    expect(compareNames('\uFFFD', '\u{10000}')).toBeLessThan(0);
  });
});

describe('parts of paths', () => {
  test('a joined path falls apart into what it was made of', () => {
    fc.assert(
      fc.property(fileNameBytes, fileNameBytes, (dirBytes, nameBytes) => {
        const [dir, name] = [nameFromBytes(dirBytes), nameFromBytes(nameBytes)];
        for (const base of [dir, `/${dir}`, '/', '']) {
          expect([parentPath(joinPath(base, name)), baseName(joinPath(base, name))]).toEqual([base, name]);
        }
      }),
    );
  });

  test.each([
    ['/', '/', ''],
    ['', '', ''],
    ['a', '', 'a'],
    ['/a', '/', 'a'],
    ['/a/b//', '/a', 'b'],
    ['a//b', 'a', 'b'],
    ['//a', '/', 'a'],
  ])('%j has the parent %j and the name %j', (path, parent, name) => {
    expect([parentPath(path), baseName(path)]).toEqual([parent, name]);
  });
});

describe('valid names', () => {
  test.each([
    'a',
    '...',
    '-rf',
    'with\nnewline',
    '"',
    'é',
    'e\u0301',
    '\udcff',
    'x'.repeat(255),
    '\udc80'.repeat(255),
  ])('%j is a name', (name) => expect(isValidName(name)).toBe(true));

  test.each(['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256), 'é'.repeat(128), '\udc80'.repeat(256)])(
    '%j is not a name',
    (name) => expect(isValidName(name)).toBe(false),
  );

  test('a string that stands for no bytes, or for bytes with another spelling, is not a name', () => {
    expect(['\ud800', '\udc7f', '\udfff', 'a\ud800b', '\udcc3\udca9'].filter(isValidName)).toEqual([]);
  });

  test('every name that came from bytes of a directory entry is valid', () => {
    fc.assert(fc.property(fileNameBytes, (bytes) => isValidName(nameFromBytes(bytes))));
  });
});

describe('paths inside an archive', () => {
  test.each([
    ['', ''],
    ['/', ''],
    ['./a/./b//', 'a/b'],
    ['/photos/2019/', 'photos/2019'],
    ['a/../b', 'b'],
    ['a/.hkfs', 'a/.hkfs'],
    ['.hkfs-not', '.hkfs-not'],
    ['\udcff/x', '\udcff/x'],
  ])('%j is written %j', (input, path) => expect(normalizeTreePath(input)).toBe(path));

  test.each(['..', 'a/../..', '/../a', 'a\0b', 'x'.repeat(256), '\ud800'])('%j is a BAD_PATH', (input) => {
    expect(codeThrownBy(() => normalizeTreePath(input))).toBe('BAD_PATH');
  });

  test.each(['.hkfs', '/.hkfs/objects', 'a/../.hkfs/log', './/.hkfs'])('%j is a BAD_TARGET', (input) => {
    expect(codeThrownBy(() => normalizeTreePath(input))).toBe('BAD_TARGET');
  });

  test('a normalized path stays as it is', () => {
    fc.assert(
      fc.property(fc.array(fileNameBytes, { maxLength: 5 }), (parts) => {
        const path = parts.map((bytes) => nameFromBytes(bytes)).join('/');
        fc.pre(!path.startsWith('.hkfs'));
        expect(normalizeTreePath(`/${path}/`)).toBe(path);
      }),
    );
  });
});

describe('names in a directory', () => {
  const scratch = scratchDirectory();

  test('distinct bad bytes, a true U+FFFD and normalisation twins all keep their names', () => {
    const directory = Buffer.concat([Buffer.from(`${scratch.path}/`), Buffer.from([0xfe])]);
    const names = ['ff', 'fe', 'efbfbd', 'c3a9', '65cc81', 'eda080', '61ff62', 'efbbbf61', '0a', '2d72'].map(
      (hex) => Buffer.from(hex, 'hex'),
    );
    mkdirSync(directory);
    for (const name of names) writeFileSync(Buffer.concat([directory, Buffer.from('/'), name]), '');
    const read = readDirectoryNames(nameFromBytes(directory)).map((name) => Buffer.from(nameToBytes(name)));
    expect(read.sort(Buffer.compare)).toEqual(names.sort(Buffer.compare));
  });

  test('a directory that is not there fails with ENOENT', () => {
    expect(codeThrownBy(() => readDirectoryNames(`${scratch.path}/none`))).toBe('ENOENT');
  });
});
