/** kill -9 at every named step of backup, clone, pull and compact: the same command goes on from there. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { BackupSummary, CloneSummary, VerifySummary } from '../../src/archive/api.js';
import { describe as say, hkfs, row, withArchive } from './hkfs.js';
import { isHeavy } from './random.js';

type Steps = readonly (readonly [step: string, times: readonly number[]])[];

/** The remote's directory gives names in batches, and to logs and checkpoints at once. */
const BACKUP: Steps = [
  ['carry.read', [1, 40]],
  ['carry.written', [1, 40]],
  ['backup.object', [1, 70]],
  ['remote.synced', [1, 2, 3, 4, 5]],
  ['remote.named', [1, 2, 3, 4, 5]],
  ['backup.objects', [1]],
  ['remote.flushed', [1, 2]],
  ['backup.key', [1]],
  ['backup.claimed', [1]],
  ['backup.segment', [1]],
  ['backup.log', [1]],
  ['backup.checkpoint', [1]],
  ['commit.append', [1]],
  ['commit.appended', [1]],
  ['commit.done', [1]],
];
const CLONE: Steps = [
  ['clone.begun', [1]],
  ['clone.segment', [1]],
  ['clone.log', [1]],
  ['replay.fold', [1]],
  ['replay.folded', [1]],
  ['replay.set-aside', [1]],
  ['clone.views', [1]],
  ['carry.read', [1, 60]],
  ['carry.written', [1, 60]],
  ['object.name', [1, 50]],
  ['object.named', [1, 50]],
  ['clone.objects', [1]],
  ['tree.apply', [1, 30]],
  ['tree.link', [1, 60]],
  ['clone.tree', [1]],
];
const PULL: Steps = [
  ['carry.written', [1, 5]],
  ['fetch.named', [1]],
  ['pull.objects', [1]],
  ['clone.segment', [1]],
  ['pull.log', [1]],
  ['tree.apply', [1, 5]],
  ['tree.rename', [1]],
  ['tree.unlink', [1]],
];
const COMPACT: Steps = [
  ['remote.written', [1]],
  ['remote.named', [1]],
  ['compact.made', [1]],
  ['compact.flushed', [1]],
  ['compact.removed', [1, 2, 4]],
];
/** When there is little time: one for each way to go on. */
const SMALL = [
  'backup backup.segment 1',
  'clone object.named 50',
  'pull tree.rename 1',
  'compact compact.removed 2',
];
const testHeavy = isHeavy ? test : test.skip;
const rounds = (what: string, steps: Steps): { step: string; time: number }[] =>
  steps
    .flatMap(([step, times]) => times.map((time) => ({ step, time })))
    .filter(({ step, time }) => isHeavy || SMALL.includes(`${what} ${step} ${time}`));

describe('a backup', () => {
  test.each(rounds('backup', BACKUP))(
    'killed at $step the $time. time goes on: what arrived is not sent again, and its clone is whole',
    ({ step, time }) =>
      withRemote(async ({ archive, remote, clone }) => {
        await expectKilled(['backup', 'disk', '-a', archive], `${step}=kill@${time}`);
        const before = inodesBelow(join(remote, 'objects'));
        const summary = await row<BackupSummary>(['backup', 'disk', '-a', archive]);
        expect(before.size + summary.objects).toBeLessThanOrEqual(FILES + 1);
        expect([...inodesBelow(join(remote, 'objects'))]).toEqual(expect.arrayContaining([...before]));
        expect(await row(['backup', 'disk', '-a', archive])).toMatchObject({ upToDate: true });
        await expectClone(archive, { remote, clone });
      }),
  );
});

describe('a clone', () => {
  test.each(rounds('clone', CLONE))(
    'killed at $step the $time. time is no archive yet; the same command finishes it',
    ({ step, time }) =>
      withRemote(async ({ archive, remote, clone }) => {
        await row(['backup', 'disk', '-a', archive]);
        await expectKilled(['clone', remote, clone], `${step}=kill@${time}`);
        const ended = await hkfs(['ls', '-a', clone]);
        expect([ended.status, ended.stderr]).toEqual([6, expect.stringMatching(/not finished|no archive/)]);
        await expectClone(archive, { remote, clone });
      }),
  );

  test('that goes on after the machine was started anew reads what it has, and fetches what is torn', () =>
    withRemote(async ({ archive, remote, clone }) => {
      await row(['backup', 'disk', '-a', archive]);
      await expectKilled(['clone', remote, clone], 'tree.apply=kill');
      const origin = join(clone, '.hkfs/origin.json');
      const before = JSON.parse(fs.readFileSync(origin, 'utf8')) as object;
      // As an earlier version wrote it, without a checksum.
      fs.writeFileSync(origin, JSON.stringify({ ...before, bootId: 'another', checksum: undefined }));
      const [torn] = filesBelow(join(clone, '.hkfs/objects'));
      fs.truncateSync(torn!, 0);
      await expectClone(archive, { remote, clone });
    }));

  testHeavy('killed after its last step is an archive', () =>
    withRemote(async ({ archive, remote, clone }) => {
      await row(['backup', 'disk', '-a', archive]);
      await expectKilled(['clone', remote, clone], 'clone.done=kill');
      expect(await row<VerifySummary>(['verify', '-a', clone])).toMatchObject({ missing: [], unlinked: [] });
    }),
  );
});

