/** Whatever bit of a commit record flips in a table whose checksums are right: it is found, or nothing of it shows. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isHkfsError } from '../../src/errors.js';
import { decodeCbor, encodeCbor } from '../../src/events/cbor.js';
import { linkIn, recordHash, withLink } from '../../src/events/commit-chain.js';
import { decodeEvent, encodeEvent } from '../../src/events/codec.js';
import { lastCommitOf } from '../../src/events/commit-scan.js';
import type { Level } from '../../src/events/level.js';
import { EventLog } from '../../src/events/log.js';
import { commitKey, FORMAT_KEY } from '../../src/events/log-keys.js';
import { CompactRange } from '../../src/events/merkle.js';
import { endOf, type StoredCommit } from '../../src/events/segment.js';
import type { HkfsEvent } from '../../src/events/types.js';
import { event as anyEvent } from './arbitraries.js';
import { runs } from '../projections/property.js';
import {
  collect,
  drain,
  operationOf,
  plain,
  removed,
  tamper,
  withDirectory,
  withLog,
} from './log-fixture.js';

interface Made {
  /** Events, and whether the first of them opens an operation. */
  readonly count: number;
  readonly opens: boolean;
  /** Since the commit before it. */
  readonly laterMs: number;
}

const made = fc
  .array(
    fc.record({
      count: fc.integer({ min: 1, max: 5 }),
      opens: fc.boolean(),
      laterMs: fc.integer({ min: 0, max: 100_000 }),
    }),
    { minLength: 2, maxLength: 7 },
  )
  .map((commits): readonly Made[] => commits);

function started(operation: number): HkfsEvent {
  const who = { command: 'x', args: [], user: 'u', host: 'h', sources: [] };
  return { type: 'operation.started', operation, ...who };
}

function* eventsOf(commits: readonly Made[]): Generator<{ events: HkfsEvent[]; timeMs: number }> {
  let [timeMs, operation] = [1_700_000_000_000, 0];
  for (const { count, opens, laterMs } of commits) {
    timeMs += laterMs;
    if (opens) operation += 1;
    yield { timeMs, events: opens ? [started(operation), ...removed(count)] : removed(count) };
  }
}

async function writeNow(location: string, commits: readonly Made[]): Promise<void> {
  await withLog(location, async (log) => {
    for (const { events, timeMs } of eventsOf(commits))
      await log.append(events, { timeMs, operation: operationOf(log, events) });
  });
}

/** As an earlier hkfs wrote it. */
async function writeFormat1(location: string, commits: readonly Made[]): Promise<void> {
  await withLog(location, async (log) => {
    const range = CompactRange.empty();
    for (const { events: given, timeMs } of eventsOf(commits)) {
      const events = given.map((event) => Buffer.from(encodeEvent(event)));
      const first = range.size;
      for (const bytes of events) range.append(bytes);
      const commit = { format: 1 as const, first, count: events.length, timeMs, range: range.hashes };
      const stored: StoredCommit = { events, commit: { ...commit, operation: operationOf(log, given) } };
      expect(await log.adopt([stored])).toBe(1);
    }
  });
}

async function flip(level: Level, pick: { record: number; bit: number }): Promise<boolean> {
  const keys = await level.keys({ gte: commitKey(0), lte: commitKey(Number.MAX_SAFE_INTEGER) }).all();
  const at = pick.record % keys.length;
  const bytes = Buffer.from((await level.get(keys[at]!))!);
  const bit = pick.bit % (bytes.length * 8);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  await level.put(keys[at]!, bytes);
  return at === keys.length - 1;
}

/** What each way of reading gives; a refusal is told apart from an answer. */
async function answers(location: string): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  const note = async (name: string, ask: () => Promise<unknown>): Promise<void> => {
    try {
      found.set(name, await ask());
    } catch (error) {
      if (!isHkfsError(error)) throw error;
      // The last says so of a version that no hkfs of this format can have written.
      expect(['LOG_DAMAGED', 'LOG_GAP', 'UNKNOWN_EVENT']).toContain(error.code);
    }
  };
  let log: EventLog | undefined;
  await note('open', async () => void (log = await EventLog.open(location)));
  if (log === undefined) return found;
  const { size } = log;
  await note('read', async () => (await collect(log!.read())).map(plain));
  await note('lazily', async () =>
    (await collect(log!.read({ lazy: true }))).map(({ timeMs, operation }) => [timeMs, operation]),
  );
  await note('backwards', async () => (await collect(log!.readReverse())).map(plain));
  await note('audit', () => drain(log!.audit()));
  await note('stored', async () => {
    const all: unknown[] = [];
    for await (const { commit } of log!.readStored()) all.push([recordHash(commit).toString('hex')]);
    return all;
  });
  for (let at = 0; at < size; at += 1) {
    await note(`get ${at}`, async () => plain(await log!.get(at)));
    await note(`head ${at}`, () => log!.headAt(at));
  }
  await log.close();
  return found;
}

async function compare(
  write: typeof writeNow,
  given: readonly Made[],
  pick: { record: number; bit: number },
): Promise<{ isLast: boolean; isFound: boolean; isWrong: string }> {
  let result = { isLast: false, isFound: false, isWrong: '' };
  await withDirectory(async (location) => {
    await write(location, given);
    const before = await answers(location);
    await tamper(location, async (level) => void (result.isLast = await flip(level, pick)));
    const after = await answers(location);
    const wrong = [...after].filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(before.get(name)),
    );
    const isFound = ['read', 'audit', 'stored', 'backwards', 'lazily'].every((name) => !after.has(name));
    result = { ...result, isFound, isWrong: wrong.map(([name]) => name).join() };
  });
  return result;
}

