/**
 * One bit, one page, one cut in the files of an archive, of a clone, of a remote and of a bundle: each answer is
 * as before, or is refused with a file and a way out, which is then followed to its end. Never a silent wrong one.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { saved } from './damage.js';
import { describe as say, hkfs, withArchive, type Ended } from './hkfs.js';
import { below, isHeavy, printSeed, randomFrom, seed, type Random } from './random.js';
import { ingestOnce } from './soundness.js';
import { makeSource } from './source-tree.js';

printSeed('rot');

const PAGE = 4096;

type Rot = 'bit' | 'page' | 'cut';
const ROTS: readonly Rot[] = ['bit', 'page', 'cut'];

function rotten(bytes: Buffer, rot: Rot, random: Random): Buffer {
  const at = below(random, bytes.length);
  if (rot === 'cut') return bytes.subarray(0, at);
  const changed = Buffer.from(bytes);
  if (rot === 'bit') changed[at]! ^= 1 << below(random, 8);
  else changed.fill(0, at - (at % PAGE), Math.min(bytes.length, at - (at % PAGE) + PAGE));
  return changed;
}

/** Every file and every kind of rot; of those, a few in the light form. */
function casesOf(files: readonly string[], random: Random, few: number): { file: string; rot: Rot }[] {
  const all = files.flatMap((file) => ROTS.map((rot) => ({ file, rot })));
  if (isHeavy) return all;
  return Array.from({ length: few }, () => all.splice(below(random, all.length), 1)[0]!);
}

function filesBelow(directory: string, wanted: (name: string) => boolean): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => wanted(name) && statSync(join(directory, name)).isFile())
    .filter((name) => statSync(join(directory, name)).size > 0)
    .sort();
}

const QUESTIONS: readonly (readonly string[])[] = [
  ['ls', '-R', '/'],
  ['log'],
  ['ops'],
  ['stat', '/source'],
  ['head', '--signed'],
];

async function answersOf(archive: string): Promise<Ended[]> {
  const answers: Ended[] = [];
  for (const question of QUESTIONS) answers.push(await hkfs([...question, '-a', archive, '--json']));
  return answers;
}

interface Refusal {
  readonly code: string;
  readonly hint: string;
}

