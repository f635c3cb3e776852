import { describe, expect, test } from '@jest/globals';
import { EventLog } from '../../src/events/log.js';
import { CompactRange } from '../../src/events/merkle.js';
import type { CommitRecord, HkfsEvent } from '../../src/events/types.js';
import { collect, plain, removed, withDirectory, withLog, writeCommits } from './log-fixture.js';

const CONTEXT = { timeMs: 5000, operation: 0 };

const STARTED: HkfsEvent = {
  ...{ type: 'operation.started', operation: 2, command: 'x', args: [], user: 'u', host: 'h', sources: [] },
};

async function commitsOf(stream: AsyncIterable<CommitRecord>): Promise<[number, number][]> {
  const all: [number, number][] = [];
  for await (const { first, count } of stream) all.push([first, count]);
  return all;
}

describe('an empty log', () => {
  test('has the size 0, the head of nothing, and no commit', () =>
    withDirectory((location) =>
      withLog(location, async (log) => {
        const root = CompactRange.empty().root().toString('hex');
        expect([log.size, log.head(), log.lastCommit]).toEqual([0, { size: 0, root }, null]);
        expect(await collect(log.read())).toEqual([]);
        expect(await collect(log.readReverse())).toEqual([]);
        expect(await commitsOf(log.readCommits())).toEqual([]);
      }),
    ));

  test('is not made where none was asked for', () =>
    withDirectory(async (location) => {
      await expect(EventLog.open(location)).rejects.toMatchObject({ name: 'HkfsError' });
    }));
});

describe('appending', () => {
  test('gives the records that reading gives, also after reopening', () =>
    withDirectory(async (location) => {
      const written = await withLog(location, async (log) => {
        const first = await log.append(removed(3), { timeMs: 1000, operation: 0 });
        const second = await log.append([STARTED, ...removed(1, 3)], { timeMs: 2000, operation: 2 });
        const records = [...first.records, ...second.records].map(plain);
        expect((await collect(log.read())).map(plain)).toEqual(records);
        return { records, head: log.head(), commit: second.commit };
      });
      await withLog(location, async (log) => {
        expect((await collect(log.read({ audit: true }))).map(plain)).toEqual(written.records);
        expect(log.head()).toEqual(written.head);
        expect(log.lastCommit).toMatchObject({ first: 3, count: 2, timeMs: 2000, operation: 2 });
      });
    }));

  test('has the RFC 6962 root of the stored bytes as its head', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [1, 4, 2, 9]);
      await withLog(location, async (log) => {
        const range = CompactRange.empty();
        for (const { bytes } of await collect(log.read())) range.append(bytes);
        expect(log.head()).toEqual({ size: 16, root: range.root().toString('hex') });
      });
    }));

  test('of many at once is serialised: each commit is whole and in the order of the calls', () =>
    withDirectory((location) =>
      withLog(location, async (log) => {
        const counts = [5, 1, 7, 2, 3];
        const all = await Promise.all(
          counts.map((count, at) => log.append(removed(count), { timeMs: at, operation: 0 })),
        );
        expect(all.map(({ commit }) => [commit.first, commit.count])).toEqual([
          [0, 5],
          [5, 1],
          [6, 7],
          [13, 2],
          [15, 3],
        ]);
        expect((await collect(log.read({ audit: true }))).length).toBe(18);
      }),
    ));

  test('never lets time run backwards, also across a reopening', () =>
    withDirectory(async (location) => {
      await withLog(location, (log) => log.append(removed(1), { timeMs: 9000, operation: 0 }));
      await withLog(location, async (log) => {
        const { commit, records } = await log.append(removed(1), { timeMs: 3000, operation: 0 });
        expect([commit.timeMs, records[0]?.timeMs]).toEqual([9000, 9000]);
        expect((await log.append(removed(1), { timeMs: 9001, operation: 0 })).commit.timeMs).toBe(9001);
      });
    }));

  test('of no events, or of values that cannot be stored, is refused and leaves the log as it was', () =>
    withDirectory((location) =>
      withLog(location, async (log) => {
        await expect(log.append([], CONTEXT)).rejects.toThrow(TypeError);
        await expect(log.append(removed(1), { timeMs: NaN, operation: 1 })).rejects.toThrow(TypeError);
        const bad = { type: 'path.removed', parent: -1, name: 'x' } as const;
        await expect(log.append([...removed(2), bad], CONTEXT)).rejects.toThrow(TypeError);
        expect(log.size).toBe(0);
        expect((await log.append(removed(1), CONTEXT)).commit.first).toBe(0);
      }),
    ));
});

