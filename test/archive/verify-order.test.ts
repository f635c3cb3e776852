import { mkdirSync, writeFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Archive, VerifySummary } from 'hkfs';
import { hashOf } from './archive-model.js';
import { collect, withArchive, type Scratch } from './scratch.js';

const COUNT = 24;
const HOUR = 3_600_000;
const CLEAN = { damaged: [], missing: [], unlinked: [], untracked: [], views: [] };
const HASHES = Array.from({ length: COUNT }, (_, at) => hashOf(Buffer.from(`content ${at}`)));

/** A clock that the test sets, and that moves on by itself where it is told to. */
class Clock {
  now = Date.UTC(2026, 0, 1);
  step = 0;
  readonly read = (): number => (this.now += this.step);
}

/** An archive of 24 objects, each stored at the beginning of 2026. */
async function withObjects(use: (scratch: Scratch, clock: Clock) => Promise<void>): Promise<void> {
  const clock = new Clock();
  await withArchive(async (scratch) => {
    mkdirSync(join(scratch.source, 'd'));
    for (let at = 0; at < COUNT; at += 1) {
      const path = join(scratch.source, `d/${at}`);
      writeFileSync(path, `content ${at}`);
      // What was changed just now is not trusted by its times.
      utimesSync(path, 1e9, 1e9);
    }
    await scratch.archive.ingest({ sources: [scratch.source], to: 's' });
    clock.now += HOUR;
    await use(scratch, clock);
  }, clock.read);
}

async function verifiedAt(archive: Archive): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const hash of HASHES) {
    const { lastVerified } = await archive.stat(hash);
    times.set(hash, lastVerified === null ? 0 : Date.parse(lastVerified));
  }
  return times;
}

/** A run in which time passes only by looking at the clock: a second each, so the budget is a count. */
async function withBudget(archive: Archive, clock: Clock, seconds: number): Promise<VerifySummary> {
  clock.now += HOUR;
  clock.step = 1000;
  try {
    return await archive.verify({ budgetSeconds: seconds });
  } finally {
    clock.step = 0;
  }
}

describe('verify with a budget', () => {
  test('of nothing reads nothing and leaves every object for later', () =>
    withObjects(async ({ archive }) => {
      expect(await archive.verify({ budgetSeconds: 0 })).toMatchObject({
        ...CLEAN,
        objects: 0,
        remaining: COUNT,
      });
      expect(new Set((await verifiedAt(archive)).values())).toEqual(new Set([0]));
    }));

  test('reads first what was verified longest ago, so that some runs come round to everything', () =>
    withObjects(async ({ archive }, clock) => {
      let runs = 0;
      while (runs < 40 && [...(await verifiedAt(archive)).values()].includes(0)) {
        const before = await verifiedAt(archive);
        const { objects, remaining } = await withBudget(archive, clock, 9);
        const after = await verifiedAt(archive);
        const read = HASHES.filter((hash) => after.get(hash) !== before.get(hash));
        const unread = HASHES.filter((hash) => after.get(hash) === before.get(hash));
        expect([objects, remaining]).toEqual([read.length, unread.length]);
        const oldestUnread = Math.min(...unread.map((hash) => before.get(hash)!));
        for (const hash of read) expect(before.get(hash)).toBeLessThanOrEqual(oldestUnread);
        runs += 1;
      }
      expect(runs).toBeGreaterThan(1);
      expect(runs).toBeLessThan(40);
      const first = await verifiedAt(archive);
      await withBudget(archive, clock, 9);
      const second = await verifiedAt(archive);
      const oldest = Math.min(...first.values());
      const again = HASHES.filter((hash) => second.get(hash) !== first.get(hash));
      expect(again.length).toBeGreaterThan(0);
      expect(again.some((hash) => first.get(hash) === oldest)).toBe(true);
    }));

  test('that is ample leaves nothing', () =>
    withObjects(async ({ archive }) => {
      const summary = await archive.verify({ budgetSeconds: 3600 });
      expect(summary).toMatchObject({ ...CLEAN, objects: COUNT, remaining: 0 });
    }));
});

describe('verify of what is older than a time', () => {
  test('reads nothing that was verified or stored since', () =>
    withObjects(async ({ archive }, clock) => {
      const read = async (olderThanMs: number): Promise<[number, number]> => {
        const { objects, remaining } = await archive.verify({ olderThanMs });
        return [objects, remaining];
      };
      expect(await read(clock.now - 2 * HOUR)).toEqual([0, 0]);
      expect(await read(clock.now)).toEqual([COUNT, 0]);
      expect(await read(clock.now - HOUR)).toEqual([0, 0]);
      clock.now += HOUR;
      expect(await read(clock.now - HOUR)).toEqual([0, 0]);
      expect(await read(clock.now)).toEqual([COUNT, 0]);
    }));

  test('moves the time of what it reads, and no other', () =>
    withObjects(async ({ archive, source }, clock) => {
      await archive.verify();
      const before = await verifiedAt(archive);
      clock.now += HOUR;
      writeFileSync(join(source, 'new'), 'new');
      await archive.ingest({ sources: [source], to: 's' });
      clock.now += HOUR;
      const { objects } = await archive.verify({ olderThanMs: clock.now - HOUR });
      expect(objects).toBe(COUNT);
      for (const [hash, time] of await verifiedAt(archive)) expect(time).toBeGreaterThan(before.get(hash)!);
      expect((await archive.stat(hashOf(Buffer.from('new')))).lastVerified).toBeNull();
    }));
});

describe('a verification', () => {
  test('is an operation whose counts tell what it read, and a second one moves all times on', () =>
    withObjects(async ({ archive }, clock) => {
      const summary = await archive.verify();
      expect(summary).toMatchObject({ ...CLEAN, objects: COUNT, remaining: 0, operation: 2 });
      expect((await collect(archive.ops())).at(-1)).toMatchObject({
        operation: 2,
        command: 'verify',
        status: 'completed',
        counts: { objects: COUNT, damaged: 0, missing: 0 },
      });
      const first = await verifiedAt(archive);
      clock.now += HOUR;
      await archive.verify();
      for (const [hash, time] of await verifiedAt(archive)) expect(time).toBe(first.get(hash)! + HOUR);
    }));

  test('that is quick reads nothing of what is as it was left, and leaves no operation', () =>
    withObjects(async ({ archive }) => {
      const before = await archive.head();
      expect(await archive.verify({ quick: true })).toMatchObject({ ...CLEAN, operation: null, bytes: 0 });
      expect(await archive.head()).toEqual(before);
    }));
});