/** @returns the first refusal; null where all answers are as before */
function judge(before: readonly Ended[], after: readonly Ended[], moment: object): Refusal | null {
  let refusal: Refusal | null = null;
  for (const [index, ended] of after.entries()) {
    const what = { ...moment, question: QUESTIONS[index]!.join(' ') };
    if (ended.status === 0)
      expect({ ...what, answer: ended.stdout }).toEqual({ ...what, answer: before[index]!.stdout });
    else {
      expect({ ...what, said: say(ended) }).toEqual({
        ...what,
        said: expect.stringMatching(/^ended with [246]\n[^]*"hint":"/),
      });
      refusal ??= (JSON.parse(ended.stderr.trim().split('\n').at(-1)!) as { error: Refusal }).error;
    }
  }
  return refusal;
}

/** Where a refusal names `recover`, it is done, and the names are those of before. */
async function recovered(archive: string, { remote, ls }: { remote: string; ls: string }): Promise<void> {
  const ended = await hkfs(['recover', '--yes', '--from', remote, '-a', archive]);
  expect(say(ended)).toMatch(/^ended with [04]\n/);
  expect((await hkfs(['ls', '-R', '/', '-a', archive, '--json'])).stdout).toBe(ls);
  expect(say(await hkfs(['verify', '-a', archive]))).toMatch(/^ended with 0\n/);
  for (const name of readdirSync(`${archive}/.hkfs`))
    if (name.includes('.damaged-')) rmSync(`${archive}/.hkfs/${name}`, { recursive: true });
}

function withHistory(use: (archive: string, source: string) => Promise<void>): Promise<void> {
  return withArchive(async (archive, source) => {
    mkdirSync(source);
    makeSource(source, { random: randomFrom(seed), files: 40 });
    await ingestOnce(archive, source, 'copy');
    await hkfs(['replay', '-a', archive]);
    writeFileSync(join(source, 'later'), 'later');
    await ingestOnce(archive, source, 'copy');
    await use(archive, source);
  });
}

/** Locks, LevelDB's own words and the note of what was checked are read by nobody who answers. */
const isRead = (name: string): boolean => !/(^|\/)(LOCK|LOG(\.old)?|checked|place)$/.test(name);

test(
  'rot in a file of .hkfs: answers as before, or a refusal whose way out brings them back',
  () =>
    withHistory(async (archive, source) => {
      const own = `${archive}/.hkfs`;
      const remote = `${source} remote`;
      await hkfs(['remote', 'add', 'disk', remote, '-a', archive]);
      expect(say(await hkfs(['backup', 'disk', '-a', archive]))).toMatch(/^ended with 0\n/);
      const state = saved(archive, `${source} saved`);
      const before = await answersOf(archive);
      state.bringBack();
      const random = randomFrom(seed);
      const files = filesBelow(own, (name) => isRead(name) && !/^(objects|damaged)\//.test(name));
      for (const { file, rot } of casesOf(files, random, 5)) {
        const path = join(own, file);
        const good = readFileSync(path);
        writeFileSync(path, rotten(good, rot, random));
        const moment = { seed, file, rot };
        const refusal = judge(before, await answersOf(archive), moment);
        if (refusal?.code === 'VIEWS_DAMAGED') expect((await hkfs(['replay', '-a', archive])).status).toBe(0);
        else if (refusal !== null) {
          if (refusal.hint.includes('hkfs recover'))
            await recovered(archive, { remote, ls: before[0]!.stdout });
          if (!/^(log|views)\//.test(file)) writeFileSync(path, good);
          state.bringBack();
        }
        expect({ ...moment, refusal: judge(before, await answersOf(archive), moment) }).toEqual({
          ...moment,
          refusal: null,
        });
        writeFileSync(path, good);
        state.bringBack();
      }
    }),
  isHeavy ? 1_800_000 : 120_000,
);

test(
  'rot in an object: no bytes but the right ones are handed out, verify names it, and heal brings it back',
  () =>
    withHistory(async (archive, source) => {
      await hkfs(['remote', 'add', 'disk', `${source} remote`, '-a', archive]);
      expect(say(await hkfs(['backup', 'disk', '-a', archive]))).toMatch(/^ended with 0\n/);
      const out = `${source} out`;
      const random = randomFrom(seed);
      const objects = `${archive}/.hkfs/objects`;
      for (const { file, rot } of casesOf(
        filesBelow(objects, () => true),
        random,
        2,
      )) {
        const path = join(objects, file);
        const good = readFileSync(path);
        const bytes = rotten(good, rot, random);
        if (bytes.equals(good)) continue;
        chmodSync(path, 0o644);
        writeFileSync(path, bytes);
        const said = async (...words: string[]): Promise<string> =>
          say(await hkfs([...words, '-a', archive]));
        const steps = {
          restored: await said('restore', 'source/', '--to', out),
          verified: await said('verify'),
          healed: await said('heal'),
          again: await said('restore', 'source/', '--to', out),
          sound: await said('verify'),
        };
        expect({ seed, file, rot, ...steps }).toEqual({
          ...{ seed, file, rot },
          restored: expect.stringMatching(/^ended with 4\n[^]*\[OBJECT_DAMAGED\]\n[^]*hkfs heal/),
          verified: expect.stringMatching(/^ended with 4\n[^]*hkfs heal/),
          healed: expect.stringMatching(/^ended with 0\n/),
          again: expect.stringMatching(/^ended with 0\n/),
          sound: expect.stringMatching(/^ended with 0\n/),
        });
        expect({ seed, file, rot, isGood: readFileSync(path).equals(good) }).toMatchObject({ isGood: true });
        for (const name of filesBelow(source, (each) => !/[^ -~]|dangling|symlink/.test(each)))
          if (!readFileSync(join(source, name)).equals(readFileSync(join(out, name))))
            throw new Error(`${seed} ${file} ${rot}: ${name} was restored with other bytes`);
        rmSync(out, { recursive: true });
        rmSync(`${archive}/.hkfs/damaged`, { recursive: true, force: true });
      }
    }),
  isHeavy ? 1_800_000 : 60_000,
);

test(
  'rot in origin.json: the clone is refused by name, and does not get a history of its own',
  () =>
    withHistory(async (archive, source) => {
      const [remote, clone] = [`${source} remote`, `${source} clone`];
      await hkfs(['remote', 'add', 'disk', remote, '-a', archive]);
      expect(say(await hkfs(['backup', 'disk', '-a', archive]))).toMatch(/^ended with 0\n/);
      expect(say(await hkfs(['clone', remote, clone]))).toMatch(/^ended with 0\n/);
      const head = (await hkfs(['head', '-a', clone])).stdout;
      const path = `${clone}/.hkfs/origin.json`;
      const good = readFileSync(path);
      const random = randomFrom(seed);
      for (let round = 0; round < (isHeavy ? 30 : 6); round += 1) {
        const rot = ROTS[round % ROTS.length]!;
        const bytes = rotten(good, rot, random);
        if (bytes.toString().trim() === good.toString().trim()) continue;
        writeFileSync(path, bytes);
        for (const command of [['verify'], ['pull']]) {
          const ended = await hkfs([...command, '-a', clone]);
          expect({ seed, round, rot, command, said: say(ended) }).toEqual({
            ...{ seed, round, rot, command },
            said: expect.stringMatching(/^ended with 4\n[^]*origin\.json[^]*\[ORIGIN_DAMAGED\]\nhint: /),
          });
        }
        writeFileSync(path, good);
        expect((await hkfs(['head', '-a', clone])).stdout).toBe(head);
      }
    }),
  120_000,
);

test(
  'rot in a file of a remote: a clone is as the archive, or refused; verify --remote --heal mends it',
  () =>
    withHistory(async (archive, source) => {
      const [remote, kept, clone] = [`${source} remote`, `${source} kept`, `${source} clone`];
      await hkfs(['remote', 'add', 'disk', remote, '-a', archive]);
      await hkfs(['backup', 'disk', '-a', archive]);
      const ls = async (root: string): Promise<string> => (await hkfs(['ls', '-R', '/', '-a', root])).stdout;
      const before = await ls(archive);
      cpSync(remote, kept, { recursive: true });
      const random = randomFrom(seed);
      for (const { file, rot } of casesOf(
        filesBelow(remote, () => true),
        random,
        6,
      )) {
        const path = join(remote, file);
        writeFileSync(path, rotten(readFileSync(path), rot, random));
        rmSync(clone, { recursive: true, force: true });
        const ended = await hkfs(['clone', remote, clone]);
        const moment = { seed, file, rot };
        if (ended.status === 0) expect({ ...moment, ls: await ls(clone) }).toEqual({ ...moment, ls: before });
        else
          expect({ ...moment, said: say(ended) }).toEqual({
            ...moment,
            said: expect.stringMatching(/^ended with [246]\n[^]*(\[\w+\]|damaged at the remote)/),
          });
        if (ended.status !== 0) {
          const mended = await hkfs(['verify', '--remote', 'disk', '--heal', '-a', archive]);
          rmSync(clone, { recursive: true, force: true });
          const again = await hkfs(['clone', remote, clone]);
          const ways = { mended: say(mended), again: say(again), ls: await ls(clone) };
          expect({ ...moment, ...ways }).toEqual({
            ...moment,
            mended: expect.stringMatching(/^ended with [04]\n/),
            again: expect.stringMatching(/^ended with 0\n/),
            ls: before,
          });
        }
        rmSync(remote, { recursive: true });
        cpSync(kept, remote, { recursive: true });
      }
    }),
  600_000,
);

test(
  'rot in a bundle: what is made of it is as the archive, or refused',
  () =>
    withHistory(async (archive, source) => {
      const [bundle, clone] = [`${source}.bundle`, `${source} clone`];
      expect(say(await hkfs(['bundle', 'create', bundle, '-a', archive]))).toMatch(/^ended with 0\n/);
      const good = readFileSync(bundle);
      const ls = async (root: string): Promise<string> => (await hkfs(['ls', '-R', '/', '-a', root])).stdout;
      const before = await ls(archive);
      const random = randomFrom(seed);
      for (let round = 0; round < (isHeavy ? 60 : 6); round += 1) {
        const rot = ROTS[round % ROTS.length]!;
        writeFileSync(bundle, rotten(good, rot, random));
        rmSync(clone, { recursive: true, force: true });
        const ended = await hkfs(['clone', bundle, clone]);
        const moment = { seed, round, rot };
        if (ended.status === 0) expect({ ...moment, ls: await ls(clone) }).toEqual({ ...moment, ls: before });
        else
          expect({ ...moment, said: say(ended) }).toEqual({
            ...moment,
            said: expect.stringMatching(/^ended with [246]\n[^]*(\[\w+\]|damaged at the remote)/),
          });
      }
    }),
  600_000,
);
