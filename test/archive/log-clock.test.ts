/** A clock that was 80 years ahead once, and is right again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Archive, type Message } from 'hkfs';
import { hkfs } from '../e2e/hkfs.js';
import { collect, withArchive, type Scratch } from './scratch.js';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const AHEAD = 80 * 365 * DAY;

interface Jumped extends Scratch {
  readonly clock: { ms: number };
  readonly ingest: (name: string) => Promise<void>;
}

/** Day 0: `before`. Day 1, the clock 80 years ahead: `ahead`. Day 2: `after`, the clock right. */
async function withJump(use: (jumped: Jumped) => Promise<void>): Promise<void> {
  const clock = { ms: START };
  await withArchive(
    async (scratch) => {
      const ingest = async (name: string): Promise<void> => {
        const file = join(scratch.source, name);
        writeFileSync(file, `bytes of ${name}`);
        await scratch.archive.ingest({ sources: [file] });
      };
      await ingest('before');
      clock.ms = START + DAY + AHEAD;
      await ingest('ahead');
      clock.ms = START + 2 * DAY;
      await ingest('after');
      await use({ ...scratch, clock, ingest });
    },
    () => clock.ms,
  );
}

const iso = (ms: number): string => new Date(ms).toISOString();

describe('after a clock was 80 years ahead', () => {
  test('now is the newest state, and times before and after the jump mean what was there then', async () => {
    await withJump(async ({ archive, clock }) => {
      const names = async (at: string): Promise<string[]> =>
        (await collect(archive.ls('', { at }))).map(({ path }) => path).sort();
      clock.ms = START + 10 * DAY;
      expect(await names('now')).toEqual(['after', 'ahead', 'before']);
      expect(await names('2 days ago')).toEqual(['after', 'ahead', 'before']);
      expect(await names(iso(START + DAY / 2))).toEqual(['before']);
      expect((await archive.resolveMoment('now')).time).toBe(iso(START + 2 * DAY));
    });
  });

  test('operations have the times that the clock said', async () => {
    await withJump(async ({ archive }) => {
      const times = (await collect(archive.ops())).map(({ started, ended }) => [started, ended]);
      const [first, jumped, last] = [START, START + DAY + AHEAD, START + 2 * DAY].map(iso);
      expect(times).toHaveLength(3);
      for (const time of [first, jumped, last]) expect(times).toContainEqual([time, time]);
    });
  });

  test('gc collects what is old by the clock since, and nothing younger', async () => {
    await withJump(async ({ archive, clock, ingest }) => {
      await archive.remove({ paths: ['ahead'] });
      await ingest('one'); // the last change of names is what `undo` may want
      await archive.move({ from: 'one', to: 'two' });
      clock.ms += 29 * DAY;
      expect(await archive.gc()).toMatchObject({ objects: 0, kept: { recent: 1 } });
      clock.ms += 2 * DAY;
      expect(await archive.gc()).toMatchObject({ objects: 1 });
    });
  });

  test('verify --older-than reads what was not read for so long, and not what was', async () => {
    await withJump(async ({ archive, clock }) => {
      clock.ms += 5 * DAY;
      expect(await archive.verify({ olderThanMs: clock.ms - 4 * DAY })).toMatchObject({ objects: 3 });
      clock.ms += DAY;
      expect(await archive.verify({ olderThanMs: clock.ms - 4 * DAY })).toMatchObject({ objects: 0 });
      clock.ms += 4 * DAY;
      expect(await archive.verify({ olderThanMs: clock.ms - 4 * DAY })).toMatchObject({ objects: 3 });
    });
  });

  test('whoever opens the archive is warned, and nobody where it is less than a day', async () => {
    await withJump(async ({ archive, root, clock }) => {
      await archive.close();
      const opened = async (mode: 'read' | 'write', ms: number): Promise<string[]> => {
        const messages: Message[] = [];
        const onMessage = (message: Message): number => messages.push(message);
        await (await Archive.open(root, { mode, clock: () => ms, onMessage })).close();
        return messages.map(({ code }) => code);
      };
      expect(await opened('read', clock.ms)).toEqual(['CLOCK_DISAGREES']);
      expect(await opened('write', clock.ms)).toEqual(['CLOCK_DISAGREES']);
      expect(await opened('write', clock.ms + AHEAD - DAY / 2)).toEqual([]);
      for (const words of [['ls'], ['ops'], ['verify'], ['ls', '--at', 'now'], ['head']])
        expect(hkfs([...words, '-a', root])).toMatchObject({
          status: 0,
          stderr: expect.stringContaining('[CLOCK_DISAGREES]'),
        });
      await Archive.open(root).then((again) => again.close());
    });
  });

  test('a log of a program that kept no readings has its plateau now, and grows old from the next operation', async () => {
    await withJump(async ({ archive, clock }) => {
      // Of `ahead` nothing is known but that it was before `after` read the clock.
      clock.ms = START + 3 * DAY;
      const { time } = await archive.resolveMoment('op:2');
      expect(time).toBe(iso(START + 2 * DAY));
    });
  });
});
