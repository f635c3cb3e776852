import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseInput, type Algorithm } from '../../../src/archive/outside/manifest.js';
import { nameFromBytes } from '../../../src/fs/names.js';
import { runs } from '../../projections/property.js';

const A = 'ab'.repeat(32);
const B = '0123456789abcdef'.repeat(4);
const parse = (text: string, assumed?: Algorithm) => parseInput(Buffer.from(text, 'latin1'), assumed);
/** 64 digits that nothing names. */
const guess = (...entries: [path: string, digest: string][]) => ({
  ...manifest('blake3', ...entries),
  isGuess: true,
});
const manifest = (algorithm: Algorithm, ...entries: [path: string, digest: string, size?: number][]) => ({
  is: 'manifest',
  algorithm,
  isGuess: false,
  entries: entries.map(([path, digest, size = null]) => ({ path, digest, size })),
});

describe('a manifest', () => {
  test.each([
    ['of b3sum', `${A}  a b\n${B}  c\n`, guess(['a b', A], ['c', B])],
    ['of b3sum with marks for binary files', `${A} *a\n`, guess(['a', A])],
    ['of b3sum --tag', `BLAKE3 (a (1)) = ${A}\n`, manifest('blake3', ['a (1)', A])],
    ['of sha256sum --tag', `SHA256 (a = b) = ${A}\n`, manifest('sha256', ['a = b', A])],
    ['of openssl dgst', `SHA2-256(a)= ${A}\n`, manifest('sha256', ['a', A])],
    ['of sha512sum', `${A}${B}  a\n`, manifest('sha512', ['a', A + B])],
    ['with digits in upper case', `${A.toUpperCase()}  a\n`, guess(['a', A])],
    ['without a last line end', `${A}  a`, guess(['a', A])],
    ['with a mark of UTF-8', `\xef\xbb\xbf${A}  a\n`, guess(['a', A])],
    ['with lines as on Windows', `${A}  a\r\n${B}  b\r\n`, guess(['a', A], ['b', B])],
    ['with one name that ends in a carriage return', `${A}  a\r\n${B}  b\n`, guess(['a\r', A], ['b', B])],
    ['with escaped names', `\\${A}  a\\nb\\\\c\\rd\n${B}  e\\n\n`, guess(['a\nb\\c\rd', A], ['e\\n', B])],
    ['with NULs, where nothing is escaped', `${A}  a\\n\nb\0${B}  c\0`, guess(['a\\n\nb', A], ['c', B])],
    ['with names that are not UTF-8', `${A}  \xff\n`, guess(['\udcff', A])],
    ['with empty lines', `\n${A}  a\n\n`, guess(['a', A])],
    [
      'of hashdeep',
      `%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /\n##\n5,${'c'.repeat(32)},${A},/x/a,b\n`,
      manifest('sha256', ['/x/a,b', A, 5]),
    ],
    [
      'of hashdeep with lines as on Windows',
      `%%%% HASHDEEP-1.0\r\n%%%% size,sha256,filename\r\n5,${A},a\r\n`,
      manifest('sha256', ['a', A, 5]),
    ],
  ])('%s is understood', (_title, text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test('whose digits are said to be SHA-256 is one, and a name of another hash wins over that', () => {
    expect(parse(`${A}  a\n`, 'sha256')).toEqual(manifest('sha256', ['a', A]));
    expect(parse(`BLAKE3 (a) = ${A}\n`, 'sha256')).toEqual(manifest('blake3', ['a', A]));
  });

  test.each([
    ['MD5', `${'a'.repeat(32)}  a\n`],
    ['SHA-1', `${'a'.repeat(40)}  a\n`],
    ['MD5 by name', `MD5 (a) = ${'a'.repeat(32)}\n`],
    ['BLAKE2b', `BLAKE2b (a) = ${A}${A}\n`],
    ['hashdeep with MD5 only', `%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n1,${'a'.repeat(32)},a\n`],
  ])('of %s is refused', (_title, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'UNKNOWN_ALGORITHM' }));
  });

  test.each([
    ['nothing', ''],
    ['empty lines', '\n\n'],
    ['a line that is something else', `${A}  a\nhello\n`],
    ['two kinds of hashes', `${A}  a\nSHA256 (b) = ${B}\n`],
    ['a tag with too few digits', `SHA256 (b) = ${'a'.repeat(40)}\n`],
    ['an escape that means nothing', `\\${A}  a\\tb\n`],
    ['UTF-16', `\xff\xfea\0`],
    ['hashdeep without its columns', '%%%% HASHDEEP-1.0\n5,aa,b\n'],
    ['hashdeep with too few of them', `%%%% HASHDEEP-1.0\n%%%% size,sha256,filename\n5,${A}\n`],
    ['hashdeep without files', '%%%% HASHDEEP-1.0\n%%%% size,sha256,filename\n'],
  ])('with %s is refused', (_title, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'BAD_MANIFEST' }));
  });

  test('of any names as b3sum and sha256sum write them gives the names back', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 }).filter((name) => !name.includes(0));
    const odd = fc.constantFrom('\\', '\n', '\r', 'a\\nb', ' ', '  x', '(', ') = ', '\r\r');
    const name = fc.oneof(
      bytes,
      odd.map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.boolean(), (names, zero) => {
        const lines = names.map((each) => sumLine(Buffer.from(each).toString('latin1'), zero));
        const expected = names.map((each): [string, string] => [nameFromBytes(each), A]);
        expect(parse(lines.join(''))).toEqual(guess(...expected));
      }),
      runs(500),
    );
  });
});

/** As GNU coreutils prints a file. */
function sumLine(name: string, zero: boolean): string {
  if (zero) return `${A}  ${name}\0`;
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === name ? '' : '\\'}${A}  ${escaped}\n`;
}

describe('a list', () => {
  test.each([
    ['of lines', 'a\nb c\n', ['a', 'b c']],
    ['of lines as on Windows', 'a\r\nb\r\n', ['a', 'b']],
    ['ended by NULs', 'a\nb\0c\0', ['a\nb', 'c']],
    ['with bytes that are not UTF-8', 'a\xff\n', ['a\udcff']],
    ['whose names look a little like hashes', 'abcdef  x\n', ['abcdef  x']],
  ])('%s is one', (_title, text, paths) => {
    expect(parse(text)).toEqual({ is: 'list', paths });
  });
});
