/** What the suites of other finders of duplicates try, and what they are known to get wrong. */
import { describe, expect, test } from '@jest/globals';
import type { DupsQuery, DupsRow } from 'hkfs';
import { removal, rename } from '../../projections/records.js';
import { oneCommit, withHistory } from '../made-history.js';
import { collect } from '../scratch.js';
import { eventsOf, treeOf } from './random-tree.js';

type Spec = Readonly<Record<string, number | string>>;

async function rows(spec: Spec, query: DupsQuery = {}): Promise<DupsRow[]> {
  return withHistory(oneCommit(eventsOf(treeOf(spec), 1)), (reader) => collect(reader.dups(query)));
}

/** Each group as its kind, its paths, and the bytes that could go. */
async function groups(spec: Spec, query: DupsQuery = {}): Promise<string[]> {
  return (await rows(spec, query)).map(
    ({ kind, paths, reclaimable }) => `${kind} ${paths.join(' ')}: ${reclaimable}`,
  );
}

describe('equal directories', () => {
  test('are one group, and what they hold is not told again', async () => {
    const spec = { 'a/x': 1, 'a/d/y': 2, 'b/x': 1, 'b/d/y': 2 };
    expect(await groups(spec)).toEqual(['dir a b: 30']);
    expect(await rows(spec)).toEqual([
      {
        ...{ kind: 'dir', hash: expect.stringMatching(/^[0-9a-f]{64}$/), size: 30, files: 2, count: 2 },
        ...{ reclaimable: 30, paths: ['a', 'b'] },
      },
    ]);
  });

  test('that hold the same contents under swapped names are not equal', async () => {
    const spec = { 'a/x': 1, 'a/y': 2, 'b/x': 2, 'b/y': 1 };
    expect(await groups(spec)).toEqual(['file a/y b/x: 20', 'file a/x b/y: 10']);
    expect(await groups(spec, { kind: 'dir' })).toEqual([]);
  });

  test('under other names are a kind of their own, on demand, and only where names differ', async () => {
    const spec = { 'a/x': 1, 'a/y': 2, 'b/x': 2, 'b/y': 1, 'c/x': 1, 'c/y': 2 };
    expect(await groups(spec, { sameNames: false })).toEqual(['contents a b: 30', 'dir a c: 30']);
  });

  test('three levels deep are told at the outermost', async () => {
    const spec = { 'a/b/c/x': 1, 'z/b/c/x': 1 };
    expect(await groups(spec)).toEqual(['dir a z: 10']);
    expect(await groups(spec, { all: true })).toEqual([
      'dir a z: 10',
      'dir a/b z/b: 10',
      'dir a/b/c z/b/c: 10',
      'file a/b/c/x z/b/c/x: 10',
    ]);
  });

  test('one of which is somewhere else as well, are told there with the one that stays', async () => {
    const spec = { 'a/s/x': 1, 'a/y': 2, 'b/s/x': 1, 'b/y': 2, 'c/s/x': 1 };
    expect(await groups(spec)).toEqual(['dir a b: 30', 'dir a/s c/s: 10']);
  });

  test('that another group keeps are not taken apart, though one further out is equal to a part', async () => {
    const spec = { 'a/s/t/x': 1, 'a/y': 2, 'b/s/t/x': 1, 'b/y': 2, 'd/x': 1 };
    expect(await groups(spec)).toEqual(['dir a b: 30', 'dir a/s/t d: 10']);
  });

  test('at different depths are one group, the outermost first', async () => {
    expect(await groups({ 'a/b/x': 1, 'a/y': 2, 'c/x': 1 })).toEqual(['dir c a/b: 10']);
  });

  test('with a repetition inside tell it once', async () => {
    expect(await groups({ 'a/x': 1, 'a/y': 1, 'b/x': 1, 'b/y': 1 })).toEqual([
      'dir a b: 20',
      'file a/x a/y: 10',
    ]);
  });

  test('differ by an empty file, an empty directory, a symlink, its target or a fifo', async () => {
    const others: Spec[] = [{ 'b/e': 0 }, { 'b/e/': '' }, { 'b/e': '-> x' }, { 'b/e': 'fifo' }];
    for (const other of others)
      expect(await groups({ 'a/x': 1, 'b/x': 1, ...other })).toEqual(['file a/x b/x: 10']);
    const spec = { 'a/x': 1, 'a/l': '-> x', 'b/x': 1, 'b/l': '-> y' };
    expect(await groups(spec, { kind: 'dir' })).toEqual([]);
    expect(await groups({ ...spec, 'b/l': '-> x' })).toEqual(['dir a b: 10']);
  });

  test('that are empty, or hold only what is empty, are told when bytes do not matter', async () => {
    const spec = { 'a/': '', 'b/': '', 'c/x': 0, 'd/x': 0, e: 0 };
    expect(await groups(spec)).toEqual([]);
    expect(await groups(spec, { minSize: 0 })).toEqual(['dir a b: 0', 'dir c d: 0', 'file c/x e: 0']);
  });
});

