/** Ctrl-C in the middle: the first stops cleanly, the second at once. */
import { mkdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { describe as say, hkfs, withArchive, type Ended } from './hkfs.js';
import { isStopped } from './paused.js';
import { heavyTest, randomFrom, seed } from './random.js';
import { expectHolds, expectMended, expectSound, ingestOnce, operationsOf } from './soundness.js';
import { makeSource, snapshotOf } from './source-tree.js';

/** Interrupts while the process stands still at a step, so that no time has to be guessed. */
function interruptAt(step: string, args: readonly string[], signals: number): Promise<Ended> {
  let sent = 0;
  return hkfs(args, {
    failpoint: `${step}=pause@2`,
    onStart: (child) => {
      const interruptWhenStopped = async (): Promise<void> => {
        await isStopped(child.pid!);
        sent += 1;
        child.kill('SIGINT');
        child.kill('SIGCONT');
      };
      void interruptWhenStopped();
    },
    onStderr: (text, child) => {
      if (!text.includes('stopping cleanly') || sent >= signals) return;
      sent += 1;
      child.kill('SIGINT');
    },
  });
}

test(
  'SIGINT: exit 130, how to go on, an interrupted operation with counts, and the same command goes on',
  () =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), twoBatches: true });
      const snapshot = snapshotOf(source, 'source');

      const ended = await interruptAt('commit.append', ['ingest', source, '-a', archive], 1);
      expect(say(ended)).toMatch(/^ended with 130\n/);
      expect(ended.stderr).toMatch(/^hkfs: stopping cleanly; again to stop at once$/m);
      expect(ended.stderr).toMatch(/\[INTERRUPTED\]\nhint: the same command again goes on/);
      const [operation] = await operationsOf(archive);
      expect(operation).toMatchObject({ status: 'interrupted', reason: 'interrupted' });
      expect(Object.keys(operation!.counts)).toEqual(expect.arrayContaining(['files', 'bytes', 'failed']));
      await expectMended(archive);

      await ingestOnce(archive, source, 'copy');
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }),
  60_000,
);

heavyTest(
  'a second SIGINT ends at once with exit 130, and the same command goes on',
  () =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), twoBatches: true });
      const snapshot = snapshotOf(source, 'source');

      const ended = await interruptAt('commit.append', ['ingest', source, '-a', archive], 2);
      expect(say(ended)).toMatch(/^ended with 130\n/);
      expect((await operationsOf(archive)).at(-1)?.status).toBe('interrupted');
      await expectMended(archive);
      await ingestOnce(archive, source, 'copy');
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }),
  60_000,
);
