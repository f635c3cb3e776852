/** Any two moments of random histories: the rows lead from one map of paths to the other. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DiffRow } from 'hkfs';
import type { EntryEvent } from '../../src/events/types.js';
import { history, type History } from '../projections/histories.js';
import { entriesBelow, type ModelEntry, type Snapshot } from '../projections/model.js';
import { HEAVY, runs } from '../projections/property.js';
import { START, withHistory } from './made-history.js';
import { collect } from './scratch.js';

const TIMEOUT = HEAVY ? 1_200_000 : 60_000;

type Tree = ReadonlyMap<string, ModelEntry>;

const treeOf = (snapshot: Snapshot): Tree =>
  new Map([...entriesBelow(snapshot.root)].map(({ path, entry }) => [path, entry]));

/** What the entry is, without when it came and where it is. */
function contentOf({ event }: ModelEntry): unknown {
  const {
    attributes: _a,
    parent: _p,
    name: _n,
    source: _s,
    ...content
  } = event as EntryEvent & { source?: unknown };
  return content;
}

const isSame = (a: unknown, b: unknown): boolean => inspect(a) === inspect(b);
const inspect = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));

/** Where each path of the second tree came from, as the rows say it; null: it was added. */
function originsOf(rows: readonly DiffRow[], after: Tree): Map<string, string | null> {
  const added = new Set(rows.filter(({ change }) => change === 'added').map(({ path }) => path));
  const renamed = new Map(
    rows.filter(({ change }) => change === 'renamed').map(({ path, from }) => [path, from!]),
  );
  const origins = new Map<string, string | null>([['', '']]);
  for (const path of after.keys()) {
    const origin = renamed.get(path) ?? alongWithItsDirectory(path, origins);
    if (renamed.has(path)) expect([path, origin]).not.toEqual([path, alongWithItsDirectory(path, origins)]);
    origins.set(path, added.has(path) ? null : origin);
  }
  return origins;
}

function alongWithItsDirectory(path: string, origins: ReadonlyMap<string, string | null>): string | null {
  const slash = path.lastIndexOf('/');
  const above = origins.get(path.slice(0, Math.max(slash, 0)))!;
  return above === null ? null : `${above}${above === '' ? '' : '/'}${path.slice(slash + 1)}`;
}

function expectExplained(rows: readonly DiffRow[], before: Tree, after: Tree): void {
  const has = (change: DiffRow['change'], path: string): boolean =>
    rows.some((row) => row.change === change && row.path === path);
  const origins = originsOf(rows, after);
  origins.delete('');
  for (const [path, entry] of after) {
    const origin = origins.get(path)!;
    if (has('added', path)) {
      const natural = alongWithItsDirectory(path, new Map([...origins, ['', '']]));
      expect([path, natural !== null && has('removed', natural) && before.has(natural)]).toEqual([
        path,
        false,
      ]);
      continue;
    }
    const was = before.get(origin!);
    if (was === undefined) throw new Error(`${path} came from nowhere (${origin})`);
    const isChanged = !isSame(contentOf(was), contentOf(entry));
    const isOther = !isSame(was.event.attributes, entry.event.attributes);
    expect([path, has('changed', path)]).toEqual([path, isChanged]);
    expect([path, has('attributes', path)]).toEqual([path, !isChanged && isOther]);
    if (entry.id !== null && idsOf(before).has(entry.id)) expect([path, was.id]).toEqual([path, entry.id]);
  }
  const kept = [...origins.values()].filter((origin) => origin !== null);
  expect(new Set(kept).size).toBe(kept.length);
  const gone = [...before.keys()].filter((path) => !kept.includes(path));
  const removed = rows.filter(({ change }) => change === 'removed').map(({ path }) => path);
  expect(removed.sort()).toEqual(gone.sort());
  expect(rows.every(({ change, path }) => change === 'removed' || after.has(path))).toBe(true);
}

const idsOf = (tree: Tree): Set<number | null> => new Set([...tree.values()].map(({ id }) => id));

async function withDiffs(
  { records, snapshots }: History,
  picks: readonly [number, number],
  use: (asked: {
    diff: (from: number, to: number, path?: string) => Promise<DiffRow[]>;
    from: number;
    to: number;
    trees: readonly [Tree, Tree];
  }) => Promise<void>,
): Promise<void> {
  const events = records.slice(1).map(({ event }) => event);
  const commits = events.length === 0 ? [] : [{ timeMs: START, operation: 1, events }];
  const [from, to] = picks.map((pick) => pick % records.length) as [number, number];
  await withHistory(commits, (reader) =>
    use({
      diff: (from, to, path = '') => collect(reader.diff({ from: `@${from}`, to: `@${to}`, path })),
      from,
      to,
      trees: [treeOf(snapshots[from]!), treeOf(snapshots[to]!)],
    }),
  );
}

function isBelow(path: string | null | undefined, start: string | null): boolean {
  return start !== null && `${path ?? ''}/`.startsWith(`${start}/`);
}

/** Where a directory is in a tree; null for what is none, or not there. */
function pathOf(id: number | null | undefined, tree: Tree): string | null {
  if (id === null || id === undefined) return null;
  return [...tree].find(([, entry]) => entry.id === id)?.[0] ?? null;
}

const picks = fc.tuple(fc.nat(10_000), fc.nat(10_000));

describe('diff of any two moments of any history', () => {
  test(
    'leads from the one tree to the other, forwards and backwards, and says nothing needless',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), picks, (given, picks) =>
          withDiffs(given, picks, async ({ diff, from, to, trees: [first, second] }) => {
            expectExplained(await diff(from, to), first, second);
            expectExplained(await diff(to, from), second, first);
            expect(await diff(to, to)).toEqual([]);
          }),
        ),
        runs(25),
      );
    },
    TIMEOUT,
  );

  test(
    'of a path has those rows of the whole that are at or below it, or in the directory that has it',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), picks, (given, picks) =>
          withDiffs(given, picks, async ({ diff, from, to, trees: [first, second] }) => {
            const all = await diff(from, to);
            const origins = originsOf(all, second);
            for (const path of new Set([...first.keys(), ...second.keys()])) {
              const was = [path, pathOf(second.get(path)?.id, first)];
              const is = [path, pathOf(first.get(path)?.id, second)];
              const expected = all.filter(({ change, path: named }) => {
                const [before, after] = change === 'removed' ? [named, null] : [origins.get(named), named];
                return (
                  was.some((start) => isBelow(before, start)) || is.some((start) => isBelow(after, start))
                );
              });
              expect(await diff(from, to, path)).toEqual(expected);
            }
          }),
        ),
        runs(10),
      );
    },
    TIMEOUT,
  );
});
