import { expect, test } from '@jest/globals';

import { BrokenPipe } from '../../src/cli/output.js';
import { asksForJson, renderError } from '../../src/cli/render-error.js';
import { ERROR_EXITS, type ErrorCode, HkfsError } from '../../src/errors.js';

const plain = { json: false };

test('an expected error is its message, its code and its hint, without a stack', () => {
  const error = new HkfsError('NOT_AN_ARCHIVE', '/x is no archive', { hint: 'Make one with hkfs init.' });
  expect(renderError(error, plain)).toEqual({
    text: 'hkfs: /x is no archive [NOT_AN_ARCHIVE]\nhint: Make one with hkfs init.\n',
    exitCode: 6,
  });
});

test('under --json an error is one object on one line', () => {
  const { text } = renderError(new HkfsError('NOT_FOUND', 'no a\nb', { hint: 'h' }), { json: true });
  expect(text).toBe('{"error":{"code":"NOT_FOUND","message":"no a b","hint":"h"}}\n');
});

test.each(Object.keys(ERROR_EXITS) as ErrorCode[])('%s leaves with the exit code of the table', (code) => {
  expect(renderError(new HkfsError(code, 'm'), plain).exitCode).toBe(ERROR_EXITS[code]);
});

test('what oclif says of wrong arguments is USAGE, on one line, with exit code 2', () => {
  const error = Object.assign(new Error('Nonexistent flag: --foo\nSee more help with --help'), {
    oclif: { exit: 2 },
  });
  expect(renderError(error, plain)).toEqual({
    text: 'hkfs: Nonexistent flag: --foo [USAGE]\nhint: Add --help for the arguments and flags.\n',
    exitCode: 2,
  });
});

test('anything else is a bug, with its stack and exit code 70', () => {
  const { text, exitCode } = renderError(new TypeError('x is undefined'), plain);
  expect(exitCode).toBe(70);
  expect(text).toMatch(
    /^hkfs: a bug in hkfs: x is undefined \[BUG\]\nhint: .*\nTypeError: x is undefined\n +at /,
  );
  expect(renderError('thrown text', plain)).toMatchObject({ exitCode: 70 });
});

test('a reader of the output that went away is no error; any other broken pipe is', () => {
  expect(renderError(new BrokenPipe('gone'), plain)).toEqual({ text: '', exitCode: 0 });
  const other = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  expect(renderError(other, plain)).toMatchObject({ exitCode: 70 });
});

test('a message cannot send control sequences to the terminal', () => {
  expect(renderError(new HkfsError('NOT_FOUND', 'no \u001b[2J'), plain).text).toBe(
    'hkfs: no \\033[2J [NOT_FOUND]\n',
  );
});

test('--json counts only before --', () => {
  expect(asksForJson(['ls', '--json'])).toBe(true);
  expect(asksForJson(['ls', '--', '--json'])).toBe(false);
});

test('what a file system refused has its code wherever it comes from, and ENOENT of nobody knows what is a bug', () => {
  const refused = (code: string): unknown => Object.assign(new Error(`${code}: x`), { code, path: '/p' });
  const codes = ['ELOOP', 'ENAMETOOLONG', 'EACCES', 'EUCLEAN', 'EFBIG', 'EMFILE', 'EBUSY', 'ENOENT'];
  expect(codes.map((code) => renderError(refused(code), plain).exitCode)).toEqual([2, 2, 2, 4, 2, 2, 2, 70]);
});

test('the trace of a bug forges no line and hides none, whatever its message and causes say', () => {
  const error = new Error('no \u001b[2J\nhint: run rm -r\u202e', {
    cause: new Error('s3://user:sesame@bucket'),
  });
  const { text } = renderError(error, plain);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  expect(text.match(/^hint: /gm)).toHaveLength(1);
  expect(text).toMatch(/^ {4}at /m);
  expect(renderError(new Error('https://user:sesame@host'), plain).text).not.toContain('sesame');
});

test.each([
  ['EUCLEAN', { code: 'Unknown system error -117', path: '/a' }, 'IO_ERROR', 4],
  ['an errno of no name', { code: 'UNKNOWN', errno: -4094, syscall: 'write' }, 'IO_ERROR', 4],
  ['ENOSPC', { code: 'ENOSPC', path: '/a' }, 'NO_SPACE', 2],
  ['EACCES', { code: 'EACCES', path: '/a' }, 'NO_PERMISSION', 2],
  ['a mistake of ours', { code: 'EINVAL', path: '/a' }, 'BUG', 70],
] as const)('%s that nobody put into words: %j is %s', (_what, fields, code, exitCode) => {
  const rendered = renderError(Object.assign(new Error('raw'), fields), { json: false });
  expect(rendered).toMatchObject({ exitCode, text: expect.stringContaining(`[${code}]`) });
});