describe('a pull', () => {
  test.each(rounds('pull', PULL))(
    'killed at $step the $time. time leaves a sound clone; the next has all',
    ({ step, time }) =>
      withRemote(async ({ archive, remote, clone, source }) => {
        await row(['backup', 'disk', '-a', archive]);
        await row(['clone', remote, clone]);
        await changeAll(archive, source);
        await row(['backup', 'disk', '-a', archive]);
        await expectKilled(['pull', '-a', clone], `${step}=kill@${time}`);
        const clean = { damaged: [], missing: [], unlinked: [], views: [] };
        expect(await row<VerifySummary>(['verify', '-a', clone], [0, 1])).toMatchObject(clean);
        await row(['pull', '-a', clone]);
        await expectSame(archive, clone);
      }),
  );
});

describe('a compaction', () => {
  test.each(rounds('compact', COMPACT))(
    'killed at $step the $time. time leaves a remote that is whole; the next finishes',
    ({ step, time }) =>
      withRemote(async ({ archive, remote, clone, source }) => {
        await row(['backup', 'disk', '-a', archive]);
        for (let round = 0; round < 3; round += 1) {
          fs.writeFileSync(join(source, `round-${round}`), `round ${round}`);
          await row(['ingest', source, '-a', archive]);
          await row(['backup', 'disk', '-a', archive]);
        }
        await expectKilled(['remote', 'compact', 'disk', '-a', archive], `${step}=kill@${time}`);
        await expectClone(archive, { remote, clone });
        const { after } = await row<{ after: number }>(['remote', 'compact', 'disk', '-a', archive]);
        expect(after).toBe(1);
        await expectClone(archive, { remote, clone: `${clone}-2` });
      }),
  );
});

const FILES = 80;

interface Places {
  readonly archive: string;
  readonly source: string;
  readonly remote: string;
  readonly clone: string;
}

function withRemote(use: (places: Places) => Promise<void>): Promise<void> {
  return withArchive(async (archive, source) => {
    const [remote, clone] = [`${archive}-remote`, `${archive}-clone`];
    fs.mkdirSync(join(source, 'd/e'), { recursive: true });
    for (let file = 0; file < FILES; file += 1)
      fs.writeFileSync(join(source, file % 2 === 0 ? '' : 'd', `f${file}`), `bytes of file ${file}`);
    fs.writeFileSync(join(source, 'd/large'), Buffer.alloc(2 << 20, 5));
    fs.symlinkSync('../f0', join(source, 'd/e/link'));
    await row(['ingest', source, '-a', archive]);
    await row(['remote', 'add', 'disk', remote, '-a', archive]);
    await use({ archive, source, remote, clone });
  });
}

/** Something of every kind that the tree has to follow. */
async function changeAll(archive: string, source: string): Promise<void> {
  for (let file = 0; file < 10; file += 1)
    fs.writeFileSync(join(source, `f${2 * file}`), `other bytes of file ${file}`);
  fs.rmSync(join(source, 'f40'));
  await row(['ingest', source, '--mirror', '-a', archive]);
  await row(['mv', 'source/d', 'source/moved', '-a', archive]);
  await row(['rm', 'source/moved/f1', '--yes', '-a', archive]);
  fs.renameSync(join(archive, 'source/moved/f3'), join(archive, 'source/by-hand'));
  await row(['sync', '-a', archive]);
}

async function expectKilled(args: readonly string[], failpoint: string): Promise<void> {
  const ended = await hkfs(args, { failpoint });
  expect({ signal: ended.signal, why: ended.signal === 'SIGKILL' ? '' : say(ended) }).toEqual({
    signal: 'SIGKILL',
    why: '',
  });
}

async function expectClone(
  archive: string,
  { remote, clone }: Pick<Places, 'remote' | 'clone'>,
): Promise<void> {
  const summary = await row<CloneSummary>(['clone', remote, clone]);
  expect(summary).toMatchObject({ damaged: [], missing: [], damagedFiles: [] });
  await expectSame(archive, clone);
}

/** The archive has only its own note of the backup more. */
async function expectSame(archive: string, clone: string): Promise<void> {
  const list = async (root: string): Promise<string> =>
    (await hkfs(['ls', '-R', '--json', '-a', root])).stdout;
  expect(await list(clone)).toBe(await list(archive));
  const clean = { damaged: [], missing: [], unlinked: [], untracked: [], views: [] };
  expect(await row<VerifySummary>(['verify', '-a', clone])).toMatchObject(clean);
  expect(await row(['replay', '--check', '-a', clone])).toMatchObject({ equal: true });
}

function inodesBelow(directory: string): Set<number> {
  if (!fs.existsSync(directory)) return new Set();
  return new Set(filesBelow(directory).map((path) => fs.statSync(path).ino));
}

function filesBelow(directory: string): string[] {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
