/** kill -9 at every named step of a restore, then the same restore again; Ctrl-C, and what the disk refuses. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { RestoreSummary } from '../../src/archive/api.js';
import { walkAttributes } from '../e2e/attribute-walk.js';
import { sh } from '../e2e/hkfs.js';
import { describe as say, hkfs, row, withArchive } from './hkfs.js';
import { isStopped } from './paused.js';
import { heavyTest, isHeavy, printSeed, randomFrom, seed } from './random.js';
import { expectRefusal, expectSound, ingestOnce, listingOf } from './soundness.js';
import { makeSource } from './source-tree.js';

type Mode = 'copy' | 'link' | 'equal';
type Round = readonly [mode: Mode, step: string, time: number];

/** `equal`: into a directory that differs, with --delete. Times count in each thread. */
const ROUNDS: readonly Round[] = [
  ...([1, 4] as const).map((time) => ['copy', 'restore.mkdir', time] as const),
  ...([1, 90] as const).map((time) => ['copy', 'restore.step', time] as const),
  ...([1, 60] as const).map((time) => ['copy', 'restore.read', time] as const),
  ...([1, 60] as const).map((time) => ['copy', 'restore.write', time] as const),
  ...([1, 60] as const).map((time) => ['copy', 'restore.written', time] as const),
  ...([1, 60] as const).map((time) => ['copy', 'restore.named', time] as const),
  ...([1, 2] as const).map((time) => ['copy', 'restore.link', time] as const),
  ['copy', 'restore.synced', 1],
  ['link', 'restore.link', 60],
  ['equal', 'restore.remove', 1],
  ['equal', 'restore.written', 3],
  ['equal', 'restore.mkdir', 1],
  ['equal', 'restore.durable', 1],
  ['equal', 'restore.named', 220],
];
const SMALL: readonly Round[] = [
  ['copy', 'restore.written', 60],
  ['equal', 'restore.remove', 1],
  ['equal', 'restore.durable', 1],
];
const ARGS: Readonly<Record<Mode, readonly string[]>> = {
  copy: [],
  link: ['--link'],
  equal: ['--delete', '--yes'],
};

printSeed('restore');

/** An archive of a source, and a target beside them. */
function withRestore(use: (archive: string, source: string, target: string) => Promise<void>): Promise<void> {
  return withArchive(async (archive, source) => {
    fs.mkdirSync(source);
    makeSource(source, { random: randomFrom(seed) });
    await ingestOnce(archive, source, 'copy');
    await use(archive, source, join(source, '../target'));
  });
}

/** Some of the source, some of it changed, and things of a person's own. */
function makeDifferent(source: string, target: string): void {
  sh(`cp -a '${source}' '${target}'`);
  fs.rmSync(join(target, 'a/deep'), { recursive: true });
  for (let i = 0; i < 240; i += 8) fs.writeFileSync(join(target, 'a', `file ${i}`), 'by hand');
  fs.mkdirSync(join(target, 'z/own/deeper'), { recursive: true });
  fs.writeFileSync(join(target, 'z/own/deeper/file'), 'own');
  fs.rmSync(join(target, 'm/symlink'));
  fs.mkdirSync(join(target, 'm/symlink'));
}

function expectEqual(source: string, target: string, mode: Mode): void {
  const [was, is] = [source, target].map((root) => walkAttributes(root));
  // A linked file has the attributes of its object.
  const contents = (tree: typeof was): unknown =>
    Object.entries(tree!).map(([path, { content }]) => [path, content]);
  if (mode === 'link') expect(contents(is)).toEqual(contents(was));
  else expect(is).toEqual(was);
}

test.each(isHeavy ? ROUNDS : SMALL)(
  'a restore (%s) killed at %s the %d. time is finished by the same command, and the archive is as it was',
  (mode, step, time) =>
    withRestore(async (archive, source, target) => {
      if (mode === 'equal') makeDifferent(source, target);
      const objects = listingOf(`${archive}/.hkfs/objects`);
      const args = ['restore', 'source/', '--to', target, '-a', archive, ...ARGS[mode]];

      const killed = await hkfs(args, { failpoint: `${step}=kill@${time}` });
      expect({ signal: killed.signal, why: killed.signal ? '' : say(killed) }).toEqual({
        ...{ signal: 'SIGKILL', why: '' },
      });
      expectNothingHalf(source, target);

      const { failed } = await row<RestoreSummary>(args);
      expect(failed).toEqual([]);
      expectEqual(source, target, mode);
      if (mode !== 'link') expect(listingOf(`${archive}/.hkfs/objects`)).toEqual(objects);
      await expectSound(archive);
    }),
  60_000,
);

/** A name is not there, as it was before, or complete. */
function expectNothingHalf(source: string, target: string): void {
  if (!fs.existsSync(target)) return;
  const wanted = walkAttributes(source);
  for (const [path, { content }] of Object.entries(walkAttributes(target))) {
    const isOurs = !path.includes('.hkfs-restore-') && path in wanted && !path.includes('file ');
    if (isOurs && !path.startsWith('m/symlink'))
      expect([path, content]).toEqual([path, wanted[path]!.content]);
  }
}

const FAULTS: readonly (readonly [errno: string, step: string, status: number, code: string])[] = [
  ['ENOSPC', 'restore.write', 2, 'NO_SPACE'],
  ['EROFS', 'restore.step', 2, 'READ_ONLY'],
  ['EIO', 'restore.write', 4, 'IO_ERROR'],
  ['ENOSPC', 'restore.mkdir', 2, 'NO_SPACE'],
];

