/** A pull that is killed anywhere in a run of renames, and goes on: the tree is the fold, name by name. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from 'hkfs';
import { HEAVY, runs } from '../projections/property.js';
import { collect, withScratch } from '../archive/scratch.js';
import { hkfs } from './hkfs.js';

const NAMES = ['a', 'b', 'c', 'd', 'd/a', 'd/b', 'd/c', 'e', 'e/d', 'f', 'g'] as const;
const step = fc.record({
  from: fc.constantFrom(...NAMES),
  to: fc.constantFrom(...NAMES),
  act: fc.constantFrom('move', 'move', 'move', 'move', 'remove', 'undo', 'new'),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What cannot be done as things stand is left out. */
async function play(archive: Archive, { from, to, act }: Step, source: string, turn: number): Promise<void> {
  try {
    if (act === 'move') await archive.move({ from, to, force: true });
    else if (act === 'remove') await archive.remove({ paths: [from] });
    else if (act === 'undo') await archive.undo({});
    else {
      // Beside the first ones, where `d` and `e` are directories.
      const file = join(source, 'new', from.replaceAll('/', '-'));
      fs.mkdirSync(join(source, 'new'), { recursive: true });
      fs.writeFileSync(file, `bytes of turn ${turn}`);
      await archive.ingest({ sources: [file] });
    }
  } catch (error) {
    if ((error as Error).name !== 'HkfsError') throw error;
  }
}

interface Clone {
  readonly root: string;
  readonly remote: string;
  readonly directory: string;
}

async function made(directory: string, steps: readonly Step[]): Promise<Clone> {
  const [root, remote, source] = ['archive', 'remote', 'source'].map((name) => join(directory, name));
  fs.mkdirSync(join(source!, 'd'), { recursive: true });
  fs.mkdirSync(join(source!, 'e'));
  for (const name of ['a', 'b', 'c', 'd/a', 'd/b'])
    fs.writeFileSync(join(source!, name), `first bytes of ${name}`);
  await Archive.init(root!);
  const archive = await Archive.open(root!, { mode: 'write' });
  try {
    await archive.ingest({ sources: [`${source!}/`], to: '' });
    await archive.addRemote({ name: 'disk', url: remote! });
    await archive.backup({ remote: 'disk' });
    expect(hkfs(['clone', remote!, join(directory, 'first')]).status).toBe(0);
    for (const [turn, each] of steps.entries()) await play(archive, each, source!, turn);
    await archive.tag({ name: 'news' });
    await archive.backup({ remote: 'disk' });
  } finally {
    await archive.close();
  }
  return { root: root!, remote: remote!, directory };
}

const filesBelow = (directory: string): string[] =>
  fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== '.hkfs' && !name.startsWith('.hkfs/'))
    .sort();

/** A copy of the first clone, in which a pull is killed at the `at`-th operation; and then any writer comes. */
async function pullKilled({ root, directory }: Clone, failpoint: string, name: string): Promise<boolean> {
  const clone = join(directory, name);
  execFileSync('cp', ['-a', join(directory, 'first'), clone]);
  const killed = hkfs(['pull', '-a', clone], { env: { HKFS_FAILPOINT: failpoint } });
  if (killed.status !== null) expect(killed).toMatchObject({ status: 0 });
  expect(hkfs(['pull', '-a', clone])).toMatchObject({ status: 0 });
  const archive = await Archive.open(clone);
  const paths = (await collect(archive.ls('', { recursive: true }))).map(({ path }) => path).sort();
  await archive.close();
  expect(filesBelow(clone)).toEqual(paths);
  for (const path of paths)
    if (fs.lstatSync(join(root, path)).isFile())
      expect(fs.readFileSync(join(clone, path), 'utf8')).toBe(fs.readFileSync(join(root, path), 'utf8'));
  expect(hkfs(['verify', '-a', clone])).toMatchObject({ status: 0 });
  return killed.status === null;
}

async function everyKill(steps: readonly Step[], kills: number): Promise<void> {
  await withScratch(async (directory) => {
    const clone = await made(directory, steps);
    for (let at = 1; at <= kills; at += 1)
      if (!(await pullKilled(clone, `tree.apply=kill@${at}`, `clone-${at}`))) break;
    for (const step of ['tree.secured', 'tree.sync', 'tree.synced'])
      await pullKilled(clone, `${step}=kill`, step);
  });
}

const move = (from: Step['from'], to: Step['to']): Step => ({ from, to, act: 'move' });

test.each([
  ['a chain of one thing', [move('a', 'f'), move('f', 'g'), move('b', 'f'), move('g', 'a'), move('f', 'g')]],
  ['a swap', [move('a', 'f'), move('b', 'a'), move('f', 'b')]],
  ['a directory there and back, and what is in it', [move('d', 'f'), move('f', 'd'), move('d/a', 'd/c')]],
] as [string, Step[]][])('%s, killed at every operation', (_title, steps) => everyKill(steps, 9), 300_000);

test(
  'random runs of changes, killed at some operation',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 12, size: 'max' }),
        fc.integer({ min: 1, max: 12 }),
        async (steps, at) => {
          await withScratch(async (directory) => {
            const clone = await made(directory, steps);
            await pullKilled(clone, `tree.apply=kill@${at}`, 'clone');
          });
        },
      ),
      runs(3, 60),
    );
  },
  HEAVY ? 3_000_000 : 200_000,
);