const where = fc.record({ record: fc.nat(), bit: fc.nat() });

describe('a bit that flips in a commit record', () => {
  test('of format 2 is found by all that read it, unless it is the last one', async () => {
    await fc.assert(
      fc.asyncProperty(made, where, async (given, pick) => {
        const { isLast, isFound, isWrong } = await compare(writeNow, given, pick);
        if (!isLast) expect({ isFound, isWrong }).toEqual({ isFound: true, isWrong: '' });
      }),
      runs(12, 500),
    );
  });

  test('of format 1 is found, or is a time between those of its neighbours', async () => {
    await fc.assert(
      fc.asyncProperty(made, where, async (given, pick) => {
        const { isLast, isFound, isWrong } = await compare(writeFormat1, given, pick);
        if (isFound || isLast || isWrong === '') return;
        // Only a time can be wrong, and only by less than the time between two commits.
        expect(isWrong).not.toMatch(/head|open|audit/);
        await withDirectory(async (location) => {
          await writeFormat1(location, given);
          const before = await times(location);
          await tamper(location, async (level) => void (await flip(level, pick)));
          const after = await times(location);
          const at = after.findIndex(([time], index) => time !== before[index]![0]);
          expect(after.map(([, operation]) => operation)).toEqual(before.map(([, operation]) => operation));
          expect(after[at]![0]).toBeGreaterThanOrEqual(before[at - 1]?.[0] ?? 0);
          expect(after[at]![0]).toBeLessThanOrEqual(after.at(-1)![0]);
        });
      }),
      runs(12, 500),
    );
  });
});

async function times(location: string): Promise<[number, number][]> {
  return withLog(location, async (log) =>
    (await collect(log.read())).map(({ timeMs, operation }) => [timeMs, operation]),
  );
}

describe('the link of an event', () => {
  test('comes back, changes nothing of the event, and is canonical CBOR', () => {
    fc.assert(
      fc.property(anyEvent, fc.uint8Array({ minLength: 32, maxLength: 32 }), (event, hash) => {
        const bare = Buffer.from(encodeEvent(event));
        const linked = withLink(bare, hash);
        expect(linkIn(bare)).toBeNull();
        expect(linkIn(linked)).toEqual(Buffer.from(hash));
        expect(decodeEvent(linked, 0)).toEqual(decodeEvent(bare, 0));
        expect(encodeCbor(decodeCbor(linked) as unknown[])).toEqual(Uint8Array.from(linked));
        expect(() => withLink(linked, hash)).toThrow(TypeError);
      }),
      runs(100),
    );
  });

  test('of other than 32 bytes is LOG_DAMAGED', () => {
    const bytes = encodeCbor([2, 'path.removed', 3, Buffer.from('x'), Buffer.alloc(31)]);
    expect(() => decodeEvent(bytes, 7)).toThrow(expect.objectContaining({ code: 'LOG_DAMAGED' }));
  });
});

describe('a log of format 1', () => {
  test('is of format 2 with its next commit, whose first event has the hash of the record before', () =>
    withDirectory(async (location) => {
      await writeFormat1(location, [
        { count: 3, opens: true, laterMs: 0 },
        { count: 2, opens: false, laterMs: 5 },
      ]);
      const old = await withLog(location, (log) => collect(log.read()));
      await tamper(location, async (level) => expect(String(await level.get(FORMAT_KEY))).toBe('1'));
      await withLog(location, async (log) => {
        const before = log.lastCommit!;
        const { commit, records } = await log.append(removed(2), { timeMs: 1, operation: before.operation });
        expect(commit).toMatchObject({ format: 2, first: endOf(before) });
        const [first, second] = records.map(({ bytes }) => Buffer.from(bytes));
        expect(first!.subarray(-32)).toEqual(recordHash(before));
        expect(decodeEvent(first!, 6)).toEqual(removed(1)[0]);
        expect(second).toEqual(Buffer.from(encodeEvent(removed(2)[1]!)));
        expect((await collect(log.read())).slice(0, old.length).map(plain)).toEqual(old.map(plain));
        await drain(log.audit());
      });
      await tamper(location, async (level) => {
        expect(String(await level.get(FORMAT_KEY))).toBe('2');
        expect((await lastCommitOf(level))!.format).toBe(2);
      });
    }));

  test('takes no commit of format 1 any more once it has one of format 2', () =>
    withDirectory(async (location) => {
      await writeNow(location, [
        { count: 1, opens: false, laterMs: 0 },
        { count: 1, opens: false, laterMs: 0 },
      ]);
      await withLog(location, async (log) => {
        const range = CompactRange.from(log.size, log.lastCommit!.range);
        const bytes = Buffer.from(encodeEvent(removed(1)[0]!));
        range.append(bytes);
        const commit = {
          ...log.lastCommit!,
          format: 1 as const,
          first: log.size,
          count: 1,
          range: range.hashes,
        };
        expect(await log.adopt([{ commit, events: [bytes] }])).toBe(0);
      });
    }));

  test('that says 1 of its format where its last commit has 2 is LOG_DAMAGED', () =>
    withDirectory(async (location) => {
      await writeNow(location, [
        { count: 1, opens: false, laterMs: 0 },
        { count: 1, opens: false, laterMs: 0 },
      ]);
      await tamper(location, (level) => level.put(FORMAT_KEY, Buffer.from('1')));
      await expect(EventLog.open(location)).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
    }));
});
