/**
 * Errors of a file system at each call that a command makes, on the side of the archive and of what it reads or
 * writes: a command ends with a code and a line, never with 0 where something was not done, never with 70; the
 * archive is sound, and the same command goes on.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { EntryRow, IngestSummary } from '../../src/archive/api.js';
import { whyNoFaultDisk, withFaultDisk } from './fault/fault-disk.js';
import { casesOf, countCalls, ERRNOS, makeWorld, tryCase } from './fault/matrix.js';
import { filesOf, makeFiles, must, TRIALS } from './fault/trials.js';
import { describe as say, hkfs, rows } from './hkfs.js';
import { below, isHeavy, printSeed, randomFrom, seed } from './random.js';

const reason = whyNoFaultDisk();
if (reason === null) printSeed('faults of a disk');
else process.stderr.write(`skipped in test/crash: faults of a disk: ${reason}\n`);
const faultTest = reason === null ? test : test.skip;

const few = [
  TRIALS[below(randomFrom(seed), 4)]!,
  TRIALS[4 + below(randomFrom(seed + 1), TRIALS.length - 4)]!,
];
const LIGHT_CASES = 1;

for (const [index, trial] of TRIALS.entries())
  if (isHeavy || few.includes(trial))
    faultTest(
      `${trial.name}: whatever call fails with whatever errno is told, and the same command goes on`,
      () =>
        withFaultDisk(async (disk) => {
          const random = randomFrom(seed + index);
          const world = await makeWorld(disk);
          const all = casesOf(await countCalls(trial, world), seed, random);
          const cases = isHeavy
            ? all
            : Array.from({ length: LIGHT_CASES }, () => all[below(random, all.length)]!);
          const wrong: string[] = [];
          let n = 0;
          for (const fault of cases) {
            n += 1;
            const found = await tryCase(trial, { ...world, n }, fault);
            wrong.push(...found);
            if (found.length > 0) {
              process.stderr.write(`${found.join('\n')}\n`);
              await makeWorld(disk);
            }
          }
          expect({ seed, cases: cases.length, wrong }).toEqual({ seed, cases: cases.length, wrong: [] });
        }),
      isHeavy ? 2_400_000 : 120_000,
    );

const CALLS_OF_SOURCE = isHeavy ? (['getattr', 'open', 'read', 'listxattr'] as const) : (['read'] as const);
faultTest(
  'one source that fails with any errno is listed, and the rest is taken in',
  () =>
    withFaultDisk(async (disk) => {
      const { archive } = await makeWorld(disk);
      let n = 0;
      for (const call of CALLS_OF_SOURCE)
        for (const errno of isHeavy ? ERRNOS : [ERRNOS[seed % ERRNOS.length]!]) {
          n += 1;
          makeFiles(join(disk.behind, 'src', `s${n}`), n);
          disk.inject([{ call, errno, path: `/src/s${n}/one` }]);
          const ended = await hkfs(['ingest', join(disk.path, 'src', `s${n}`), '--json', '-a', archive]);
          const [hits] = disk.clear();
          if (hits!.failed === 0) continue;
          const what = { seed, call, errno };
          expect({ ...what, said: say(ended) }).toEqual({
            ...what,
            said: expect.stringMatching(/^ended with 3\n/),
          });
          const { failed } = JSON.parse(ended.stdout) as IngestSummary;
          expect({ ...what, failed }).toMatchObject({ ...what, failed: [{ code: errno }] });
          const names = await rows<EntryRow>(['ls', '-R', '/', '-a', archive]);
          const taken = names.filter(({ path, kind }) => kind === 'file' && path.startsWith(`s${n}/`));
          expect({ ...what, taken: taken.length }).toEqual({ ...what, taken: filesOf(n).size - 1 });
        }
    }),
  600_000,
);

faultTest('reads that give less than was asked for are read on', () =>
  withFaultDisk(async (disk) => {
    const { archive } = await makeWorld(disk);
    makeFiles(join(disk.behind, 'src/s1'), 1);
    disk.inject([], { short: { path: '/src/*', bytes: 3000 } });
    await must(['ingest', join(disk.path, 'src/s1'), '-a', archive]);
    disk.inject([], { short: { path: '/a/.hkfs/objects/*', bytes: 3000 } });
    await must(['verify', '-a', archive]);
    await must(['restore', 's1/', '--to', join(disk.path, 'out'), '-a', archive]);
    await must(['backup', 'disk', '-a', archive]);
    await must(['export', 's1', '-o', join(disk.path, 's1.tar'), '-a', archive]);
    disk.inject([], { short: { path: '/remote/*', bytes: 3000 } });
    await must(['clone', join(disk.path, 'remote'), join(disk.path, 'clone')]);
    disk.clear();
    for (const [name, text] of filesOf(1))
      expect({ name, text: readFileSync(join(disk.behind, 'clone/s1', name), 'utf8') }).toEqual({
        name,
        text,
      });
    for (const [name, text] of filesOf(1))
      expect({ name, text: readFileSync(join(disk.behind, 'out', name), 'utf8') }).toEqual({ name, text });
  }),
);

faultTest('what is too large for a file system is told by name, and all else is there', () =>
  withFaultDisk(async (disk) => {
    const { archive } = await makeWorld(disk);
    disk.inject([], { fileSize: 64 << 10 });
    const restored = await hkfs(['restore', 'base/', '--to', join(disk.path, 'out'), '-a', archive]);
    expect(say(restored)).toMatch(/^ended with 3\n[^]*deep\/large: .*\[EFBIG\]/);
    const exported = await hkfs(['export', 'base', '-o', join(disk.path, 'base.tar'), '-a', archive]);
    expect(say(exported)).toMatch(/^ended with 2\n[^]*\[NO_SPACE\]/);
    disk.clear();
    expect(readdirSync(disk.behind)).not.toContain('base.tar');
    for (const [name, text] of filesOf(-1))
      if (name !== 'deep/large') expect(readFileSync(join(disk.behind, 'out', name), 'utf8')).toBe(text);
    expect(readdirSync(join(disk.behind, 'out/deep')).sort()).toEqual(['twin', 'two names']);
  }),
);

faultTest('where times are multiples of two seconds, nothing changed that did not', () =>
  withFaultDisk(async (disk) => {
    const { archive } = await makeWorld(disk);
    disk.inject([], { seconds: 2 });
    makeFiles(join(disk.behind, 'src/s1'), 1);
    await must(['ingest', join(disk.path, 'src/s1'), '-a', archive]);
    const { stdout } = await must(['sync', '--json', '--yes', '-a', archive]);
    expect(JSON.parse(stdout)).toMatchObject({ renamed: 0, added: 0, removed: 0, changed: 0 });
    await must(['verify', '-a', archive]);
    disk.clear();
  }),
);
