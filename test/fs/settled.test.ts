import { expect, test } from '@jest/globals';
import { isApart, isSettled } from '../../src/fs/settled.js';

const SECOND = 1_000_000_000n;
const FINE = { mtimeNs: 5n * SECOND + 1n, ctimeNs: 100n * SECOND + 7n };
const COARSE = { mtimeNs: 5n * SECOND, ctimeNs: 100n * SECOND };

test('times are settled once a clock of their kind has surely ticked since', () => {
  expect(isSettled(FINE, FINE.ctimeNs)).toBe(false);
  expect(isSettled(FINE, FINE.ctimeNs + 100_000_000n)).toBe(false);
  expect(isSettled(FINE, FINE.ctimeNs + 100_000_001n)).toBe(true);
  expect(isSettled(COARSE, COARSE.ctimeNs + 59n * SECOND)).toBe(false);
  expect(isSettled(COARSE, COARSE.ctimeNs + 61n * SECOND)).toBe(true);
});

test('times of a file from the future are not settled', () => {
  expect(isSettled(FINE, FINE.ctimeNs - SECOND)).toBe(false);
});

test('mtime and ctime are apart where one write moves both and is seen by the mtime', () => {
  expect(isApart(FINE)).toBe(true);
  expect(isApart({ ...FINE, mtimeNs: FINE.ctimeNs - 50_000_000n })).toBe(false);
  expect(isApart({ ...FINE, mtimeNs: FINE.ctimeNs + 50_000_000n })).toBe(false);
  expect(isApart({ ...COARSE, mtimeNs: COARSE.ctimeNs - SECOND })).toBe(false);
  expect(isApart({ ...COARSE, mtimeNs: COARSE.ctimeNs - 3n * SECOND })).toBe(false);
});
