import { describe, expect, test } from '@jest/globals';
import { ObjectIndex, sealRow } from '../../src/archive/object-index.js';
import { SealChain } from '../../src/archive/seal-chain.js';
import { chunksByObject } from '../../src/archive/tree-tasks.js';
import { sealOf, type Stamp } from '../../src/archive/trusted-stat.js';
import { StatTable, type FileStat } from '../../src/fs/stats.js';
import type { TreeOperation } from '../../src/fs/tasks.js';
import { hashOf, withViews } from '../projections/records.js';

const HASH = hashOf('ab');
const SECOND = 1_000_000_000n;
const REST = { mode: 0o100444n, nlink: 1n, uid: 0n, gid: 0n, rdev: 0n, blocks: 8n };

function statAt(ctime: bigint, changed: Partial<FileStat> = {}): FileStat {
  return { ...REST, dev: 1n, ino: 2n, size: 10n, mtimeNs: 5n, ctimeNs: ctime * SECOND + 1n, ...changed };
}

function tables(...changes: [before: FileStat, after: FileStat][]): {
  before: BigInt64Array;
  after: BigInt64Array;
} {
  const [before, after] = [new StatTable(changes.length), new StatTable(changes.length)];
  for (const [row, change] of changes.entries()) {
    before.set(row, change[0]);
    after.set(row, change[1]);
  }
  return { before: before.values, after: after.values };
}

function withChain(
  use: (chain: SealChain, index: ObjectIndex) => Promise<void>,
  sealed?: Stamp,
): Promise<void> {
  return withViews([], async ({ level }) => {
    if (sealed) await level.batch([sealRow({ device: sealed.dev, inode: sealed.ino }, sealOf(HASH, sealed))]);
    const index = new ObjectIndex(level);
    await use(new SealChain(index), index);
  });
}

const sealedAt = (ctime: bigint): unknown => [
  sealRow({ device: 1n, inode: 2n }, sealOf(HASH, statAt(ctime))),
];
const DROPPED = [{ type: 'del', key: sealRow({ device: 1n, inode: 2n }, sealOf(HASH, statAt(1n))).key }];

describe('a chain of seals', () => {
  test('goes from the staged file over its name to its last link', () =>
    withChain(async (chain) => {
      chain.named(HASH, statAt(1n), { before: statAt(1n), after: statAt(2n) });
      await chain.touched(tables([statAt(2n), statAt(3n)], [statAt(3n), statAt(4n)]));
      expect(chain.rows()).toEqual(sealedAt(4n));
    }));

  test('goes on from what the views have', () =>
    withChain(async (chain) => {
      await chain.touched(tables([statAt(1n), statAt(2n)]));
      expect(chain.rows()).toEqual(sealedAt(2n));
    }, statAt(1n)));

  test('makes no seal where there was none', () =>
    withChain(async (chain) => {
      await chain.touched(tables([statAt(1n), statAt(2n)]));
      expect(chain.rows()).toEqual([]);
    }));

  test('drops the seal for good where somebody else was there between, and the object is in doubt', () =>
    withChain(async (chain, index) => {
      index.touch(HASH, sealOf(HASH, statAt(1n)));
      await chain.touched(tables([statAt(2n), statAt(3n)], [statAt(3n), statAt(4n)]));
      expect(chain.rows()).toEqual(DROPPED);
      expect(index.judge(HASH, statAt(4n), sealOf(HASH, statAt(3n)))).toBe('doubt');
      expect(index.isRecent(HASH)).toBe(true);
    }, statAt(1n)));

  test('drops the seal of a staged file that somebody wrote to before it got its name', () =>
    withChain(async (chain) => {
      chain.named(HASH, statAt(1n), { before: statAt(2n), after: statAt(3n) });
      await chain.touched(tables([statAt(3n), statAt(4n)]));
      expect(chain.rows()).toEqual(DROPPED);
    }));
});

test('operations of one object go to one thread, in their order, whatever stands between them', () => {
  const operations = Array.from({ length: 2000 }, (_, at): TreeOperation => {
    const object = at % 7 === 0 ? 'shared' : `object ${at}`;
    return { op: 'link', path: `/${at}`, object, previous: null };
  });
  const parts = chunksByObject(operations);
  expect(parts.length).toBeGreaterThan(2);
  expect(parts.flat()).toHaveLength(2000);
  const shared = parts.map((part) => part.filter((one) => 'object' in one && one.object === 'shared'));
  expect(shared.filter((part) => part.length > 0)).toEqual([
    operations.filter((one) => 'object' in one && one.object === 'shared'),
  ]);
});
