import { describe, expect, test } from '@jest/globals';
import { carryOver, fits, sealOf, stampOf, type Stamp } from '../../src/archive/trusted-stat.js';
import { hashOf } from '../projections/records.js';

const SECOND = 1_000_000_000n;
const STAMP: Stamp = { dev: 1n, ino: 2n, size: 10n, mtimeNs: 5n * SECOND + 1n, ctimeNs: 90n * SECOND + 1n };
const LATER: Stamp = { ...STAMP, ctimeNs: 95n * SECOND + 7n };

describe('what an inode is trusted by is carried over a change of ours', () => {
  test('where it was as it was trusted right before, and only its ctime moved', () => {
    expect(carryOver(STAMP, { before: STAMP, after: LATER })).toEqual(LATER);
    expect(carryOver(STAMP, { before: STAMP, after: STAMP })).toEqual(STAMP);
  });

  test.each<[string, Partial<Stamp>]>([
    ['ctime', { ctimeNs: STAMP.ctimeNs + 1n }],
    ['mtime', { mtimeNs: STAMP.mtimeNs + 1n }],
    ['size', { size: 11n }],
    ['inode', { ino: 3n }],
    ['device', { dev: 9n }],
  ])('and not where its %s was another before', (_what, changed) => {
    const before = { ...STAMP, ...changed };
    expect(carryOver(STAMP, { before, after: { ...LATER, ...changed, ctimeNs: LATER.ctimeNs } })).toBeNull();
  });

  test.each<[string, Partial<Stamp>]>([
    ['mtime', { mtimeNs: STAMP.mtimeNs + 1n }],
    ['size', { size: 9n }],
    ['inode', { ino: 3n }],
    ['device', { dev: 9n }],
  ])('and not where its %s is another after', (_what, changed) => {
    expect(carryOver(STAMP, { before: STAMP, after: { ...LATER, ...changed } })).toBeNull();
  });

  test('and not where its mtime is within a tick of the change: a write could not move it', () => {
    const before = { ...STAMP, mtimeNs: 95n * SECOND + 77n };
    const after = { ...before, ctimeNs: before.mtimeNs + 80_000_000n };
    expect(carryOver(before, { before, after })).toBeNull();
    expect(carryOver(before, { before, after: { ...after, ctimeNs: 99n * SECOND + 77n } })).not.toBeNull();
  });

  test('and never where times are whole seconds: within one a person writes and sets the mtime back', () => {
    const before = { ...STAMP, mtimeNs: 10n * SECOND };
    expect(carryOver(before, { before, after: { ...before, ctimeNs: 99n * SECOND } })).toBeNull();
  });
});

test('a seal fits while size, mtime and ctime are as they were, and goes to and from its stamp', () => {
  const seal = sealOf(hashOf('ab'), STAMP);
  expect(stampOf(seal)).toEqual(STAMP);
  expect(fits(seal, STAMP)).toBe(true);
  for (const changed of [{ size: 1n }, { mtimeNs: 1n }, { ctimeNs: 1n }])
    expect(fits(seal, { ...STAMP, ...changed })).toBe(false);
});
