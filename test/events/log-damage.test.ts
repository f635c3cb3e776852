import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { encodeCommit } from '../../src/events/commit-record.js';
import { encodeEvent } from '../../src/events/codec.js';
import { EventLog } from '../../src/events/log.js';
import { commitKey, eventKey, FORMAT_KEY } from '../../src/events/log-keys.js';
import { collect, drain, removed, tamper, withDirectory, withLog, writeCommits } from './log-fixture.js';

const COMMITS = [3, 4, 2];
const STARTS = [0, 3, 7, 9];

function withDamaged(
  change: Parameters<typeof tamper>[1],
  use: (location: string) => Promise<unknown>,
): Promise<unknown> {
  return withDirectory(async (location) => {
    await writeCommits(location, COMMITS);
    await tamper(location, change);
    return use(location);
  });
}

const naming = (code: string, position: number) => ({
  code,
  message: expect.stringMatching(new RegExp(`\\b${position}\\b`)),
});

describe('opening', () => {
  test('a log whose last event is missing is LOG_GAP', () =>
    withDamaged(
      (level) => level.del(eventKey(8)),
      (location) => expect(EventLog.open(location)).rejects.toMatchObject(naming('LOG_GAP', 8)),
    ));

  test('a log with an event beyond its last commit is LOG_DAMAGED', () =>
    withDamaged(
      (level) => level.put(eventKey(9), Buffer.from(encodeEvent(removed(1)[0]!))),
      (location) => expect(EventLog.open(location)).rejects.toMatchObject(naming('LOG_DAMAGED', 9)),
    ));

  test('a log that lost its last commit record is LOG_DAMAGED', () =>
    withDamaged(
      (level) => level.del(commitKey(7)),
      (location) => expect(EventLog.open(location)).rejects.toMatchObject(naming('LOG_DAMAGED', 8)),
    ));

  test.each(['', 'ff', '8601', '860207'])('a last commit record of the bytes %j is LOG_DAMAGED', (bytes) =>
    withDamaged(
      (level) => level.put(commitKey(7), Buffer.from(bytes, 'hex')),
      (location) => expect(EventLog.open(location)).rejects.toMatchObject(naming('LOG_DAMAGED', 7)),
    ),
  );

  test('a commit record with hashes for another size is LOG_DAMAGED', () =>
    withDamaged(
      (level) =>
        level.put(
          commitKey(7),
          encodeCommit({ format: 2, first: 7, count: 2, timeMs: 0, operation: 0, range: [] }),
        ),
      (location) => expect(EventLog.open(location)).rejects.toMatchObject(naming('LOG_DAMAGED', 7)),
    ));

  test('a newer format is NEWER_FORMAT, exit 6', () =>
    withDamaged(
      (level) => level.put(FORMAT_KEY, Buffer.from('3')),
      (location) =>
        expect(EventLog.open(location)).rejects.toMatchObject({ code: 'NEWER_FORMAT', exitCode: 6 }),
    ));

  test('a log that lost its format record is LOG_DAMAGED', () =>
    withDamaged(
      (level) => level.del(FORMAT_KEY),
      (location) => expect(EventLog.open(location)).rejects.toMatchObject({ code: 'LOG_DAMAGED' }),
    ));

  test('a refused log is not left held', () =>
    withDamaged(
      (level) => level.del(eventKey(8)),
      async (location) => {
        await expect(EventLog.open(location)).rejects.toMatchObject({ code: 'LOG_GAP' });
        await expect(EventLog.open(location)).rejects.toMatchObject({ code: 'LOG_GAP' });
      },
    ));

  test('a manifest that is gone is LOG_DAMAGED', () =>
    withDirectory(async (location) => {
      await writeCommits(location, COMMITS);
      for (const name of readdirSync(location)) if (name.startsWith('MANIFEST')) rmSync(join(location, name));
      await expect(EventLog.open(location)).rejects.toMatchObject({
        code: expect.stringMatching(/LOG_DAMAGED|IO_ERROR/),
      });
    }));
});

describe('reading', () => {
  test.each([0, 2, 3, 5])('finds that event %d is missing, in either direction, and by itself', (position) =>
    withDamaged(
      (level) => level.del(eventKey(position)),
      (location) =>
        withLog(location, async (log) => {
          const gap = naming('LOG_GAP', position);
          await expect(drain(log.read())).rejects.toMatchObject(gap);
          await expect(drain(log.readReverse())).rejects.toMatchObject(gap);
          await expect(log.get(position)).rejects.toMatchObject(gap);
          expect(() => log.getSync(position)).toThrow(expect.objectContaining(gap));
        }),
    ),
  );

  test.each([0, 3])('finds that the commit of event %d is missing', (first) =>
    withDamaged(
      (level) => level.del(commitKey(first)),
      (location) =>
        withLog(location, async (log) => {
          await expect(drain(log.read())).rejects.toMatchObject(naming('LOG_DAMAGED', first));
          await expect(drain(log.readReverse())).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
          await expect(log.commitAt(first)).rejects.toMatchObject(naming('LOG_DAMAGED', first));
        }),
    ),
  );

  test('finds that a whole commit is missing', () =>
    withDamaged(
      (level) =>
        level.batch(
          [3, 4, 5, 6]
            .map((at) => ({ type: 'del' as const, key: eventKey(at) }))
            .concat({ type: 'del', key: commitKey(3) }),
        ),
      (location) =>
        withLog(location, (log) => expect(drain(log.read())).rejects.toMatchObject(naming('LOG_GAP', 3))),
    ));

  test('names the commit of an event that does not decode, and gives those before it', () =>
    withDamaged(
      (level) => level.put(eventKey(4), Buffer.from('84010203', 'hex')),
      (location) =>
        withLog(location, async (log) => {
          await expect(drain(log.read())).rejects.toMatchObject(naming('LOG_DAMAGED', 3));
          expect((await collect(log.read({ to: 3 }))).length).toBe(3);
          expect((await collect(log.readReverse({ to: 3 }))).length).toBe(3);
          await expect(log.get(4)).rejects.toMatchObject(naming('LOG_DAMAGED', 3));
          expect((await log.get(2)).position).toBe(2);
          expect(() => log.getSync(4)).toThrow(/fingerprint/);
        }),
    ));

  test('does not take what became an event of an unknown type for that of a newer version', () =>
    withDamaged(
      (level) => level.put(eventKey(4), Buffer.from('82016161', 'hex')),
      (location) =>
        withLog(location, (log) => expect(drain(log.read())).rejects.toMatchObject(naming('LOG_DAMAGED', 3))),
    ));
});