describe('equal files', () => {
  test('have one group whatever their names, the outermost first', async () => {
    expect(await groups({ 'a/x': 1, 'a/z': 3, 'b/c/y': 1, w: 1 })).toEqual(['file w a/x b/c/y: 20']);
  });

  test('are told apart from equal directories by --kind', async () => {
    const spec = { 'a/x': 1, 'b/x': 1, c: 1 };
    expect(await groups(spec)).toEqual(['dir a b: 10', 'file a/x c: 10']);
    expect(await groups(spec, { kind: 'dir' })).toEqual(['dir a b: 10']);
    expect(await groups(spec, { kind: 'file' })).toEqual(['file c a/x b/x: 20']);
  });

  test('that are empty are told when bytes do not matter, without a hash', async () => {
    expect(await rows({ a: 0, b: 0 }, { minSize: 0 })).toMatchObject([{ hash: null, paths: ['a', 'b'] }]);
  });

  test('smaller than asked for are left out, those just as large are not', async () => {
    const spec = { a: 1, b: 1, c: 2, d: 2 };
    expect(await groups(spec, { minSize: 20 })).toEqual(['file c d: 20']);
    expect(await groups(spec, { minSize: 21 })).toEqual([]);
  });

  test('reached through a symlink are not counted twice', async () => {
    expect(await groups({ 'a/x': 1, b: '-> a', c: '-> a/x' })).toEqual([]);
  });
});

describe('hard links of the source', () => {
  test('take room once, and are told with nothing to gain', async () => {
    expect(await groups({ a: '1 = 7', b: '1 = 7', c: 1 })).toEqual(['file a b c: 10']);
    expect(await groups({ a: '1 = 7', b: '1 = 7' })).toEqual(['file a b: 0']);
    expect(await groups({ a: '1 = 7', b: '1 = 7', c: '1 = 8', d: '1 = 8' })).toEqual(['file a b c d: 10']);
  });

  test('between equal directories, as in snapshots, free nothing', async () => {
    const spec = { 'a/x': '1 = 7', 'a/y': 2, 'b/x': '1 = 7', 'b/y': 2 };
    expect(await groups(spec)).toEqual(['dir a b: 20']);
    expect(await groups(spec, { kind: 'dir' })).toEqual(['dir a b: 20']);
  });

  test('of what stays elsewhere are not freed by what goes', async () => {
    const spec = { 'a/x': 1, 'b/x': '1 = 7', 'c/y': '1 = 7' };
    expect(await groups(spec)).toEqual(['file a/x c/y: 10', 'dir a b: 0']);
  });
});

describe('tagged trees', () => {
  const spec = { 'old/x': 1, 'old/x2': 1, 'old/y': 2, 'kept/p/x': 1, 'kept/y': 3, 'z/y': 2 };

  test('tell what of the one is also in the other, which is protected', async () => {
    expect(await rows(spec, { under: ['old'], against: ['kept'] })).toMatchObject([
      { kind: 'file', paths: ['kept/p/x', 'old/x', 'old/x2'], protected: 1, reclaimable: 20 },
    ]);
  });

  test('may lie in each other: the inner one is a side of its own', async () => {
    const nested = { 'a/x': 1, 'a/b/x': 1, 'a/c/x': 1 };
    expect(await groups(nested, { under: ['a'], against: ['a/b'] })).toEqual([
      'dir a/b a/c: 10',
      'file a/b/x a/x: 10',
    ]);
    expect(await groups(nested, { under: ['a/b'], against: ['a'] })).toEqual(['dir a/c a/b: 10']);
  });

  test('are refused where they are the same, half given, or with a path', async () => {
    const usage = { code: 'USAGE' };
    for (const query of [{ under: ['old'] }, { against: ['old'] }, { under: ['old'], against: ['old'] }])
      await expect(rows(spec, query)).rejects.toMatchObject(usage);
    await expect(rows(spec, { path: 'z', under: ['old'], against: ['kept'] })).rejects.toMatchObject(usage);
  });
});

test('a path that is not there or is a file is refused', async () => {
  await expect(rows({ x: 1 }, { path: 'y' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(rows({ x: 1 }, { path: 'x' })).rejects.toMatchObject({ code: 'NOT_A_DIRECTORY' });
});

test('dups and unique answer as of any moment', async () => {
  const events = eventsOf(treeOf({ 'a/x': 1, 'b/x': 1 }), 1);
  // 1: a, 2: a/x, 3: b, 4: b/x, 5: b moves into a, 6: a/b goes
  events.push(rename([0, 'b'], [1, 'b']), removal(1, 'b'));
  await withHistory(oneCommit(events), async (reader) => {
    const at = async (moment: string): Promise<string[]> =>
      (await collect(reader.dups({}, { at: moment }))).map(({ paths }) => paths.join(' '));
    const only = async (moment: string): Promise<string[]> =>
      (await collect(reader.unique('a', { at: moment }))).map(({ path }) => path);
    expect([await at('@6'), await at('@5'), await at('@4'), await at('@3'), await at('@5')]).toEqual([
      [],
      ['a/x a/b/x'],
      ['a b'],
      [],
      ['a/x a/b/x'],
    ]);
    expect([await only('@6'), await only('@5'), await only('@4')]).toEqual([['a/x'], ['a/x', 'a/b/x'], []]);
  });
});
