import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { DiffRow } from 'hkfs';
import { EventLog } from '../../src/events/log.js';
import type { HkfsEvent } from '../../src/events/types.js';
import { Namespace } from '../../src/projections/namespace.js';
import { ATTRIBUTES, directory, file, hashOf, removal, rename, symlink } from '../projections/records.js';
import { oneCommit, withHistory } from './made-history.js';
import { collect } from './scratch.js';

const OTHER = { ...ATTRIBUTES, mode: 0o600 };
const BB = { hash: hashOf('bb') };
const CC = { hash: hashOf('cc') };
const restored = (parent: number, name: string, at: number): HkfsEvent => ({
  type: 'path.restored',
  parent,
  name,
  at,
});
const changedAttributes = (parent: number, name: string): HkfsEvent => ({
  type: 'attributes.changed',
  parent,
  name,
  attributes: OTHER,
  source: null,
});

/** Positions 1 to 6: d, d/f (bb), d/sub, d/sub/g (cc), a (bb), link. */
const GIVEN: readonly HkfsEvent[] = [
  directory(0, 'd'), // 1
  file(1, 'f', BB), // 2
  directory(1, 'sub'), // 3
  file(3, 'g', CC), // 4
  file(0, 'a', BB), // 5
  symlink(0, 'link', 'a'), // 6
];
const BEFORE = GIVEN.length;

type Words = readonly string[];
const wordsOf = ({ change, path, from }: DiffRow): string =>
  from === null ? `${change} ${path}` : `${change} ${from} -> ${path}`;

async function diff(
  then: readonly HkfsEvent[],
  query: Partial<Record<'from' | 'to' | 'path', string>> = {},
): Promise<Words> {
  return withHistory(oneCommit([...GIVEN, ...then]), async (reader) =>
    (await collect(reader.diff({ from: `@${BEFORE}`, ...query }))).map(wordsOf),
  );
}

describe('given some entries, when', () => {
  test.each<[string, readonly HkfsEvent[], Words]>([
    ['nothing happens, then there is no difference', [], []],
    ['a file comes, then it is added', [file(0, 'n')], ['added n']],
    ['a file goes, then it is removed', [removal(0, 'a')], ['removed a']],
    ['a file gets other bytes, then it is changed', [file(1, 'f', CC)], ['changed d/f']],
    ['a file gets the same bytes again, then there is no difference', [file(1, 'f', BB)], []],
    ['a link gets another target, then it is changed', [symlink(0, 'link', 'b')], ['changed link']],
    ['a file becomes a link, then it is changed', [symlink(0, 'a', 'x')], ['changed a']],
    ['attributes change, then that is told', [changedAttributes(1, 'f')], ['attributes d/f']],
    [
      'attributes change and change back, then there is no difference',
      [changedAttributes(1, 'f'), file(1, 'f', BB)],
      [],
    ],
    ['a file is renamed, then that is one row', [rename([0, 'a'], [1, 'z'])], ['renamed a -> d/z']],
    [
      'a file is renamed and changed, then both are told',
      [rename([0, 'a'], [0, 'z']), file(0, 'z', CC)],
      ['renamed a -> z', 'changed z'],
    ],
    [
      'a file is renamed to and fro, then there is no difference',
      [rename([0, 'a'], [0, 'z']), rename([0, 'z'], [0, 'a'])],
      [],
    ],
    ['a directory is renamed, then that is one row', [rename([0, 'd'], [0, 'n'])], ['renamed d -> n']],
    [
      'a directory is renamed and things below it change, then they are told at their new paths',
      [rename([0, 'd'], [0, 'n']), file(1, 'f', CC), removal(3, 'g'), file(3, 'h', { hash: hashOf('ee') })],
      ['renamed d -> n', 'changed n/f', 'added n/sub/h', 'removed d/sub/g'],
    ],
    [
      'a directory moves out of one that is renamed, then both are told',
      [rename([0, 'd'], [0, 'n']), rename([1, 'sub'], [0, 'out'])],
      ['renamed d -> n', 'renamed d/sub -> out'],
    ],
    [
      'two names are swapped, then both are renamed',
      [rename([0, 'a'], [0, 't']), rename([0, 'link'], [0, 'a']), rename([0, 't'], [0, 'link'])],
      ['renamed link -> a', 'renamed a -> link'],
    ],
    [
      'a file is renamed and another takes its name, then that one is added',
      [rename([0, 'a'], [0, 'z']), file(0, 'a', BB)],
      ['added a', 'renamed a -> z'],
    ],
    [
      'a file is removed and comes again elsewhere, then it is renamed all the same',
      [removal(3, 'g'), file(0, 'g', CC)],
      ['renamed d/sub/g -> g'],
    ],
    [
      'one of two equal files goes and one comes, then only that one is renamed',
      [removal(1, 'f'), file(3, 'f', BB)],
      ['renamed d/f -> d/sub/f'],
    ],
    [
      'a directory goes, then everything below it is removed',
      [removal(0, 'd')],
      ['removed d', 'removed d/f', 'removed d/sub', 'removed d/sub/g'],
    ],
    [
      'a directory goes, but what was in it was moved out before, then that is renamed',
      [rename([1, 'sub'], [0, 'sub']), removal(0, 'd')],
      ['removed d', 'removed d/f', 'renamed d/sub -> sub'],
    ],
    [
      'a directory goes and another one of its name comes, then they are compared',
      [removal(0, 'd'), directory(0, 'd'), file(8, 'f', CC), directory(8, 'sub')],
      ['changed d/f', 'removed d/sub/g'],
    ],
    [
      'a directory gives way to a file, then it is changed and what was below it is gone',
      [removal(0, 'd'), file(0, 'd')],
      ['changed d', 'removed d/f', 'removed d/sub', 'removed d/sub/g'],
    ],
    [
      'a directory goes and is restored, then there is no difference',
      [removal(0, 'd'), restored(0, 'd', 6)],
      [],
    ],
    [
      'a file is renamed, removed and restored, then it is renamed',
      [rename([0, 'a'], [0, 'z']), removal(0, 'z'), restored(0, 'z', 7)],
      ['renamed a -> z'],
    ],
  ])('%s', async (_title, then, expected) => {
    const actual = await diff(then);
    expect([...actual].sort()).toEqual([...expected].sort());
  });
});

