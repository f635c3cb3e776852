/** How far the archives of a remote are, and how many names are read to know it. */
import { describe, expect, test } from '@jest/globals';
import { newestCheckpoints } from '../../../src/archive/across/newest-checkpoints.js';
import { checkpointName, keyName, segmentName } from '../../../src/archive/remote/names.js';
import type { BlobInfo, BlobStore } from '../../../src/store/remote/blob-store.js';

const ids = ['0', '7', 'f'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`);

/** So many backups of one event each, with a log segment and a checkpoint. */
function backups(id: string, count: number): string[] {
  const sizes = Array.from({ length: count }, (_, index) => index + 1);
  const names = sizes.flatMap((size) => [
    checkpointName(id, size),
    segmentName(id, { first: size - 1, last: size - 1 }),
  ]);
  return count === 0 ? [] : [keyName(id), ...names];
}

function storeOf(names: readonly string[]): { store: BlobStore; listed: number[] } {
  const sorted = [...names].sort();
  const listed: number[] = [];
  const list = async function* (prefix: string, after = ''): AsyncGenerator<BlobInfo> {
    listed.push(0);
    for (const name of sorted)
      if (name.startsWith(prefix) && name > after) {
        listed[listed.length - 1]! += 1;
        yield await Promise.resolve({ name, size: 1 });
      }
  };
  return { store: { list } as unknown as BlobStore, listed };
}

describe('the newest checkpoints', () => {
  test('of few backups take one listing', async () => {
    const { store, listed } = storeOf(['archives/other/x', ...ids.flatMap((id) => backups(id, 100))]);
    expect(await newestCheckpoints(store, new Map())).toEqual(new Map(ids.map((id) => [id, 100])));
    expect(listed).toHaveLength(1);
  });

  test('of many take few names, where it is known how far they were', async () => {
    const { store, listed } = storeOf(ids.flatMap((id) => backups(id, 5000)));
    const known = new Map(ids.map((id) => [id, 4990]));
    expect(await newestCheckpoints(store, known)).toEqual(new Map(ids.map((id) => [id, 5000])));
    expect(listed).toHaveLength(2 * ids.length + 1);
    expect(listed.reduce((sum, count) => sum + count)).toBeLessThan(2 * ids.length * 1050);
  });

  test('are fewer than known after a loss, and none of an archive that has only a log', async () => {
    const [first, second, third] = ids as [string, string, string];
    const logOnly = backups(second, 3).filter((name) => name.includes('/log/'));
    const { store } = storeOf([...backups(first, 2000), ...logOnly, ...backups(third, 1)]);
    const known = new Map([
      [first, 4000],
      [third, 7],
    ]);
    const found = await newestCheckpoints(store, known);
    expect(found.get(second)).toBe(0);
    expect(found.get(third)).toBe(1);
    expect(found.get(first)).toBeLessThan(4000);
  });

  test('of a place with nothing are none', async () => {
    expect(await newestCheckpoints(storeOf([]).store, new Map())).toEqual(new Map());
  });
});
