import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DupsQuery, DupsRow } from 'hkfs';
import type { LocalReader } from '../../../src/archive/local-reader.js';
import { HEAVY, runs } from '../../projections/property.js';
import { oneCommit, withHistory } from '../made-history.js';
import { collect } from '../scratch.js';
import { below, eventsOf, randomTree, type Folder } from './random-tree.js';
import { bytesOnceAndInAll, dupsTwin, uniqueTwin, type TwinGroup } from './twin.js';

const TIMEOUT = HEAVY ? 1_200_000 : 120_000;

function ask<T>(tree: Folder, use: (reader: LocalReader) => Promise<T>): Promise<T> {
  const events = eventsOf(tree, 1);
  return withHistory(events.length === 0 ? [] : oneCommit(events), use);
}

/** Groups as text in an order of their own: that of the rows is another test's. */
function shown(groups: readonly (DupsRow | TwinGroup)[]): string[] {
  return groups
    .map(({ kind, size, files, count, reclaimable, paths, ...rest }) =>
      JSON.stringify({ kind, paths, size, files, count, reclaimable, protected: rest.protected }),
    )
    .sort();
}

function foldersOf(tree: Folder): string[] {
  return ['', ...below(tree).flatMap(({ path, node }) => (node.kind === 'directory' ? [path] : []))];
}

const query: fc.Arbitrary<DupsQuery> = fc.record(
  {
    kind: fc.constantFrom('file', 'dir'),
    minSize: fc.constantFrom(0, 1, 11, 40),
    all: fc.boolean(),
    sameNames: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
);

describe('dups of any tree', () => {
  test(
    'gives the groups that looking at every pair gives, with any options',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, fc.array(query, { minLength: 3, maxLength: 3 }), async (tree, queries) =>
          ask(tree, async (reader) => {
            for (const query of [{}, ...queries])
              expect([query, ...shown(await collect(reader.dups(query)))]).toEqual([
                query,
                ...shown(dupsTwin(tree, query)),
              ]);
          }),
        ),
        runs(20),
      );
    },
    TIMEOUT,
  );

  test(
    'below any of its directories is that of the directory alone',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, query, fc.nat(1000), async (tree, query, which) =>
          ask(tree, async (reader) => {
            const folders = foldersOf(tree);
            const asked = { ...query, path: folders[which % folders.length]! };
            expect(shown(await collect(reader.dups(asked)))).toEqual(shown(dupsTwin(tree, asked)));
          }),
        ),
        runs(12),
      );
    },
    TIMEOUT,
  );

  test(
    'between two tagged directories, one in the other or not, never counts what is protected',
    async () => {
      const picks = fc.tuple(fc.nat(1000), fc.nat(1000));
      await fc.assert(
        fc.asyncProperty(randomTree, query, picks, async (tree, query, [first, second]) =>
          ask(tree, async (reader) => {
            const folders = foldersOf(tree);
            const under = folders[first % folders.length]!;
            const against = folders[second % folders.length]!;
            const asked = { ...query, under: [under], against: [against] };
            if (under === against)
              return expect(collect(reader.dups(asked))).rejects.toMatchObject({ code: 'USAGE' });
            const rows = await collect(reader.dups(asked));
            expect([under, against, ...shown(rows)]).toEqual([
              under,
              against,
              ...shown(dupsTwin(tree, asked)),
            ]);
          }),
        ),
        runs(20),
      );
    },
    TIMEOUT,
  );

  test(
    'could free, in all, what the tree takes less what its contents take once; the largest gain is first',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, fc.boolean(), async (tree, sameNames) =>
          ask(tree, async (reader) => {
            const gains = (await collect(reader.dups({ sameNames }))).map(({ reclaimable }) => reclaimable);
            const { once, all } = bytesOnceAndInAll(tree);
            expect(gains.reduce((sum, gain) => sum + gain, 0)).toBe(all - once);
            expect(gains).toEqual(gains.toSorted((a, b) => b - a));
          }),
        ),
        runs(15),
      );
    },
    TIMEOUT,
  );
});

describe('unique of any path', () => {
  test(
    'gives the files whose content no path elsewhere has',
    async () => {
      const picks = fc.tuple(fc.nat(1000), fc.nat(1000));
      await fc.assert(
        fc.asyncProperty(randomTree, picks, fc.boolean(), async (tree, [first, second], whole) =>
          ask(tree, async (reader) => {
            const paths = ['', ...below(tree).map(({ path }) => path)];
            const folders = foldersOf(tree);
            const path = paths[first % paths.length]!;
            const than = whole ? undefined : folders[second % folders.length]!;
            if (than === path)
              return expect(collect(reader.unique(path, { than }))).rejects.toMatchObject({ code: 'USAGE' });
            const found = (await collect(reader.unique(path, { than }))).map(
              (row) => `${row.path} ${row.hash}`,
            );
            const expected = uniqueTwin(tree, path, than ?? null).map((row) => `${row.path} ${row.hash}`);
            expect([path, than, ...found.sort()]).toEqual([path, than, ...expected.sort()]);
          }),
        ),
        runs(20),
      );
    },
    TIMEOUT,
  );
});
