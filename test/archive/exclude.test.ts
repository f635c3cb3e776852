import { describe, expect, test } from '@jest/globals';
import { excluder } from '../../src/archive/ingest/exclude.js';
import { baseName } from '../../src/fs/names.js';

function excludes(globs: readonly string[], path: string): boolean {
  return excluder(globs)(path, baseName(path));
}

describe('a glob without a slash', () => {
  test.each([
    ['*.tmp', 'a.tmp', true],
    ['*.tmp', 'deep/er/a.tmp', true],
    ['*.tmp', '.tmp', true],
    ['*.tmp', 'a.tmp.keep', false],
    ['node_modules', 'x/node_modules', true],
    ['node_modules/', 'x/node_modules', true],
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
    ['a/b/', 'a/b', true],
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