describe('reading', () => {
  test('any span gives exactly its positions, forwards and backwards', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [3, 1, 5, 2]);
      await withLog(location, async (log) => {
        for (let from = 0; from <= 12; from += 1)
          for (let to = from; to <= 12; to += 1) {
            const wanted = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].slice(from, to);
            const forwards = await collect(log.read({ from, to }));
            const backwards = await collect(log.readReverse({ from, to }));
            expect(forwards.map(({ position }) => position)).toEqual(wanted);
            expect(backwards.map(plain)).toEqual(forwards.map(plain).reverse());
          }
      });
    }));

  test('joins each event with the time and operation of its commit', () =>
    withDirectory(async (location) => {
      await withLog(location, async (log) => {
        await log.append(removed(2), { timeMs: 1000, operation: 0 });
        await log.append([STARTED], { timeMs: 2000, operation: 2 });
        await log.append(removed(3), { timeMs: 3000, operation: 2 });
        const records = await collect(log.read({ from: 1, to: 5 }));
        expect(records.map(({ timeMs, operation }) => [timeMs, operation])).toEqual([
          [1000, 0],
          [2000, 2],
          [3000, 2],
          [3000, 2],
        ]);
      });
    }));

  test('comes in batches of at most 1,024', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [2500, 1, 600]);
      await withLog(location, async (log) => {
        const sizes: number[] = [];
        for await (const batch of log.read()) sizes.push(batch.length);
        expect(Math.max(...sizes)).toBe(1024);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(3101);
      });
    }));

  test('does not see what is appended after it began', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [4]);
      await withLog(location, async (log) => {
        const reading = log.read();
        const first = await reading.next();
        await log.append(removed(3), CONTEXT);
        expect([first.value?.length, (await reading.next()).done]).toEqual([4, true]);
      });
    }));

  test('finds one event and its commit by position', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [2, 3]);
      await withLog(location, async (log) => {
        const [, , , wanted] = await collect(log.read());
        expect(plain(await log.get(3))).toEqual(plain(wanted!));
        expect(log.getSync(3)).toEqual(wanted!.event);
        expect(await log.commitAt(4)).toMatchObject({ first: 2, count: 3, timeMs: 2000 });
        expect(await log.commitAt(1)).toMatchObject({ first: 0, count: 2, timeMs: 1000 });
      });
    }));

  test.each([-1, 5, 1.5])('position %d outside the log is a RangeError', (position) =>
    withDirectory(async (location) => {
      await writeCommits(location, [5]);
      await withLog(location, async (log) => {
        await expect(log.get(position)).rejects.toThrow(RangeError);
        await expect(log.commitAt(position)).rejects.toThrow(RangeError);
        expect(() => log.getSync(position)).toThrow(RangeError);
      });
    }),
  );

  test('gives the commits that touch a span', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [3, 1, 5]);
      await withLog(location, async (log) => {
        expect(await commitsOf(log.readCommits())).toEqual([
          [0, 3],
          [3, 1],
          [4, 5],
        ]);
        expect(await commitsOf(log.readCommits({ from: 2, to: 4 }))).toEqual([
          [0, 3],
          [3, 1],
        ]);
        expect(await commitsOf(log.readCommits({ from: 6 }))).toEqual([[4, 5]]);
      });
    }));

  test('with audit starts only where a commit starts', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [3, 4]);
      await withLog(location, async (log) => {
        expect((await collect(log.read({ from: 3, audit: true }))).length).toBe(4);
        await expect(collect(log.read({ from: 2, audit: true }))).rejects.toThrow(RangeError);
      });
    }));
});

describe('the archive that is held', () => {
  test('is ARCHIVE_HELD with the cause kept', () =>
    withDirectory((location) =>
      withLog(location, async () => {
        const failure = await EventLog.open(location).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: 'ARCHIVE_HELD', exitCode: 5 });
        expect((failure as Error).cause).toBeDefined();
      }),
    ));

  test('is free again after close, which waits for the appends under way', () =>
    withDirectory(async (location) => {
      const log = await EventLog.open(location, { createIfMissing: true });
      const appending = log.append(removed(100), CONTEXT);
      await log.close();
      expect((await appending).commit.count).toBe(100);
      await withLog(location, (again) => Promise.resolve(expect(again.size).toBe(100)));
    }));

  test('compacting before close leaves nothing to replay and loses nothing', () =>
    withDirectory(async (location) => {
      await withLog(location, async (log) => {
        await log.append(removed(2000), CONTEXT);
        await log.compactForClose();
      });
      await withLog(location, async (log) =>
        expect((await collect(log.read({ audit: true }))).length).toBe(2000),
      );
    }));
});
