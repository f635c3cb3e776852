/** kill -9 at moments that nobody chose, again and again into one archive while its source goes on changing. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hkfs, row, withScratch } from './hkfs.js';
import { below, isHeavy, printSeed, randomFrom, seed, type Random } from './random.js';
import {
  expectHolds,
  expectMended,
  expectNothingLost,
  expectEqualViews,
  ingestOnce,
  operationsOf,
  type Mode,
} from './soundness.js';
import { bytesOf, makeSource, snapshotOf, writeNew, type Snapshot } from './source-tree.js';

const ROUNDS = isHeavy ? 26 : 3;
const MODES: readonly Mode[] = isHeavy ? ['copy', 'link', 'move', 'assimilate'] : ['link', 'move'];

printSeed('kill at random');

test.each(MODES)(
  `${ROUNDS} kills of a %s at random moments lose nothing, and the archive is sound after each`,
  (mode) =>
    withScratch(async (directory) => {
      const random = randomFrom(seed + MODES.indexOf(mode));
      const [archive, source] = [join(directory, 'archive'), join(directory, 'source')];
      await row(['init', archive]);
      mkdirSync(source);
      makeSource(source, { random, files: 120, twoBatches: isHeavy });
      const expected: Snapshot = new Map(snapshotOf(source, 'source'));
      const limit = await timeOfOneIngest(directory, source);
      for (let round = 0; round < ROUNDS; round += 1) {
        const delay = below(random, limit);
        const killed = await killAfter(delay, ['ingest', source, '--mode', mode, '-a', archive]);
        const last = (await operationsOf(archive)).at(-1);
        const moment = { round, delay, mode };
        if (killed) expect(['interrupted', 'completed', undefined]).toContain(last?.status);
        else expect({ ...moment, status: last?.status }).toEqual({ ...moment, status: 'completed' });
        await expectNothingLost(archive, source, expected);
        await expectMended(archive);
        if (round % 4 === 3) await finish(archive, source, { mode, expected });
        for (const [name, known] of grow(source, round, random)) expected.set(name, known);
      }
      await finish(archive, source, { mode, expected });
    }),
  600_000,
);

async function timeOfOneIngest(directory: string, source: string): Promise<number> {
  const archive = join(directory, 'measured');
  await row(['init', archive]);
  const started = Date.now();
  await ingestOnce(archive, source, 'copy');
  rmSync(archive, { recursive: true });
  return (Date.now() - started) * 1.2;
}

/** @returns whether it was still running then */
async function killAfter(delay: number, args: readonly string[]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const ended = await hkfs(args, {
    onStart: (child) => (timer = setTimeout(() => child.kill('SIGKILL'), delay)),
  });
  clearTimeout(timer);
  return ended.signal === 'SIGKILL';
}

async function finish(
  archive: string,
  source: string,
  { mode, expected }: { mode: Mode; expected: Snapshot },
): Promise<void> {
  // A move whose source is gone already was killed after its last step.
  mkdirSync(source, { recursive: true });
  await ingestOnce(archive, source, mode);
  await expectHolds(archive, expected);
  // A content that was named by a killed run and is no longer in the source stays untracked.
  await expectMended(archive);
  await expectEqualViews(archive);
}

/** New files and new contents of old ones; what each name is known as from now on. */
function grow(source: string, round: number, random: Random): Snapshot {
  const folder = join(source, 'a/deep');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  for (let i = 0; i < 30; i += 1)
    writeNew(join(folder, `round ${round} file ${i}`), bytesOf(below(random, 9000), random));
  writeNew(join(folder, 'changing'), bytesOf(1 + below(random, 2 ** 21), random));
  const known = snapshotOf(folder, 'source/a/deep');
  for (const name of [...known.keys()]) if (!isOfRound(name, round)) known.delete(name);
  return known;
}

function isOfRound(name: string, round: number): boolean {
  return name.includes(`/round ${round} file `) || name.endsWith('/changing');
}
