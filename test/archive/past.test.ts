/** Paths along time: log follows them, stat knows where a content was, and a query says when a path was. */
import { describe, expect, test } from '@jest/globals';
import type { HkfsEvent } from '../../src/events/types.js';
import { directory, file, hashOf, removal, rename, symlink } from '../projections/records.js';
import { completed, madeHistory, START, started, withHistory, oneCommit } from './made-history.js';
import { collect } from './scratch.js';

const AB = { hash: hashOf('ab') };
const restored = (parent: number, name: string, at: number): HkfsEvent => ({
  type: 'path.restored',
  parent,
  name,
  at,
});

const EVENTS: readonly HkfsEvent[] = [
  started(1), // 1
  directory(0, 'a'), // 2
  directory(2, 'b'), // 3
  file(3, 'f', AB), // 4
  rename([2, 'b'], [0, 'c']), // 5: a/b -> c
  rename([0, 'c'], [2, 'd']), // 6: c -> a/d
  rename([0, 'a'], [0, 'z']), // 7: a -> z
  file(3, 'f', { hash: hashOf('cd') }), // 8: z/d/f
  rename([3, 'f'], [0, 'g']), // 9: z/d/f -> g
  removal(0, 'g'), // 10
  restored(0, 'g', 9), // 11
  symlink(0, 'a', 't'), // 12: a again, another
  removal(0, 'z'), // 13
  completed(1), // 14
];
const history = madeHistory([
  { timeMs: START + 1000, operation: 1, events: EVENTS.slice(0, 7) },
  { timeMs: START + 2000, operation: 1, events: EVENTS.slice(7) },
]);
const time = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

describe('log of a path', () => {
  test.each([
    ['a file, back through its renames and those of directories above it', 'g', [4, 5, 6, 7, 8, 9, 10, 11]],
    ['a path that it had on the way, until it left it', 'c/f', [4, 5, 6]],
    ['its first path', 'a/b/f', [4, 5]],
    ['a directory with what was below it', 'z/d', [3, 4, 5, 6, 7, 8, 9, 13]],
    ['a name that stood for one thing and then for another', 'a', [2, 3, 4, 5, 6, 7, 12]],
    ['a directory that was removed', 'z', [2, 3, 4, 5, 6, 7, 8, 9, 13]],
  ])('follows %s', async (_title, path, expected) => {
    const rows = await collect(history.reader().log({ path }));
    expect(rows.map(({ position }) => position)).toEqual(expected);
  });

  test('gives each event once, also where a directory went round in circles', () =>
    withHistory(
      oneCommit([
        directory(0, 'x'), // 1
        directory(0, 'y'), // 2
        rename([0, 'x'], [2, 'x']), // 3: y/x
        rename([2, 'x'], [0, 'x']), // 4: x
        rename([0, 'y'], [1, 'y']), // 5: x/y
        file(2, 'f'), // 6: x/y/f
        removal(0, 'x'), // 7
        restored(0, 'x', 6), // 8
      ]),
      async (reader) => {
        const positions = async (path: string): Promise<number[]> =>
          (await collect(reader.log({ path }))).map(({ position }) => position);
        expect(await positions('x/y/f')).toEqual([6, 7, 8]);
        expect(await positions('x')).toEqual([1, 3, 4, 5, 6, 7, 8]);
        expect(await positions('y')).toEqual([2, 3, 4, 5]);
      },
    ));
});

