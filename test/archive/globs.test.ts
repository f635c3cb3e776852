import { describe, expect, test } from '@jest/globals';
import { globMatcher } from '../../src/archive/globs.js';

describe('a glob', () => {
  test.each([
    ['?', '\u{1f600}', true],
    ['??', '\u{1f600}', false],
    ['?', '\u{1f600}\u{1f600}', false],
    ['??', '\u{1f600}\u{1f600}', true],
    ['a?b', 'a\u{1f600}b', true],
    ['*?.txt', '\u{1f600}.txt', true],
    ['[\u{1f600}x]', '\u{1f600}', true],
    ['[!x]', '\u{1f600}', true],
    ['?', '\udcff', true],
    ['?', 'é', true],
    ['? - #1!.txt', '\u{1f600} - #1!.txt', true],
    ['? \\- x', '\u{1f600} - x', true],
    ['{?,x}@', '\u{1f600}@', true],
    ['*}', '\u{1f600}}', true],
    ['\u{1f600}*', '\u{1f600}', true],
    ['*', 'a\n\u{1f600}', true],
  ])('%j counts characters: %j is %p', (glob, text, expected) => {
    expect(globMatcher(glob)(text)).toBe(expected);
  });
});
