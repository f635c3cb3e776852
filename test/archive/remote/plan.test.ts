import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planCompaction } from '../../../src/archive/remote/compact.js';
import {
  checkpointName,
  claimName,
  objectName,
  parseCheckpointName,
  parseClaimName,
  parseObjectName,
  parseSegmentName,
  segmentName,
} from '../../../src/archive/remote/names.js';
import { gapsOf, planSegments, type CommitExtent } from '../../../src/archive/remote/plan.js';
import { RateLimiter } from '../../../src/archive/remote/rate-limiter.js';

const ID = 'c06b97ef-de54-42bf-aa79-6cf9ab36915d';
const HASH = 'ab'.repeat(32);

describe('names at a remote', () => {
  test('are what was asked for, and come back', () => {
    expect(objectName(HASH)).toBe(`objects/ab/${'ab'.repeat(31)}`);
    expect(parseObjectName(objectName(HASH, true))).toEqual({ hash: HASH, compressed: true });
    expect(parseSegmentName(segmentName(ID, { first: 5, last: 12 }))).toEqual({ first: 5, last: 12 });
    expect(parseClaimName(claimName(ID, 5))).toBe(5);
    expect(parseCheckpointName(checkpointName(ID, 7))).toBe(7);
    expect([claimName(ID, 9) < segmentName(ID, { first: 9, last: 9 })]).toEqual([true]);
  });

  test.each([
    'objects/ab/cd',
    'objects/AB/x',
    'archives/x/log/5-2',
    'archives/x/log/0000000000000009-0000000000000001',
  ])('%s is none', (name) => {
    expect([
      parseObjectName(name),
      parseSegmentName(name),
      parseClaimName(name),
      parseCheckpointName(name),
    ]).toEqual([null, null, null, null]);
  });

  test('are in the order of the log', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(checkpointName(ID, a) < checkpointName(ID, b)).toBe(a < b);
      }),
    );
  });
});

const commits = fc
  .array(fc.record({ count: fc.integer({ min: 1, max: 9 }), bytes: fc.nat(200) }))
  .map((list) => {
    let next = 0;
    return list.map(({ count, bytes }): CommitExtent => {
      const first = next;
      next += count;
      return { first, last: next - 1, bytes };
    });
  });

describe('segments planned from commits', () => {
  test('follow each other without gaps, cut no commit, and keep the limit where a commit does', () => {
    fc.assert(
      fc.property(commits, (list) => {
        const segments = planSegments(list, 100);
        expect(segments[0]?.first ?? 0).toBe(0);
        expect(segments.at(-1)?.last).toBe(list.at(-1)?.last);
        const ends = new Set(list.map(({ last }) => last));
        for (const [index, { first, last }] of segments.entries()) {
          expect(ends.has(last)).toBe(true);
          if (index > 0) expect(first).toBe(segments[index - 1]!.last + 1);
          const inside = list.filter((commit) => commit.first >= first && commit.last <= last);
          const bytes = inside.reduce((sum, commit) => sum + commit.bytes, 0);
          expect(inside.length === 1 || bytes <= 100).toBe(true);
        }
      }),
    );
  });

  test('of a longer log begin with those of the shorter, but for its last', () => {
    fc.assert(
      fc.property(commits, fc.nat(), (list, cut) => {
        const part = planSegments(list.slice(0, cut % (list.length + 1)), 100);
        expect(planSegments(list, 100).slice(0, Math.max(0, part.length - 1))).toEqual(part.slice(0, -1));
      }),
    );
  });
});

describe('gaps', () => {
  test('are the positions that no segment has', () => {
    const span = fc.tuple(fc.nat(40), fc.nat(10)).map(([first, more]) => ({ first, last: first + more }));
    fc.assert(
      fc.property(fc.array(span), fc.nat(60), (spans, size) => {
        const segments = spans.toSorted((a, b) => a.first - b.first);
        const missing = Array.from({ length: size }, (_, at) => at).filter(
          (at) => !segments.some(({ first, last }) => first <= at && at <= last),
        );
        const gaps = gapsOf(segments, size).flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, at) => first + at),
        );
        expect(gaps).toEqual(missing);
      }),
    );
  });
});

describe('a compaction', () => {
  test('removes only what merged segments cover, and claims of finished backups', () => {
    const named = (first: number, last: number) => ({
      first,
      last,
      bytes: 1,
      name: segmentName(ID, { first, last }),
    });
    const listing = {
      segments: [named(0, 9), named(10, 19), named(20, 29), named(30, 39)],
      claims: [0, 10, 30],
    };
    const plan = planCompaction(ID, { listing, wanted: [{ first: 0, last: 29 }], size: 30 });
    expect(plan).toEqual({
      made: [{ first: 0, last: 29 }],
      relied: [],
      removed: [...listing.segments.slice(0, 3).map(({ name }) => name), claimName(ID, 0), claimName(ID, 10)],
    });
    const done = { segments: [named(0, 29), named(30, 39)], claims: [30] };
    expect(planCompaction(ID, { listing: done, wanted: [{ first: 0, last: 29 }], size: 30 })).toEqual({
      made: [],
      relied: [],
      removed: [],
    });
  });

  test('relies on a merged segment that is there, where it covers what goes', () => {
    const named = (first: number, last: number) => ({
      first,
      last,
      bytes: 1,
      name: segmentName(ID, { first, last }),
    });
    const segments = [named(0, 9), named(0, 29), named(30, 59)];
    const wanted = [
      { first: 0, last: 29 },
      { first: 30, last: 59 },
    ];
    expect(planCompaction(ID, { listing: { segments, claims: [] }, wanted, size: 60 })).toEqual({
      made: [],
      relied: [{ first: 0, last: 29 }],
      removed: [segments[0]!.name],
    });
  });
});

describe('a limited rate', () => {
  test('is kept on average, whatever the sizes', async () => {
    let clock = 0;
    const limiter = new RateLimiter(1000, {
      now: () => clock,
      wait: async (ms) => void (clock += ms),
    });
    for (const bytes of [500, 2000, 10, 490]) await limiter.take(bytes);
    await limiter.take(0);
    expect(clock).toBe(3000);
  });
});
