import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DuRow, EntryKind, FindQuery } from 'hkfs';
import type { LocalReader } from '../../src/archive/local-reader.js';
import { baseName } from '../../src/fs/names.js';
import { HASHES, history, name, type History } from '../projections/histories.js';
import { directoriesOf, entriesBelow, pathsOf, type Located, type Snapshot } from '../projections/model.js';
import { HEAVY, runs } from '../projections/property.js';
import { START, withHistory } from './made-history.js';
import { collect } from './scratch.js';

const TIMEOUT = HEAVY ? 1_200_000 : 60_000;

/** Asks about one moment of a random history, beside the model's snapshot of it. */
async function ask(
  { records, snapshots }: History,
  pick: number,
  compare: (reader: LocalReader, at: string, snapshot: Snapshot) => Promise<void>,
): Promise<void> {
  const events = records.slice(1).map(({ event }) => event);
  const commits = events.length === 0 ? [] : [{ timeMs: START, operation: 1, events }];
  const at = pick % records.length;
  await withHistory(commits, (reader) => compare(reader, `@${at}`, snapshots[at]!));
}

const sizeOf = ({ entry }: Located): number | null =>
  entry.event.type === 'file.ingested' ? entry.event.size : null;
const hashOf = ({ entry }: Located): string | null =>
  entry.event.type === 'file.ingested' ? entry.event.hash : null;
const isBelow = (path: string, start: string): boolean =>
  start === '' || path === start || path.startsWith(`${start}/`);

function measured(snapshot: Snapshot, path: string): DuRow {
  const inside = [...entriesBelow(snapshot.root)].filter((located) => isBelow(located.path, path));
  const files = inside.filter((located) => sizeOf(located) !== null);
  const row = { path, bytes: 0, uniqueBytes: 0, sharedBytes: 0, files: files.length };
  for (const located of files) row.bytes += sizeOf(located)!;
  for (const hash of new Set(files.map(hashOf).filter((hash) => hash !== null))) {
    const size = sizeOf(files.find((located) => hashOf(located) === hash)!)!;
    if (pathsOf(snapshot, hash).every((other) => isBelow(other, path))) row.uniqueBytes += size;
    else row.sharedBytes += size;
  }
  return row;
}

describe('du of any path at any moment', () => {
  test(
    'has the bytes, unique bytes, shared bytes and files that adding them up gives',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), fc.nat(10_000), (given, pick) =>
          ask(given, pick, async (reader, at, snapshot) => {
            for (const { path } of [{ path: '' }, ...entriesBelow(snapshot.root)])
              expect(await collect(reader.du(path, { at }))).toEqual([measured(snapshot, path)]);
          }),
        ),
        runs(12),
      );
    },
    TIMEOUT,
  );

  test(
    'with a depth has a row for each directory down to it, what is inside before what holds it',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), fc.nat(10_000), fc.nat(3), (given, pick, depth) =>
          ask(given, pick, async (reader, at, snapshot) => {
            const rows = await collect(reader.du('', { at, depth }));
            const level = (path: string): number => (path === '' ? 0 : path.split('/').length);
            const paths = directoriesOf(snapshot)
              .map(({ path }) => path)
              .filter((path) => level(path) <= depth);
            expect(new Set(rows)).toEqual(new Set(paths.map((path) => measured(snapshot, path))));
            expect(rows.at(-1)!.path).toBe('');
            for (const [index, { path }] of rows.entries())
              expect(
                rows.slice(index + 1).filter((later) => later.path !== path && isBelow(later.path, path)),
              ).toEqual([]);
          }),
        ),
        runs(8),
      );
    },
    TIMEOUT,
  );
});

/** Globs, and what they mean, said another way. */
const GLOBS: Record<string, (path: string) => boolean> = {
  '*': () => true,
  'a*': (path) => baseName(path).startsWith('a'),
  '*b': (path) => baseName(path).endsWith('b'),
  '?': (path) => baseName(path).length === 1,
  'a?b': (path) => /^a.b$/s.test(baseName(path)),
  '-rf': (path) => baseName(path) === '-rf',
  '/a': (path) => path === 'a',
  'a/*': (path) => /^a\/[^/]*$/.test(path),
  '*/*': (path) => path.split('/').length === 2,
  'a/**': (path) => path === 'a' || path.startsWith('a/'),
  '**/a': (path) => baseName(path) === 'a',
};
const KINDS: EntryKind[] = ['file', 'directory', 'symlink', 'fifo', 'chardev'];
const query: fc.Arbitrary<Omit<FindQuery, 'path'>> = fc.record(
  {
    hash: fc.constantFrom(...HASHES, 'ab', 'f', '9'),
    name: fc.constantFrom(...Object.keys(GLOBS)),
    minSize: fc.constantFrom(0, 1, 1001, 3000),
    maxSize: fc.constantFrom(0, 1, 1001, 3000),
    kind: fc.constantFrom(...KINDS),
  },
  { requiredKeys: [], noNullPrototype: true },
);

describe('find with any filters at any moment', () => {
  test(
    'gives the entries for which all of them hold',
    async () => {
      const queries = fc.array(fc.tuple(query, fc.nat(1000)), { minLength: 8, maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(history(60), fc.nat(10_000), queries, (given, pick, queries) =>
          ask(given, pick, async (reader, at, snapshot) => {
            const all = [...entriesBelow(snapshot.root)];
            for (const [query, number] of queries) {
              const path = all.length === 0 ? '' : all[number % all.length]!.path;
              await expectFound(reader, { ...query, path: number % 3 === 0 ? '' : path }, { at, snapshot });
            }
          }),
        ),
        runs(15),
      );
    },
    TIMEOUT,
  );
});

async function expectFound(
  reader: LocalReader,
  query: FindQuery,
  { at, snapshot }: { at: string; snapshot: Snapshot },
): Promise<void> {
  const { path = '', hash, name, kind, minSize, maxSize } = query;
  const stored = HASHES.filter((each) => snapshot.objects.has(each) && each.startsWith(hash ?? ''));
  if (hash !== undefined && stored.length > 1)
    return expect(collect(reader.find(query, { at }))).rejects.toMatchObject({ code: 'AMBIGUOUS_PREFIX' });
  const holds = (located: Located): boolean =>
    isBelow(located.path, path) &&
    (hash === undefined || (stored.length === 1 && hashOf(located) === stored[0])) &&
    (name === undefined || GLOBS[name]!(located.path)) &&
    (kind === undefined || located.entry.kind === kind) &&
    (minSize === undefined || (sizeOf(located) ?? -1) >= minSize) &&
    (maxSize === undefined || (sizeOf(located) ?? Infinity) <= maxSize);
  const expected = [...entriesBelow(snapshot.root)].filter(holds).map((located) => located.path);
  const found = (await collect(reader.find(query, { at }))).map((row) => row.path);
  expect([query, found.sort()]).toEqual([query, expected.sort()]);
}

describe('ls of any path at any moment', () => {
  test(
    'that is not there is refused',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(20), fc.nat(10_000), name, (given, pick, name) =>
          ask(given, pick, async (reader, at, snapshot) => {
            const isThere = [...entriesBelow(snapshot.root)].some(({ path }) => path === name);
            const listing = collect(reader.ls(name, { at }));
            if (isThere) await listing;
            else await expect(listing).rejects.toMatchObject({ code: 'NOT_FOUND' });
          }),
        ),
        runs(8),
      );
    },
    TIMEOUT,
  );
});
