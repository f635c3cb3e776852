import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Level } from '../../src/events/level.js';
import type { EventLog } from '../../src/events/log.js';
import { subtreeKey } from '../../src/events/log-keys.js';
import { consistencyProof, inclusionProof, rootAt } from '../../src/events/log-proofs.js';
import { leafHash } from '../../src/events/merkle.js';
import { collect, removed, tamper, withDirectory, withLog, writeCommits } from './log-fixture.js';
import * as twin from './merkle-twin.js';

const ALL_ROWS = { gte: subtreeKey(0, 0), lt: subtreeKey(255, 0) };
const hex = (hashes: readonly Uint8Array[]): string[] =>
  hashes.map((each) => Buffer.from(each).toString('hex'));

async function leafHashes(log: EventLog): Promise<Buffer[]> {
  return (await collect(log.read())).map(({ bytes }) => leafHash(bytes));
}

async function rowsOf(location: string): Promise<string[]> {
  let rows: string[] = [];
  await tamper(location, async (level: Level) => {
    rows = (await level.iterator(ALL_ROWS).all()).map(
      ([key, value]) => `${key.toString('hex')} ${hex([value])[0]}`,
    );
  });
  return rows;
}

/** Everything that can be proved at these sizes, compared with the proofs of RFC 6962 over all leaves. */
async function expectProofs(log: EventLog, picks: readonly number[]): Promise<void> {
  const leaves = await leafHashes(log);
  for (const pick of picks) {
    const size = 1 + (pick % log.size);
    const [position, older] = [(pick * 7) % size, 1 + ((pick * 13) % size)];
    expect(hex(await inclusionProof(log, position, size))).toEqual(
      hex(twin.inclusionProof(leaves.slice(0, size), position)),
    );
    expect(hex(await consistencyProof(log, older, size))).toEqual(
      hex(twin.consistencyProof(leaves, older, size)),
    );
    expect(hex([await rootAt(log, older)])).toEqual(hex([twin.treeRoot(leaves.slice(0, older))]));
  }
}

const commits = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 200, max: 700 })), {
  minLength: 1,
  maxLength: 5,
});
const picks = fc.array(fc.nat(1_000_000), { minLength: 4, maxLength: 4 });

describe('proofs from kept subtrees', () => {
  test('are those of RFC 6962 over all leaves, whatever the commits', async () => {
    await fc.assert(
      fc.asyncProperty(commits, picks, (counts, chosen) =>
        withDirectory(async (location) => {
          await writeCommits(location, counts);
          await withLog(location, (log) => expectProofs(log, chosen));
        }),
      ),
      { numRuns: 15 },
    );
  });

  test('are the same where no rows, or only some of them, were written with the commits', async () => {
    await fc.assert(
      fc.asyncProperty(commits, commits, picks, (before, after, chosen) =>
        withDirectory(async (location) => {
          await writeCommits(location, before);
          await tamper(location, (level) => level.clear(ALL_ROWS));
          await writeCommits(location, after);
          await withLog(location, (log) => expectProofs(log, chosen));
        }),
      ),
      { numRuns: 10 },
    );
  });

  test('rows filled in later are those written with the commits, byte for byte', async () => {
    await withDirectory(async (location) => {
      await writeCommits(location, [300, 1, 2000, 255, 1]);
      const written = await rowsOf(location);
      expect(written).toHaveLength(9 + 4 + 2 + 1);
      await tamper(location, (level) => level.clear(ALL_ROWS));
      await withLog(location, (log) => log.tree.fill(log.size));
      expect(await rowsOf(location)).toEqual(written);
    });
  });

  test('no row is written with a commit while earlier ones lack', async () => {
    await withDirectory(async (location) => {
      await writeCommits(location, [600]);
      await tamper(location, (level) => level.clear(ALL_ROWS));
      await writeCommits(location, [600]);
      expect(await rowsOf(location)).toEqual([]);
    });
  });

  test('appends while rows are filled in leave no hole', async () => {
    await withDirectory(async (location) => {
      await writeCommits(location, [3000]);
      await tamper(location, (level) => level.clear(ALL_ROWS));
      await withLog(location, async (log) => {
        const filling = log.tree.fill(log.size);
        for (let at = 0; at < 8; at += 1)
          await log.append(removed(300, log.size), { timeMs: 9000, operation: 0 });
        await filling;
        await expectProofs(log, [5399, 3100, 17]);
      });
    });
  });

  test.each([
    ['altered', (level: Level) => level.put(subtreeKey(10, 0), Buffer.alloc(32, 7))],
    ['altered at its lowest', (level: Level) => level.put(subtreeKey(8, 3), Buffer.alloc(32, 7))],
    ['lost', (level: Level) => level.del(subtreeKey(9, 1))],
    ['cut', (level: Level) => level.put(subtreeKey(8, 0), Buffer.alloc(3))],
    ['ahead of the log', (level: Level) => level.put(subtreeKey(8, 4000), Buffer.alloc(32))],
  ])('a row that is %s is noticed, and all are made again', async (_what, damage) => {
    await withDirectory(async (location) => {
      await writeCommits(location, [1300, 700]);
      const before = await rowsOf(location);
      await tamper(location, damage);
      await writeCommits(location, [100, 100]);
      await withLog(location, async (log) => {
        const leaves = await leafHashes(log);
        for (let position = 0; position < log.size; position += 100)
          expect(hex(await inclusionProof(log, position, log.size))).toEqual(
            hex(twin.inclusionProof(leaves, position)),
          );
      });
      expect((await rowsOf(location)).length).toBeGreaterThanOrEqual(before.length);
    });
  });

  test('an altered event is told as damage, and no false proof is given', async () => {
    await withDirectory(async (location) => {
      await writeCommits(location, [600, 400]);
      await withLog(location, async (log) => {
        const { bytes } = await log.get(700);
        await log.close();
        await tamper(location, (level) =>
          level.put(Buffer.from('00000000000002bd', 'hex'), Buffer.from(bytes)),
        );
      });
      await withLog(location, async (log) => {
        await expect(inclusionProof(log, 701, log.size)).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
        await expect(consistencyProof(log, 650, log.size)).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
      });
    });
  });

  test('about what is not in the log are refused', async () => {
    await withDirectory(async (location) => {
      await writeCommits(location, [10]);
      await withLog(location, async (log) => {
        await expect(inclusionProof(log, 10, 10)).rejects.toThrow(RangeError);
        await expect(consistencyProof(log, 0, 10)).rejects.toThrow(RangeError);
        await expect(consistencyProof(log, 5, 11)).rejects.toThrow(RangeError);
      });
    });
  });
});
