import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCbor } from '../../src/events/cbor.js';
import { CompactRange } from '../../src/events/merkle.js';
import {
  decodeSegment,
  encodeStoredCommit,
  followsFrom,
  type StoredCommit,
} from '../../src/events/segment.js';

const event = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes));
const history = fc
  .array(fc.array(event, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 })
  .map((batches) => {
    const range = CompactRange.empty();
    return batches.map((events, at): StoredCommit => {
      const first = range.size;
      for (const bytes of events) range.append(bytes);
      const format = at % 2 === 0 ? (1 as const) : (2 as const);
      const commit = {
        ...{ format, first, count: events.length, timeMs: 1000 + at, operation: at },
        range: range.hashes,
      };
      return { commit, events };
    });
  });

describe('commits in a segment', () => {
  test('come back as they were, also from segments that were joined', () => {
    fc.assert(
      fc.property(history, (commits) => {
        const bytes = Buffer.concat(commits.map(encodeStoredCommit));
        const back = [...decodeSegment(bytes)];
        expect(back.map(({ events }) => events)).toEqual(commits.map(({ events }) => events));
        const range = CompactRange.empty();
        for (const stored of back) expect(followsFrom(range, stored)).toBe(true);
      }),
    );
  });

  test('are canonical CBOR, each one item', () => {
    fc.assert(
      fc.property(history, (commits) => {
        for (const { commit, events } of commits) {
          const item = decodeCbor(encodeStoredCommit({ commit, events }));
          const [record, list] = item as [Uint8Array, Uint8Array[]];
          expect(decodeCbor(record)).toEqual([
            commit.format,
            commit.first,
            commit.count,
            commit.timeMs,
            commit.operation,
            expect.anything(),
          ]);
          expect(list.map((bytes) => Buffer.from(bytes))).toEqual(events);
        }
      }),
    );
  });

  test('with any bit flipped, or cut off anywhere, do not follow or are no segment', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.boolean(), (commits, where, cut) => {
        const bytes = Buffer.concat(commits.map(encodeStoredCommit));
        const at = where % bytes.length;
        const damaged = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
        if (!cut) damaged[at]! ^= 1 << (where % 8);
        expect(isWhole(damaged, commits.at(-1)!)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

/** Whether it is the history up to this commit. */
function isWhole(bytes: Buffer, last: StoredCommit): boolean {
  const range = CompactRange.empty();
  const ends: StoredCommit[] = [];
  try {
    for (const stored of decodeSegment(bytes)) {
      if (!followsFrom(range, stored)) return false;
      ends.push(stored);
    }
  } catch {
    return false;
  }
  const end = ends.at(-1)?.commit;
  if (end === undefined || end.first + end.count !== last.commit.first + last.commit.count) return false;
  return ends.every(({ commit }, at) => commit.timeMs === 1000 + at && commit.operation === at);
}
