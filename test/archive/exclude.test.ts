import { describe, expect, test } from '@jest/globals';
import { exclusionOf, type Exclusion } from '../../src/archive/ingest/exclude.js';
import { baseName, joinPath, parentPath } from '../../src/fs/names.js';

/** @param path from the source `/home/me/src`; one that ends with a slash is a directory */
function excludes(globs: readonly string[], path: string): boolean {
  return isExcludedBy(exclusionOf(globs), path);
}

function isExcludedBy(exclusion: Exclusion, path: string): boolean {
  const bare = path.replace(/\/$/, '');
  const below = parentPath(bare);
  const isExcluded = exclusion.isExcluded?.({
    name: baseName(bare),
    isDirectory: bare !== path,
    below,
    directory: joinPath('/home/me/src', below),
  });
  return isExcluded ?? false;
}

describe('a glob without a slash', () => {
  test.each([
    ['*.tmp', 'a.tmp', true],
    ['*.tmp', 'deep/er/a.tmp', true],
    ['*.tmp', '.tmp', true],
    ['*.tmp', 'a.tmp.keep', false],
    ['node_modules', 'x/node_modules', true],
    ['node_modules', 'node_modules2', false],
    ['*', '.hidden', true],
    ['.*', '.hidden', true],
    ['.*', 'shown', false],
    ['?', 'a', true],
    ['?', 'ab', false],
    ['[ab]*', 'bz', true],
    ['[!ab]*', 'bz', false],
    ['[!ab]*', 'cz', true],
    ['[^ab]*', 'bz', false],
    ['[[:digit:]]*', '1', true],
    ['[!]a]', ']', false],
    ['!a', 'b', false],
    ['!a', '!a', true],
    ['+(a|b)', 'ab', true],
    ['{a,b}.txt', 'b.txt', true],
    ['A', 'a', false],
    ['*.tmp', 'new\nline.tmp', true],
    ['*.tmp', '-rf.tmp', true],
    ['*\udcff*', 'a\udcffb', true],
    ['caf\u00e9', 'cafe\u0301', false],
    ['a b', 'a b', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
  ])('%j is matched against the name alone: %j %j', (glob, path, expected) => {
    expect(excludes([glob], path)).toBe(expected);
  });
});

describe('a glob with a slash', () => {
  test.each([
    ['/a', 'a', true],
    ['/a', 'x/a', false],
    ['a/b', 'a/b', true],
    ['a/b', 'x/a/b', false],
    ['a/*', 'a/b', true],
    ['a/*', 'a/b/c', false],
    ['a/**', 'a/b/c', true],
    ['**/b', 'b', true],
    ['**/b', 'a/x/b', true],
    ['**/*.tmp', 'a/.b/c.tmp', true],
    ['a/**/c', 'a/c', true],
    ['a/**/c', 'a/x/y/c', true],
    ['**/*.tmp', 'new\nline/a.tmp', true],
    ['**/*.tmp', 'new\nline.tmp', true],
    ['a/**', 'a/new\nline', true],
    ['/*\n*', 'new\nline', true],
  ])('%j is matched against the path from the source: %j %j', (glob, path, expected) => {
    expect(excludes([glob], path)).toBe(expected);
  });
});

describe('a glob that ends with a slash', () => {
  test.each([
    ['build/', 'build/', true],
    ['build/', 'x/build/', true],
    ['build/', 'build', false],
    ['build/', 'x/build', false],
    ['a/build//', 'a/build/', true],
    ['a/build/', 'a/build', false],
    ['a/build/', 'x/a/build/', false],
    ['/home/me/src/build/', 'build', false],
    ['**/', 'a/', true],
    ['**/', 'a', false],
  ])('%j means directories only: %j %j', (glob, path, expected) => {
    expect(excludes([glob], path)).toBe(expected);
  });
});

describe('a glob that begins with a slash', () => {
  test.each([
    ['/home/me/src/a', 'a', true],
    ['/home/me/src/a', 'x/a', false],
    ['/home/me/src/x/*.o', 'x/a.o', true],
    ['/home/*/src/x', 'x', true],
    ['home/me/src/a', 'a', false],
    ['/home/me/src/build/', 'build/', true],
    ['/**/a', 'x/y/a', true],
  ])('%j is also matched against the whole path: %j %j', (glob, path, expected) => {
    expect(excludes([glob], path)).toBe(expected);
  });
});

test('globs that have matched nothing are known', () => {
  const exclusion = exclusionOf(['*.o', 'build/', '*.tmp']);
  for (const path of ['a.o', 'build', 'a.txt']) isExcludedBy(exclusion, path);
  expect(exclusion.unmatched()).toEqual(['build/', '*.tmp']);
});

describe('globs', () => {
  test('exclude nothing when there are none', () => {
    expect(excludes([], 'a')).toBe(false);
  });

  test('exclude what any of them matches', () => {
    const globs = ['*.o', '/build', 'x/y'];
    expect(['a/b.o', 'build', 'x/y', 'a/build', 'x'].map((path) => excludes(globs, path))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