test.each(isHeavy ? FAULTS : FAULTS.slice(0, 1))(
  '%s at %s ends a restore with exit %d and %s, leaves no temporary file, and the same command goes on',
  (errno, step, status, code) =>
    withRestore(async (archive, source, target) => {
      const args = ['restore', 'source/', '--to', target, '-a', archive];
      const ended = await hkfs(args, { failpoint: `${step}=${errno}@3` });
      expect(say(ended)).toMatch(new RegExp(`^ended with ${status}\\n[^]*\\[${code}\\]\\nhint: `));
      const left = fs.existsSync(target) ? Object.keys(walkAttributes(target)) : [];
      expect(left.filter((path) => path.includes('.hkfs-restore-'))).toEqual([]);
      await row<RestoreSummary>(args);
      expectEqual(source, target, 'copy');
    }),
  60_000,
);

/** Each file of the source at the target, written by hand. */
function makeOthers(source: string, target: string): Record<string, string> {
  const others: Record<string, string> = {};
  for (let i = 0; i < 240; i += 2) others[`a/file ${i}`] = `by hand ${i}`;
  fs.mkdirSync(join(target, 'a'), { recursive: true });
  for (const [path, text] of Object.entries(others))
    if (fs.existsSync(join(source, path))) fs.writeFileSync(join(target, path), text);
    else delete others[path];
  return others;
}

const byHand = (target: string, others: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.keys(others).map((path) => [path, fs.readFileSync(join(target, path), 'utf8')]));

test('a restore over other files killed at restore.durable has replaced none: none goes before what replaces it is on the disk', () =>
  withRestore(async (archive, source, target) => {
    const others = makeOthers(source, target);
    const args = ['restore', 'source/', '--to', target, '-a', archive, '--overwrite', 'always', '--yes'];
    const killed = await hkfs(args, { failpoint: 'restore.durable=kill' });
    expect(killed.signal).toBe('SIGKILL');
    expect(Object.keys(others).length).toBeGreaterThan(50);
    expect(byHand(target, others)).toEqual(others);
    await row<RestoreSummary>(args);
    expectEqual(source, target, 'copy');
  }));

test('a restore over other files whose sync fails ends with exit 4 and IO_ERROR: they are as they were, and no temporary file is left', () =>
  withRestore(async (archive, source, target) => {
    const others = makeOthers(source, target);
    const args = ['restore', 'source/', '--to', target, '-a', archive, '--overwrite', 'always', '--yes'];
    const ended = await hkfs(args, { failpoint: 'filesystem.sync=EIO' });
    expect(say(ended)).toMatch(/^ended with 4\n[^]*\[IO_ERROR\]\nhint: /);
    expect(byHand(target, others)).toEqual(others);
    const left = Object.keys(walkAttributes(target));
    expect(left.filter((path) => path.includes('.hkfs-restore-'))).toEqual([]);
  }));

test('Ctrl-C while files wait to replace others leaves no temporary file', () =>
  withRestore(async (archive, source, target) => {
    makeOthers(source, target);
    const args = ['restore', 'source/', '--to', target, '-a', archive, '--overwrite', 'always', '--yes'];
    const ended = await hkfs(args, {
      failpoint: 'restore.written=pause@20',
      onStart: (child) => {
        const interrupt = async (): Promise<void> => {
          await isStopped(child.pid!);
          child.kill('SIGINT');
          child.kill('SIGCONT');
        };
        void interrupt();
      },
    });
    expect([0, 130]).toContain(ended.status);
    const left = Object.keys(walkAttributes(target));
    expect(left.filter((path) => path.includes('.hkfs-restore-'))).toEqual([]);
    await row<RestoreSummary>(args);
    expectEqual(source, target, 'copy');
  }));

heavyTest(
  'an object that cannot be read is listed, exit 4, and the rest is restored',
  () =>
    withRestore(async (archive, source, target) => {
      const args = ['restore', 'source/', '--to', target, '-a', archive];
      const ended = await hkfs([...args, '--json'], { failpoint: 'restore.read=EIO@5' });
      expect(ended.status).toBe(4);
      const { failed } = JSON.parse(ended.stdout) as RestoreSummary;
      for (const { code } of failed) expect(code).toBe('OBJECT_DAMAGED');
      await row<RestoreSummary>(args);
      expectEqual(source, target, 'copy');
    }),
  60_000,
);

test(
  'Ctrl-C stops a restore cleanly, exit 130, with no temporary file, and the same command goes on',
  () =>
    withRestore(async (archive, source, target) => {
      const args = ['restore', 'source/', '--to', target, '-a', archive];
      const ended = await hkfs(args, {
        failpoint: 'restore.mkdir=pause@3',
        onStart: (child) => {
          const interrupt = async (): Promise<void> => {
            await isStopped(child.pid!);
            child.kill('SIGINT');
            child.kill('SIGCONT');
          };
          void interrupt();
        },
      });
      expect(say(ended)).toMatch(/^ended with 130\n/);
      expect(ended.stderr).toMatch(/\[INTERRUPTED\]\nhint: the same command again goes on/);
      const left = Object.keys(walkAttributes(target));
      expect(left.filter((path) => path.includes('.hkfs-restore-'))).toEqual([]);
      await row<RestoreSummary>(args);
      expectEqual(source, target, 'copy');
    }),
  60_000,
);

test('a target that a file blocks is refused, and nothing is changed', () =>
  withRestore(async (archive, _source, target) => {
    fs.writeFileSync(target, 'own');
    await expectRefusal(['restore', 'source', '--to', target, '-a', archive], {
      ...{ status: 2, code: 'NOT_A_DIRECTORY' },
    });
    expect(fs.readFileSync(target, 'utf8')).toBe('own');
  }));
