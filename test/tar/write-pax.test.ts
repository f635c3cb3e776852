import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { headerBlock, tornEnd } from '../../src/tar/write-block.js';
import { splitName } from '../../src/tar/write-member.js';
import { charsetRecords, paxRecord, paxTime, xattrKey } from '../../src/tar/write-pax.js';
import { sparseMap } from '../../src/tar/write-sparse.js';
import { runs } from '../projections/property.js';

test('a record counts itself, also where its length gets another digit by that', () => {
  expect(paxRecord('path', 'x')).toBe('9 path=x\n');
  expect(paxRecord('path', 'xy')).toBe('11 path=xy\n');
  expect(paxRecord('a', '12')).toBe('7 a=12\n');
  expect(paxRecord('a', '123')).toBe('8 a=123\n');
  expect(paxRecord('a', '12345')).toBe('11 a=12345\n');
  fc.assert(
    fc.property(fc.nat(2000), (length) => {
      const record = paxRecord('key', 'v'.repeat(length));
      expect(record.length).toBe(Number.parseInt(record, 10));
    }),
    runs(200),
  );
});

test.each([
  [0n, '0'],
  [1_500_000_000n, '1.5'],
  [1_000_000_001n, '1.000000001'],
  [-1n, '-0.000000001'],
  [-1_500_000_000n, '-1.5'],
  [-2_000_000_000n, '-2'],
])('%s nanoseconds are %s', (ns, text) => {
  expect(paxTime(ns)).toBe(text);
});

test('names are said to be bytes only where one is no UTF-8', () => {
  expect(charsetRecords(['a', 'caf\u00c3\u00a9'])).toEqual([]);
  expect(charsetRecords(['a', 'caf\u00e9'])).toEqual([['hdrcharset', 'BINARY']]);
});

test('an equals sign in the name of an attribute does not end it', () => {
  expect(xattrKey('user.a=b%c')).toBe('SCHILY.xattr.user.a%3Db%25c');
});

test.each([
  ['a'.repeat(100), { name: 'a'.repeat(100) }],
  [`${'p'.repeat(155)}/${'n'.repeat(100)}`, { prefix: 'p'.repeat(155), name: 'n'.repeat(100) }],
  [`${'p'.repeat(156)}/${'n'.repeat(99)}`, null],
  [`p/${'n'.repeat(101)}`, null],
  [`p/${'n'.repeat(99)}/`, { prefix: 'p', name: `${'n'.repeat(99)}/` }],
  [`${'p'.repeat(110)}/`, null],
  [`/${'n'.repeat(100)}`, null],
])('%s is split so that both parts fit, or not at all', (path, parts) => {
  expect(splitName(path)).toEqual(parts);
});

test('a map of holes names its end where that is a hole, and fills its block', () => {
  const map = sparseMap([[4096, 10]], 8192);
  expect(map.length).toBe(512);
  expect(map.toString('latin1').replace(/\0+$/, '')).toBe('2\n4096\n10\n8192\n0\n');
  expect(sparseMap([], 5).toString('latin1').replace(/\0+$/, '')).toBe('1\n5\n0\n');
});

test('a number that does not fit is refused, and never cut', () => {
  const fields = { type: '0', name: 'a', mode: 0, gid: 0, size: 0, mtime: 0 } as const;
  expect(() => headerBlock({ ...fields, uid: 2 ** 21 })).toThrow(RangeError);
  expect(() => headerBlock({ ...fields, uid: -1 })).toThrow(RangeError);
});

test('a torn end promises what does not come', () => {
  expect(tornEnd()).toHaveLength(512);
  expect(tornEnd().toString('latin1', 124, 157)).toMatch(/^00000001000\0.*x$/);
});