describe('an audit', () => {
  test('of a sound log reports up to its size', () =>
    withDirectory(async (location) => {
      await writeCommits(location, [1500, 3]);
      await withLog(location, async (log) => {
        const checked: number[] = [];
        for await (const progress of log.audit()) checked.push(progress.checked);
        expect(checked).toEqual([1024, 1503]);
      });
    }));

  test('finds an event that was exchanged for another, as reading does', () =>
    withDamaged(
      (level) => level.put(eventKey(4), Buffer.from(encodeEvent(removed(1, 77)[0]!))),
      (location) =>
        withLog(location, async (log) => {
          await expect(drain(log.read())).rejects.toMatchObject(naming('LOG_DAMAGED', 3));
          await expect(drain(log.audit())).rejects.toMatchObject(naming('LOG_DAMAGED', 3));
        }),
    ));

  test('finds a commit record with other hashes', () =>
    withDamaged(
      async (level) => {
        const range = [Buffer.alloc(32), Buffer.alloc(32), Buffer.alloc(32)];
        await level.put(
          commitKey(3),
          encodeCommit({ format: 2, first: 3, count: 4, timeMs: 2000, operation: 0, range }),
        );
      },
      (location) =>
        withLog(location, (log) =>
          expect(drain(log.audit())).rejects.toMatchObject(naming('LOG_DAMAGED', 3)),
        ),
    ));
});

describe('a write that fails', () => {
  test.each([
    ['No space left on device', 'NO_SPACE'],
    ['Read-only file system', 'READ_ONLY'],
    ['Input/output error', 'IO_ERROR'],
  ])('with %j is %s, moves nothing, and closes the log to further appends', (message, code) =>
    withDirectory(async (location) => {
      await writeCommits(location, COMMITS);
      await withLog(location, async (log) => {
        const head = log.head();
        const failure = Object.assign(new Error(`IO error: 000005.log: ${message}`), {
          code: 'LEVEL_IO_ERROR',
        });
        const write = jest.spyOn(ClassicLevel.prototype, 'batch').mockImplementation(() => {
          throw failure;
        });
        const context = { timeMs: 1, operation: 0 };
        await expect(log.append(removed(1), context)).rejects.toMatchObject({ code, cause: failure });
        write.mockRestore();
        await expect(log.append(removed(1), context)).rejects.toMatchObject({ code });
        expect([log.head(), log.lastCommit?.first]).toEqual([head, 7]);
      });
      await withLog(location, async (log) => {
        expect((await log.append(removed(1), { timeMs: 1, operation: 0 })).commit.first).toBe(9);
      });
    }),
  );
});

describe('a torn write-ahead log', () => {
  /** The log's only *.log file holds everything: nothing was compacted yet. */
  function walOf(location: string): string {
    const name = readdirSync(location).find((each) => each.endsWith('.log'));
    return join(location, name!);
  }

  test(
    'leaves a prefix of whole commits, and takes new ones',
    () =>
      withDirectory(async (origin) => {
        await writeCommits(origin, COMMITS);
        const { size } = statSync(walOf(origin));
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 0, max: size }), async (length) => {
            const location = `${origin}-torn-${length}`;
            cpSync(origin, location, { recursive: true });
            truncateSync(walOf(location), length);
            await withLog(location, async (log) => {
              expect(STARTS).toContain(log.size);
              await drain(log.audit());
              const { commit } = await log.append(removed(2), { timeMs: 1, operation: 0 });
              expect(STARTS).toContain(commit.first);
              await drain(log.audit());
            });
            rmSync(location, { recursive: true });
          }),
          { numRuns: 60 },
        );
      }),
    60_000,
  );

  test(
    'with a flipped byte is found at open or by the audit, or leaves a prefix of whole commits',
    () =>
      withDirectory(async (origin) => {
        await writeCommits(origin, COMMITS);
        const { size } = statSync(walOf(origin));
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 0, max: size - 1 }), async (at) => {
            const location = `${origin}-flipped-${at}`;
            cpSync(origin, location, { recursive: true });
            const bytes = readFileSync(walOf(location));
            bytes[at]! ^= 0x40;
            writeFileSync(walOf(location), bytes);
            expect(await outcomeOf(location)).toMatch(/^(LOG_GAP|LOG_DAMAGED|whole)$/);
            rmSync(location, { recursive: true });
          }),
          { numRuns: 60 },
        );
      }),
    60_000,
  );

  async function outcomeOf(location: string): Promise<string> {
    try {
      return await withLog(location, async (log) => {
        await drain(log.audit());
        return STARTS.includes(log.size) ? 'whole' : `torn at ${log.size}`;
      });
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }
});
