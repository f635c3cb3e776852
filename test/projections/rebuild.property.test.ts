import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldLog } from '../../src/archive/open-archive.js';
import { EventLog } from '../../src/events/log.js';
import { operationOf } from '../events/log-fixture.js';
import { history, type History } from './histories.js';
import { HEAVY, runs } from './property.js';
import { openViews, rowsOf, timeOf, withLocation } from './records.js';

/** Positions at which a history is cut: a batch ends before each. */
const cuts = fc.array(fc.nat(10_000), { maxLength: 12 });

function batchesOf<T>(all: readonly T[], cuts: readonly number[]): T[][] {
  const ends = [...new Set([...cuts.map((cut) => cut % all.length), all.length])].sort((a, b) => a - b);
  return ends.map((end, at) => all.slice(ends[at - 1] ?? 0, end)).filter((batch) => batch.length > 0);
}

/** All rows after folding these batches one by one; reopened before each batch where it says so. */
async function rowsAfter(batches: readonly History['records'][], reopen = false): Promise<string[]> {
  return withLocation(async (location) => {
    let views = await openViews(location);
    for (const batch of batches) {
      await views.apply(batch);
      if (!reopen) continue;
      await views.close();
      views = await openViews(location);
    }
    const rows = await rowsOf(views);
    await views.close();
    return rows;
  });
}

const TIMEOUT = HEAVY ? 1_200_000 : 120_000;

describe('views folded in one go equal, byte for byte, views folded', () => {
  test(
    'in any batches, reopened between them or not',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(60), cuts, fc.boolean(), async ({ records }, cuts, reopen) => {
          const whole = await rowsAfter([records]);
          expect(await rowsAfter(batchesOf(records, cuts), reopen)).toEqual(whole);
        }),
        runs(40),
      );
    },
    TIMEOUT,
  );

  test(
    'event by event',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(30), async ({ records }) => {
          expect(await rowsAfter(records.map((record) => [record]))).toEqual(await rowsAfter([records]));
        }),
        runs(15),
      );
    },
    TIMEOUT,
  );

  test(
    'in batches that overlap, as after a crash between the rows and what was to follow them',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(40), cuts, fc.nat(5), async ({ records }, cuts, back) => {
          let done = 0;
          const overlapping = batchesOf(records, cuts).map((batch) => {
            const from = Math.max(0, done - back);
            done += batch.length;
            return records.slice(from, done);
          });
          expect(await rowsAfter(overlapping)).toEqual(await rowsAfter([records]));
        }),
        runs(25),
      );
    },
    TIMEOUT,
  );

  test(
    'from the log, commit by commit, whatever its commits, and audited or not',
    async () => {
      await fc.assert(
        fc.asyncProperty(history(HEAVY ? 200 : 40), cuts, fc.boolean(), async (given, cuts, audit) => {
          const batches = batchesOf(given.records, cuts);
          await withLocation(async (location) => {
            const log = await EventLog.open(`${location}-log`, { createIfMissing: true });
            const incremental = await openViews(`${location}-incremental`);
            for (const batch of batches) {
              const events = batch.map(({ event }) => event);
              const at = { timeMs: timeOf(batch[0]!.position), operation: operationOf(log, events) };
              const { records } = await log.append(events, at);
              await incremental.apply(records);
            }
            const rebuilt = await openViews(location);
            expect(await foldLog(log, rebuilt, { audit })).toBe(given.records.length);
            expect(await rowsOf(rebuilt)).toEqual(await rowsOf(incremental));
            await Promise.all([log.close(), incremental.close(), rebuilt.close()]);
          });
        }),
        runs(25),
      );
    },
    TIMEOUT,
  );
});
