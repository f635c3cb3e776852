import { expect, test } from '@jest/globals';

import { withRawBytes } from '../../src/cli/raw-argv.js';

const commandLine =
  (...args: string[]): (() => Uint8Array) =>
  () =>
    Buffer.from(`${args.join('\0')}\0`, 'latin1');

test('an argument that is not UTF-8 is taken from the bytes of the command line', () => {
  const read = commandLine('node', 'run.js', 'ls', 'a\xff', '--json');
  expect(withRawBytes(['a\uFFFD', '--json'], read)).toEqual(['a\udcff', '--json']);
});

test('an argument that truly holds U+FFFD stays as it is', () => {
  const read = () => Buffer.from('node\0run.js\0ls\0a\uFFFD\0');
  expect(withRawBytes(['a\uFFFD'], read)).toEqual(['a\uFFFD']);
});

test('well-formed arguments cost no look at the system', () => {
  const read = () => {
    throw new Error('must not be read');
  };
  expect(withRawBytes(['née', ''], read)).toEqual(['née', '']);
});

test('where the system does not tell, the decoded arguments are taken', () => {
  const read = () => {
    throw new Error('no /proc');
  };
  expect(withRawBytes(['a\uFFFD'], read)).toEqual(['a\uFFFD']);
});
