import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Level } from '../../src/events/level.js';
import { expectContents, expectNamespace, expectPlaces, type Moment } from './agreement.js';
import { history, type History } from './histories.js';
import { entriesBelow } from './model.js';
import { HEAVY, runs } from './property.js';
import { openViews, withLocation } from './records.js';

/** Histories up to this length are looked at in every moment. */
const SMALL = 12;
const TIMEOUT = HEAVY ? 1_200_000 : 60_000;

type Check = (level: Level, moment: Moment) => Promise<void>;

/** Folds a history whole, then compares the moments that were asked for with the model. */
async function check(given: History, picks: readonly number[], expectAgreement: Check): Promise<void> {
  const { records, snapshots } = given;
  const everyPath = [
    ...new Set(snapshots.flatMap(({ root }) => [...entriesBelow(root)].map(({ path }) => path))),
  ];
  const added = records.filter(({ event }) => event.type === 'directory.added');
  const everyId = [0, ...added.map(({ position }) => position), records.length + 1];
  const all = records.map(({ position }) => position);
  const some = [records.length - 1, ...picks.map((pick) => pick % records.length)];
  await withLocation(async (location) => {
    const views = await openViews(location);
    try {
      await views.apply(records);
      for (const at of new Set(records.length <= SMALL ? all : some))
        await expectAgreement(views.level, { at, snapshot: snapshots[at]!, everyPath, everyId });
    } finally {
      await views.close();
    }
  });
}

const picks = fc.array(fc.nat(10_000), { minLength: 4, maxLength: 4 });

describe('for any valid history and any moment of it, as a plain model has it', () => {
  test.each<[string, Check]>([
    ['list, walk, resolve and pathOf give the names that there were', expectNamespace],
    ['entryAt and pathOfPlace tell what stood at each place', expectPlaces],
    ['contents have their places, paths, inodes, prefixes, verifications and findings', expectContents],
  ])(
    '%s',
    async (_what, expectAgreement) => {
      await fc.assert(
        fc.asyncProperty(history(HEAVY ? 120 : 50), picks, (given, picks) =>
          check(given, picks, expectAgreement),
        ),
        runs(40),
      );
    },
    TIMEOUT,
  );

  test(
    'small histories are compared in every moment',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(SMALL - 3), async (given) => {
          expect(given.records[0]!.event.type).toBe('archive.created');
          await check(given, [], async (level, moment) => {
            await expectNamespace(level, moment);
            await expectContents(level, moment);
          });
        }),
        runs(25),
      );
    },
    TIMEOUT,
  );
});
