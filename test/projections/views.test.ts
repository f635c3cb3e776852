import { describe, expect, test } from '@jest/globals';
import { openLevel } from '../../src/events/level.js';
import type { HkfsEvent } from '../../src/events/types.js';
import * as keys from '../../src/projections/keys.js';
import { Namespace } from '../../src/projections/namespace.js';
import { Views, VIEWS_VERSION } from '../../src/projections/views.js';
import {
  CREATED,
  directory,
  file,
  openViews,
  recordsOf,
  removal,
  rename,
  rowsOf,
  withLocation,
  withViews,
} from './records.js';

const HISTORY: readonly HkfsEvent[] = [
  CREATED,
  directory(0, 'd'),
  file(1, 'f'),
  rename([0, 'd'], [0, 'e']),
  removal(1, 'f'),
];
const SEAL = { type: 'put', key: keys.localKey('seal'), value: Buffer.from('x') } as const;

describe('folding', () => {
  test('moves the checkpoint by as many positions as there were events, and reopening finds it', () =>
    withLocation(async (location) => {
      const views = await openViews(location);
      expect(views.position).toBe(0);
      await views.apply(recordsOf(HISTORY));
      expect(views.position).toBe(5);
      await views.close();
      const again = await openViews(location);
      expect(again.position).toBe(5);
      await again.close();
    }));

  test('writes rows, local rows and the checkpoint in one batch, so that none is there without the others', () =>
    withViews([], async (views) => {
      const writes: string[] = [];
      views.level.on('write', (operations: readonly { key: Buffer }[]) => {
        const kinds = new Set(operations.map(({ key }) => String.fromCharCode(key[0]!)));
        writes.push(['e', 'd', 'p', 'm', '~'].filter((kind) => kinds.delete(kind)).join('') + kinds.size);
      });
      await views.apply(recordsOf(HISTORY), [SEAL]);
      expect(writes).toEqual(['edpm~0']);
    }));

  test('the same records twice changes nothing', () =>
    withViews(HISTORY, async (views) => {
      const before = await rowsOf(views);
      await views.apply(recordsOf(HISTORY));
      await views.apply(recordsOf(HISTORY).slice(2));
      expect(await rowsOf(views)).toEqual(before);
      expect(views.position).toBe(5);
    }));

  test('records that overlap what was folded adds only the new ones', () =>
    withViews(HISTORY.slice(0, 3), async (views) => {
      await views.apply(recordsOf(HISTORY).slice(1));
      const overlapping = await rowsOf(views);
      await withViews(HISTORY, async (whole) => expect(overlapping).toEqual(await rowsOf(whole)));
    }));

  test('nothing at all still writes the local rows', () =>
    withViews(HISTORY, async (views) => {
      await views.apply([], [SEAL]);
      expect(await views.level.get(SEAL.key)).toEqual(SEAL.value);
      expect(views.position).toBe(5);
    }));

  test('what an earlier event of the same batch put there is found by the rename that follows it', () =>
    withViews(
      [CREATED, file(0, 'a'), rename([0, 'a'], [0, 'b']), rename([0, 'b'], [0, 'c'])],
      async (views) => {
        const namespace = new Namespace(views.level, 3);
        expect(await namespace.resolve('c')).toMatchObject({ kind: 'file', position: 3 });
        expect([await namespace.resolve('a'), await namespace.resolve('b')]).toEqual([undefined, undefined]);
      },
    ));
});

describe('calls that overlap', () => {
  test('give what calls one after the other give, also where an event looks up the rows of the call before', () =>
    withViews([], async (views) => {
      const records = recordsOf(HISTORY);
      await Promise.all(
        [records.slice(0, 3), records.slice(3, 4), records.slice(4)].map((part) => views.apply(part)),
      );
      const overlapping = [await rowsOf(views), views.position];
      await withViews(HISTORY, async (whole) => expect(overlapping).toEqual([await rowsOf(whole), 5]));
    }));

  test('after one that failed fail too, so that nothing is left out', () =>
    withViews([CREATED], async (views) => {
      const before = await rowsOf(views);
      const calls = [[rename([0, 'x'], [0, 'y'])], [directory(0, 'd')]].map((events, at) =>
        views.apply(recordsOf(events, 1 + at)),
      );
      for (const call of calls) await expect(call).rejects.toThrow('event 1');
      await expect(views.apply(recordsOf([directory(0, 'd')], 1))).rejects.toThrow('event 1');
      expect([await rowsOf(views), views.position]).toEqual([before, 1]);
    }));
});

describe('records that do not follow the checkpoint', () => {
  test('are refused, and the views stay as they were', () =>
    withViews(HISTORY.slice(0, 2), async (views) => {
      const before = await rowsOf(views);
      await expect(views.apply(recordsOf(HISTORY).slice(3))).rejects.toThrow('stand at 2, got events from 3');
      expect([await rowsOf(views), views.position]).toEqual([before, 2]);
    }));

  test('are refused also where the gap is between two of them', () =>
    withViews([], async (views) => {
      const [first, , third] = recordsOf(HISTORY);
      await expect(views.apply([first!, third!])).rejects.toThrow(/stand at 0/);
      expect(views.position).toBe(0);
    }));

  test('of an entry that was never there are refused as a whole', () =>
    withViews([CREATED], async (views) => {
      const before = await rowsOf(views);
      const records = recordsOf([file(0, 'a'), rename([0, 'x'], [0, 'y'])], 1);
      await expect(views.apply(records)).rejects.toThrow('event 2');
      expect([await rowsOf(views), views.position]).toEqual([before, 1]);
    }));
});

describe('opening', () => {
  const withRow = async (location: string, key: string, value: Buffer): Promise<void> => {
    const views = await openViews(location);
    await views.apply(recordsOf(HISTORY));
    await views.close();
    const level = await openLevel(location);
    await level.put(keys.metaKey(key), value);
    await level.close();
  };

  test.each([
    ['a later version', 'version', Buffer.from([VIEWS_VERSION + 1])],
    ['an earlier version', 'version', Buffer.from([VIEWS_VERSION - 1])],
    ['no version', 'version', Buffer.alloc(0)],
    ['a checkpoint that is no position', 'checkpoint', Buffer.from([1, 2, 3])],
  ])('views of %s comes back as nothing, to be rebuilt, and lets the directory go', (_what, key, value) =>
    withLocation(async (location) => {
      await withRow(location, key, value);
      expect(await Views.open(location, false)).toBeNull();
      await (await openLevel(location)).close();
    }),
  );

  test('views that are not there fails unless they may be made', () =>
    withLocation(async (location) => {
      await expect(Views.open(location, false)).rejects.toMatchObject({ code: 'VIEWS_DAMAGED' });
    }));
});

describe('rows that do not follow from the log', () => {
  test('are handed on for the next generation of the views, and nothing else is', () =>
    withViews(HISTORY, async (views) => {
      await views.setTreePosition(4, [SEAL]);
      const local: string[] = [];
      for await (const rows of views.localRows()) local.push(...rows.map(({ key }) => key.toString()));
      expect(local.sort()).toEqual(['~mseal', '~mtree']);
    }));

  test('tell how far the tree on disk is, null where nobody knows', () =>
    withViews(HISTORY, async (views) => {
      expect(await views.treePosition()).toBeNull();
      await views.setTreePosition(2 ** 45);
      expect(await views.treePosition()).toBe(2 ** 45);
    }));
});
