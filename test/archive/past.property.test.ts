/** Paths along time in random histories, beside the snapshots of a plain model. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogRow } from 'hkfs';
import type { LocalReader } from '../../src/archive/local-reader.js';
import { PlaceHistory } from '../../src/projections/place-history.js';
import { HASHES, history, type History } from '../projections/histories.js';
import { entriesBelow, pathsOf } from '../projections/model.js';
import { HEAVY, runs } from '../projections/property.js';
import { openViews, withLocation } from '../projections/records.js';
import { START, withHistory } from './made-history.js';
import { collect } from './scratch.js';

const TIMEOUT = HEAVY ? 1_200_000 : 60_000;

function withReader({ records }: History, use: (reader: LocalReader) => Promise<void>): Promise<void> {
  const events = records.slice(1).map(({ event }) => event);
  const commits = events.length === 0 ? [] : [{ timeMs: START, operation: 1, events }];
  return withHistory(commits, use);
}

/** Every path that ever was, with the moments at which it was there. */
function momentsOfPaths({ snapshots }: History): Map<string, number[]> {
  const moments = new Map<string, number[]>();
  for (const [moment, snapshot] of snapshots.entries())
    for (const { path } of entriesBelow(snapshot.root))
      moments.set(path, [...(moments.get(path) ?? []), moment]);
  return moments;
}

describe('in any history', () => {
  test(
    'a path stood for something exactly in the moments in which the model has it',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(80), (given) =>
          withLocation(async (location) => {
            const views = await openViews(location);
            await views.apply(given.records);
            const places = new PlaceHistory(views.level);
            for (const [path, expected] of momentsOfPaths(given)) {
              const found = await places.occupancies(path);
              const moments = given.records.map(({ position }) => position);
              const stood = moments.filter((at) => found.some(({ from, to }) => from <= at && at < to));
              expect([path, stood]).toEqual([path, expected]);
            }
            expect(await places.occupancies('never/was')).toEqual([]);
            await views.close();
          }),
        ),
        runs(20),
      );
    },
    TIMEOUT,
  );

  test(
    'the past paths of a content are those that it had at earlier moments and has no more',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(80), fc.nat(10_000), (given, pick) =>
          withReader(given, async (reader) => {
            const at = pick % given.records.length;
            const then = given.snapshots.slice(0, at + 1);
            for (const hash of HASHES) {
              const live = pathsOf(then.at(-1)!, hash);
              if (live.length === 0) continue;
              const past = new Set(then.flatMap((snapshot) => pathsOf(snapshot, hash)));
              for (const path of live) past.delete(path);
              const { paths, pastPaths } = await reader.stat(`/${live[0]}`, { at: `@${at}` });
              expect([new Set(paths), new Set(pastPaths)]).toEqual([new Set(live), past]);
            }
          }),
        ),
        runs(20),
      );
    },
    TIMEOUT,
  );

  test(
    'the log of a path has all events that name it or what is below it, each once and in order',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), (given) =>
          withReader(given, async (reader) => {
            const all = await collect(reader.log());
            for (const path of momentsOfPaths(given).keys()) {
              const found = (await collect(reader.log({ path }))).map(({ position }) => position);
              expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
              const naming = all.filter((row) => names(row, path)).map(({ position }) => position);
              expect([path, found]).toEqual([path, expect.arrayContaining(naming)]);
            }
          }),
        ),
        runs(15),
      );
    },
    TIMEOUT,
  );
});

function names({ data }: LogRow, path: string): boolean {
  return [data['path'], data['from'], data['to']].some(
    (named) => typeof named === 'string' && `${named}/`.startsWith(`${path}/`),
  );
}
