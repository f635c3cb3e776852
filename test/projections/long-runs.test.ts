import { describe, expect, test } from '@jest/globals';
import type { HkfsEvent, Position } from '../../src/events/types.js';
import { Namespace } from '../../src/projections/namespace.js';
import { after, byBytes, EMPTY, type Snapshot } from './model.js';
import { ATTRIBUTES, CREATED, directory, file, hashOf, recordsOf, removal, withViews } from './records.js';

const DIRECTORY = 1;

/** A directory in which each name got so many versions, in turns, and some of them are gone in the end. */
function busyDirectory(
  versions: Readonly<Record<string, number>>,
  gone: readonly string[] = [],
): HkfsEvent[] {
  const events: HkfsEvent[] = [CREATED, directory(0, 'busy'), directory(0, 'busz'), file(2, 'm')];
  const most = Math.max(...Object.values(versions));
  for (let turn = 0; turn < most; turn += 1)
    for (const [name, count] of Object.entries(versions)) {
      if (turn >= count) continue;
      const attributes = { ...ATTRIBUTES, mtimeNs: BigInt(turn) };
      const isThird = turn % 3 === 2;
      events.push(file(DIRECTORY, name, { hash: hashOf(String(turn % 10)), attributes }));
      if (isThird) events.push(removal(DIRECTORY, name));
    }
  for (const name of gone) events.push(removal(DIRECTORY, name));
  return events;
}

async function expectListings(events: readonly HkfsEvent[], moments: readonly Position[]): Promise<void> {
  const snapshots: Snapshot[] = [];
  for (const record of recordsOf(events)) snapshots.push(after(snapshots.at(-1) ?? EMPTY, record));
  await withViews(events, async ({ level }) => {
    for (const at of moments) {
      const listed: [string, Position][] = [];
      for await (const entries of new Namespace(level, at).list(DIRECTORY))
        for (const { name, position } of entries) listed.push([name, position]);
      const children = snapshots[at]!.root.children.get('busy')!.children;
      const names = [...children.keys()].sort(byBytes);
      expect(listed).toEqual(names.map((name) => [name, children.get(name)!.position]));
    }
  });
}

function spread(count: number, moments = 60): Position[] {
  const last = count - 1;
  return [
    ...new Set(
      Array.from({ length: moments }, (_, at) => Math.max(1, Math.round((last * at) / (moments - 1)))),
    ),
  ];
}

describe('a directory in which one name has very many versions', () => {
  test.each<[string, Record<string, number>]>([
    ['700 of one among few of its neighbours', { l: 1, m: 700, 'm\u0001': 2, ma: 1, n: 3 }],
    ['several such names in a row, the last one too', { a: 40, b: 500, c: 300, d: 2, e: 90 }],
    ['exactly as many as are stepped over, and one more and one less', { a: 15, b: 16, c: 17, d: 18, e: 1 }],
    ['more than are read at once, at the beginning', { '\u0001': 1200, z: 1 }],
    ['only that name', { '\udcff': 120 }],
  ])(
    'lists every name once, in order and as of the moment: %s',
    async (_what, versions) => {
      const events = busyDirectory(versions);
      await expectListings(events, spread(events.length));
    },
    60_000,
  );

  test('does not list it once it is gone, and lists what comes after it', async () => {
    const events = busyDirectory({ a: 1, m: 60, z: 1 }, ['m']);
    await expectListings(events, spread(events.length));
  });

  test('does not list it at a moment before its first version', async () => {
    const events = [...busyDirectory({ a: 1, z: 1 }), ...busyDirectory({ m: 300 }).slice(4)];
    await expectListings(events, [1, 3, 4, 5, 6, 7, 8]);
  });

  test('leaves the names of the next directory alone', async () => {
    await withViews(busyDirectory({ m: 100 }), async ({ level }) => {
      const names: string[] = [];
      for await (const entries of new Namespace(level, 200).list(2))
        names.push(...entries.map(({ name }) => name));
      expect(names).toEqual(['m']);
    });
  });
});

describe('a tree of very many levels', () => {
  test('has paths up to its root from any directory', async () => {
    const depth = 5000;
    const events = [CREATED, ...Array.from({ length: depth }, (_, parent) => directory(parent, 'd'))];
    await withViews(events, async ({ level }) => {
      const path = await new Namespace(level, depth).pathOf(depth);
      expect(path).toBe(Array(depth).fill('d').join('/'));
    });
  });
});