describe('stat', () => {
  test('has all past paths of a content, those between two renames of a directory among them', async () => {
    const then = await history.reader().stat('z/d/f', { at: '@7' });
    expect([then.paths, then.pastPaths]).toEqual([['z/d/f'], ['a/b/f', 'a/d/f', 'c/f']]);
    const early = await history.reader().stat('c/f', { at: '@5' });
    expect([early.paths, early.pastPaths]).toEqual([['c/f'], ['a/b/f']]);
  });

  test('has the past paths of a directory, a link and an empty file', () =>
    withHistory(
      oneCommit([
        directory(0, 'd'), // 1
        symlink(1, 'l', 't'), // 2
        file(1, 'e', { hash: null, size: 0 }), // 3
        rename([0, 'd'], [0, 'x']), // 4
        rename([1, 'l'], [0, 'l']), // 5
        rename([1, 'e'], [1, 'f']), // 6
        rename([0, 'x'], [0, 'y']), // 7
      ]),
      async (reader) => {
        const past = async (path: string, at?: string): Promise<readonly string[]> =>
          (await reader.stat(path, at === undefined ? {} : { at })).pastPaths;
        expect(await past('y')).toEqual(['d', 'x']);
        expect(await past('l')).toEqual(['d/l', 'x/l']);
        expect(await past('y/f')).toEqual(['d/e', 'x/e', 'x/f']);
        expect(await past('x', '@4')).toEqual(['d']);
        expect(await past('')).toEqual([]);
      },
    ));
});

describe('a path that is not there at the moment', () => {
  const queries = ['ls', 'stat', 'locate', 'du', 'find'] as const;
  const ask = (query: (typeof queries)[number], path: string, at?: string): Promise<unknown> => {
    const reader = history.reader();
    const options = at === undefined ? {} : { at };
    if (query === 'stat' || query === 'locate') return reader[query](path, options);
    if (query === 'find') return collect(reader.find({ path }, options));
    return query === 'ls' ? collect(reader.ls(path, options)) : collect(reader.du(path, options));
  };

  test.each(queries)('is told by %s with when it was there', async (query) => {
    await expect(ask(query, 'c/f')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'there is no "c/f" in the archive any more',
      hint: `it was there from @5 (${time(1)}) until @6 (${time(1)}); use --at @5`,
    });
    await expect(ask(query, 'z', '@3')).rejects.toMatchObject({
      message: 'there is no "z" in the archive at @3',
      hint: `it was there from @7 (${time(1)}) until @13 (${time(2)}); use --at @12`,
    });
    await expect(ask(query, 'g', '@8')).rejects.toMatchObject({
      hint: `it was there from @9 (${time(2)}) until @10 (${time(2)}); use --at @9`,
    });
    await expect(ask(query, '/g/', '@10')).rejects.toMatchObject({
      hint: `it was there from @9 (${time(2)}) until @10 (${time(2)}); use --at @9`,
    });
  });

  test('and will be there later is told with from when on', async () => {
    await expect(ask('ls', 'a', '@1')).rejects.toMatchObject({
      hint: expect.stringContaining('it was there from @2'),
    });
    await withHistory(oneCommit([directory(0, 'x'), file(0, 'y')]), async (reader) => {
      await expect(collect(reader.ls('y', { at: '@1' }))).rejects.toMatchObject({
        hint: `it is there from @2 (${time(1)}) on; use --at @2 or a later moment`,
      });
    });
  });

  test('and never was is told without', async () => {
    for (const query of queries)
      await expect(ask(query, 'c/none')).rejects.toMatchObject({
        code: 'NOT_FOUND',
        hint: expect.stringContaining('see `hkfs ls`'),
      });
  });
});

describe('an operation in full', () => {
  test('has its row, its events by type and the first of them', async () => {
    const detail = await history.reader().show(1, { limit: 2 });
    expect(detail).toMatchObject({
      operation: 1,
      command: 'ingest',
      first: 1,
      last: 14,
      status: 'completed',
    });
    expect(detail.types).toMatchObject({ 'path.renamed': 4, 'directory.added': 2, 'path.restored': 1 });
    expect(detail.events.map(({ position }) => position)).toEqual([1, 2]);
    expect((await history.reader().show(1)).events).toHaveLength(14);
    expect(JSON.parse(JSON.stringify(detail))).toEqual(detail);
  });

  test('that never was is refused', async () => {
    for (const operation of [0, 2])
      await expect(history.reader().show(operation)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
