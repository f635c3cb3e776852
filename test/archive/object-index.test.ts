import { describe, expect, test } from '@jest/globals';
import { ObjectIndex, sealRow, type Seal } from '../../src/archive/object-index.js';
import type { FileStat } from '../../src/fs/stats.js';
import { hashOf, withViews } from '../projections/records.js';

const HASH = hashOf('ab');
const SEAL: Seal = { hash: HASH, size: 10n, mtimeNs: -5n, ctimeNs: 1_700_000_000_000_000_001n };
const STAT: FileStat = {
  dev: 1n,
  ino: 2n,
  mode: 0o100444n,
  nlink: 2n,
  uid: 0n,
  gid: 0n,
  rdev: 0n,
  size: 10n,
  mtimeNs: SEAL.mtimeNs,
  ctimeNs: SEAL.ctimeNs,
  blocks: 8n,
};
const INODE = { device: 1n, inode: 2n };

function withIndex(use: (index: ObjectIndex) => void | Promise<void>): Promise<void> {
  return withViews([], async ({ level }) => use(new ObjectIndex(level)));
}

describe('an object judged by its inode', () => {
  test.each<[string, Partial<FileStat>, Seal | undefined, string]>([
    ['as it was sealed is good', {}, SEAL, 'good'],
    ['with another ctime is in doubt', { ctimeNs: SEAL.ctimeNs + 1n }, SEAL, 'doubt'],
    ['with another mtime is in doubt', { mtimeNs: 0n }, SEAL, 'doubt'],
    ['with another size is in doubt', { size: 11n }, SEAL, 'doubt'],
    ['without a seal is unknown', {}, undefined, 'unknown'],
    ['with the seal of another content is unknown', {}, { ...SEAL, hash: hashOf('cd') }, 'unknown'],
    [
      'with other links, owner or mode but the same ctime is good',
      { nlink: 9n, mode: 0o100644n },
      SEAL,
      'good',
    ],
  ])('%s', (_claim, stat, seal, expected) =>
    withIndex((index) => expect(index.judge(HASH, { ...STAT, ...stat }, seal)).toBe(expected)),
  );

  test('that this operation has linked may have another ctime, and nothing else', () =>
    withIndex((index) => {
      index.touch(HASH, null);
      const moved = { ...STAT, ctimeNs: SEAL.ctimeNs + 1n };
      expect(index.judge(HASH, moved, SEAL)).toBe('good');
      expect(index.judge(HASH, { ...moved, size: 11n }, SEAL)).toBe('doubt');
      expect(index.judge(HASH, { ...moved, mtimeNs: 0n }, SEAL)).toBe('doubt');
      expect(index.judge(hashOf('cd'), moved, { ...SEAL, hash: hashOf('cd') })).toBe('doubt');
    }));

  test('linked lately has the seal of that link, for its own inode only', () =>
    withIndex((index) => {
      expect(index.isRecent(HASH)).toBe(false);
      index.touch(HASH, { ...SEAL, device: STAT.dev, inode: STAT.ino });
      expect(index.isRecent(HASH)).toBe(true);
      expect(index.recentSeal(HASH, STAT)).toMatchObject(SEAL);
      expect(index.recentSeal(HASH, { ...STAT, ino: STAT.ino + 1n })).toBeUndefined();
      index.settle([HASH]);
      expect(index.recentSeal(HASH, STAT)).toMatchObject(SEAL);
    }));

  test('is forgotten as our own doing after very many others', () =>
    withIndex((index) => {
      index.touch(HASH, null);
      const moved = { ...STAT, ctimeNs: SEAL.ctimeNs + 1n };
      for (let other = 0; other < 32_767; other += 1) index.touch(String(other), null);
      expect(index.judge(HASH, moved, SEAL)).toBe('good');
      index.touch('one more', null);
      expect(index.judge(HASH, moved, SEAL)).toBe('doubt');
    }));

  test('that this operation stores is good until it is settled', () =>
    withIndex((index) => {
      index.addPending(HASH, INODE);
      expect([index.isPending(HASH), index.judge(HASH, STAT, undefined)]).toEqual([true, 'good']);
      index.settle([HASH]);
      expect([index.isPending(HASH), index.judge(HASH, STAT, undefined)]).toEqual([false, 'unknown']);
    }));
});

describe('seals', () => {
  test('come back as they were written, in the order asked for', () =>
    withViews([], async ({ level }) => {
      const other = { device: (1n << 64n) - 1n, inode: 0n };
      const negative = { ...SEAL, ctimeNs: -(1n << 62n), size: (1n << 62n) + 1n };
      await level.batch([sealRow(INODE, SEAL), sealRow(other, negative)]);
      const found = await new ObjectIndex(level).seals([other, { device: 1n, inode: 3n }, INODE]);
      expect(found).toEqual([negative, undefined, SEAL]);
    }));
});