describe('a difference', () => {
  const THEN = [rename([0, 'd'], [0, 'n']), file(1, 'f', CC), file(0, 'x')];

  test('has rows in order of their paths, with the hash of what is there at the second moment', () =>
    withHistory(oneCommit([...GIVEN, ...THEN]), async (reader) => {
      expect(await collect(reader.diff({ from: '@6' }))).toEqual([
        { change: 'renamed', path: 'n', from: 'd', hash: null },
        { change: 'changed', path: 'n/f', from: null, hash: CC.hash },
        { change: 'added', path: 'x', from: null, hash: hashOf('aa') },
      ]);
    }));

  test('from the later to the earlier moment leads back', async () => {
    expect(await diff(THEN, { from: '@9', to: '@6' })).toEqual([
      'renamed n -> d',
      'changed d/f',
      'removed x',
    ]);
  });

  test('between a moment and itself is none, and the end is now unless told', async () => {
    expect(await diff(THEN, { from: '@9' })).toEqual([]);
    expect(await diff(THEN, { from: '@8' })).toEqual(['added x']);
    expect(await diff(THEN, { from: '@6', to: '@7' })).toEqual(['renamed d -> n']);
  });

  test.each([
    ['n', ['renamed d -> n', 'changed n/f']],
    ['d', ['renamed d -> n', 'changed n/f']],
    ['/d/sub/', []],
    ['n/f', ['changed n/f']],
    ['/d/f/', ['changed n/f']],
    ['n/sub', []],
    ['x', ['added x']],
    ['', ['renamed d -> n', 'changed n/f', 'added x']],
  ])('of the path %j has only what is there at one of the moments', async (path, expected) => {
    expect(await diff(THEN, { path })).toEqual(expected);
  });

  test('of a directory that was renamed has all that happened in it, by either name', async () => {
    const then = [rename([0, 'd'], [0, 'n']), removal(1, 'f'), file(1, 'new', CC)];
    for (const path of ['d', 'n'])
      expect(await diff(then, { path })).toEqual(['removed d/f', 'renamed d -> n', 'added n/new']);
  });

  test('of a path that is at neither moment is refused, with when it was there', async () => {
    await expect(diff(THEN, { path: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(diff(THEN, { to: '@8', path: 'x' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('it is there from @9'),
    });
    await expect(diff(THEN, { path: '../x' })).rejects.toMatchObject({ code: 'BAD_PATH' });
  });

  test.each(['@10', 'op:7', 'tag:none', 'gibberish', '1999-01-01'])(
    'from %s, which is no moment, is refused',
    async (from) => {
      await expect(diff(THEN, { from })).rejects.toMatchObject({ code: 'BAD_MOMENT' });
      await expect(diff(THEN, { to: from })).rejects.toMatchObject({ code: 'BAD_MOMENT' });
    },
  );
});

describe('the cost', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });
  const FILES = 3000;
  const many = [directory(0, 'd'), ...Array.from({ length: FILES }, (_, number) => file(1, `f${number}`))];

  test('of a renamed directory does not grow with what is in it', () =>
    withHistory(oneCommit([...many, rename([0, 'd'], [0, 'n']), file(1, 'f7', CC)]), async (reader) => {
      const list = jest.spyOn(Namespace.prototype, 'list');
      const entryAt = jest.spyOn(Namespace.prototype, 'entryAt');
      const rows = await collect(reader.diff({ from: `@${FILES + 1}` }));
      expect(rows.map(wordsOf)).toEqual(['renamed d -> n', 'changed n/f7']);
      expect(list).not.toHaveBeenCalled();
      expect(entryAt.mock.calls.length).toBeLessThan(20);
    }));

  test('of the log of a path does not grow with the log', () =>
    withHistory(oneCommit([...many, rename([0, 'd'], [0, 'n']), ...many.slice(1)]), async (reader) => {
      const read = jest.spyOn(EventLog.prototype, 'read');
      const rows = await collect(reader.log({ path: 'n/f7' }));
      expect(rows.map(({ type }) => type)).toEqual(['file.ingested', 'path.renamed', 'file.ingested']);
      const events = read.mock.calls.reduce((sum, [span]) => sum + span!.to! - span!.from!, 0);
      expect(events).toBeLessThan(100);
    }));

  test('of many changes in one directory is that of listing it, and of all of them there', () =>
    withHistory(
      oneCommit([...many, ...many.slice(1, 501).map((event) => ({ ...event, ...BB }) as HkfsEvent)]),
      async (reader) => {
        const entryAt = jest.spyOn(Namespace.prototype, 'entryAt');
        const rows = await collect(reader.diff({ from: `@${FILES + 1}` }));
        expect(rows).toHaveLength(500);
        expect(rows.every(({ change }) => change === 'changed')).toBe(true);
        expect(entryAt.mock.calls.length).toBeLessThan(20);
      },
    ));
});
