/** Windows that an ordinary ingest does not open: init, twins at the link limit, replaced files, healing. */
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { EntryRow, OperationRow, StatRow, VerifySummary } from '../../src/archive/api.js';
import { Views } from '../../src/projections/views.js';
import { describe as say, hkfs, row, rows, withArchive, withScratch } from './hkfs.js';
import { heavyTest, randomFrom, seed, some } from './random.js';
import { expectHolds, expectMended, expectSound, ingestOnce } from './soundness.js';
import { makeSource, snapshotOf, writeNew } from './source-tree.js';

const INIT_STEPS = [
  'init.logged',
  'init.folder',
  'init.begun',
  'init.directories',
  'key.private',
  'init.key',
];

test.each(some(INIT_STEPS, 1))('an init killed at %s left no archive; the next init makes one', (step) =>
  withScratch(async (directory) => {
    const archive = join(directory, 'archive');
    const killed = await hkfs(['init', archive], { failpoint: `${step}=kill` });
    expect(killed.signal).toBe('SIGKILL');
    expect(say(await hkfs(['ls', '-a', archive]))).toMatch(/^ended with 6\n/);
    await row(['init', archive]);
    await expectSound(archive);
  }),
);

test('what a person put into the leftovers of a killed init stays, and the next init refuses', () =>
  withScratch(async (directory) => {
    const archive = join(directory, 'archive');
    await hkfs(['init', archive], { failpoint: 'init.key=kill' });
    for (const own of ['.hkfs/mine', '.hkfs/log/mine', '.hkfs/keys/mine', '.hkfs/objects/ab/mine']) {
      writeFileSync(join(archive, own), 'mine');
      const names = readdirSync(archive, { recursive: true });
      expect(say(await hkfs(['init', archive]))).toMatch(/^ended with 2\n[^]*\[DIRECTORY_NOT_EMPTY\]/);
      expect(readdirSync(archive, { recursive: true })).toEqual(names);
      rmSync(join(archive, own));
    }
    await row(['init', archive]);
    await expectSound(archive);
  }));

test('an init killed after its last step has made an archive', () =>
  withScratch(async (directory) => {
    const archive = join(directory, 'archive');
    expect((await hkfs(['init', archive], { failpoint: 'init.named=kill' })).signal).toBe('SIGKILL');
    await expectSound(archive);
  }));

test('an init that failed removes nothing that was there before', () =>
  withScratch(async (directory) => {
    writeFileSync(join(directory, 'mine'), 'mine');
    const ended = await hkfs(['init', join(directory, 'a/b')], { failpoint: 'init.key=EIO' });
    expect(say(ended)).toMatch(/^ended with 4\n/);
    expect(readdirSync(directory, { recursive: true })).toEqual(['mine']);
  }));

test('an init that found no space left nothing at all', () =>
  withScratch(async (directory) => {
    const archive = join(directory, 'archive');
    const ended = await hkfs(['init', archive], { failpoint: 'init.logged=ENOSPC' });
    expect(say(ended)).toMatch(/^ended with 2\n[^]*\[NO_SPACE\]/);
    expect(existsSync(archive)).toBe(false);
  }));

/** Every link of the fifth file meets the link limit. */
const LIMIT = 'tree.link=EMLINK@5,tree.link-twin=EMLINK@1';

heavyTest('an object at the link limit gets a twin, and the archive is sound', () =>
  withArchive(async (archive, source) => {
    mkdirSync(source);
    makeSource(source, { random: randomFrom(seed), files: 40 });
    const ended = await hkfs(['ingest', source, '-a', archive], { failpoint: LIMIT });
    expect(say(ended)).toMatch(/^ended with 0\n/);
    expect(await twinsOf(archive)).toBeGreaterThan(0);
    await expectHolds(archive, snapshotOf(source, 'source'));
    await expectSound(archive);
  }),
);

/** After the second commit its links wait for the twin that comes with the third. */
const TWIN_STEPS = [
  'commit.named=kill@2',
  'commit.done=kill@2',
  'commit.tree=kill@2',
  'twin.staged=kill',
  'commit.appended=kill@3',
  'commit.tree=kill@3',
];

test.each(some(TWIN_STEPS, 1))(
  'a kill at %s while links wait for a twin: they are in the tree after the next open',
  (step) =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), files: 40 });
      const killed = await hkfs(['ingest', source, '-a', archive], { failpoint: `${LIMIT},${step}` });
      expect(killed.signal).toBe('SIGKILL');
      await expectMended(archive);
      await ingestOnce(archive, source, 'copy');
      await expectHolds(archive, snapshotOf(source, 'source'));
      await expectSound(archive);
    }),
);

heavyTest('a tree that meets the link limit while it is mended gets its twin there', () =>
  withArchive(async (archive, source) => {
    mkdirSync(source);
    makeSource(source, { random: randomFrom(seed), files: 40 });
    await hkfs(['ingest', source, '-a', archive], { failpoint: 'commit.views=kill@2' });
    const mended = await hkfs(['verify', '-a', archive], { failpoint: LIMIT });
    expect(say(mended)).toMatch(/^ended with 0\n/);
    expect(await twinsOf(archive)).toBeGreaterThan(0);
    await ingestOnce(archive, source, 'copy');
    await expectHolds(archive, snapshotOf(source, 'source'));
    await expectSound(archive);
  }),
);

async function twinsOf(archive: string): Promise<number> {
  let twins = 0;
  for (const { path, hash } of await rows<EntryRow>(['ls', 'source/a', '-a', archive]))
    if (hash !== null) {
      const { inodes } = await row<StatRow>(['stat', `/${path}`, '-a', archive]);
      twins += inodes.length - 1;
    }
  return twins;
}

heavyTest('threads that replace files of the tree at once do not meet each other', () =>
  withArchive(async (archive, source) => {
    mkdirSync(source);
    for (let i = 0; i < 1500; i += 1) writeFileSync(join(source, `file ${i}`), `${i}`);
    await ingestOnce(archive, source, 'copy');
    for (let i = 0; i < 1500; i += 1)
      writeNew(join(source, `file ${i}`), Buffer.from(i % 3 ? `new ${i}` : ''));
    const ended = await hkfs(['ingest', source, '-a', archive]);
    expect(ended.stderr).toBe('');
    await expectHolds(archive, snapshotOf(source, 'source'));
    await expectSound(archive);
  }),
);

heavyTest.each(['tree.replace=kill@9', 'tree.replace=kill@1'])(
  'a kill at %s between the new link and its name: the old file or the new one, and then the new one',
  (failpoint) =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      for (let i = 0; i < 60; i += 1) writeFileSync(join(source, `file ${i}`), `${i}`);
      await ingestOnce(archive, source, 'copy');
      for (let i = 0; i < 60; i += 1) writeNew(join(source, `file ${i}`), Buffer.from(`new ${i}`));
      expect((await hkfs(['ingest', source, '-a', archive], { failpoint })).signal).toBe('SIGKILL');
      await expectMended(archive);
      await ingestOnce(archive, source, 'copy');
      await expectHolds(archive, snapshotOf(source, 'source'));
      await expectSound(archive);
    }),
);

heavyTest.each(['object.name', 'object.named', 'commit.append=kill@2', 'commit.appended=kill@2'])(
  'healing a damaged object killed at %s: after the next ingest its content is right',
  (step) =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), files: 20 });
      await ingestOnce(archive, source, 'copy');
      const { hash } = await row<EntryRow>(['ls', 'source/m/large', '-a', archive]);
      truncateSync(join(archive, '.hkfs/objects', hash!.slice(0, 2), hash!.slice(2)), 100);
      const heal = ['ingest', source, '--checksum', '-a', archive];
      const failpoint = step.includes('=') ? step : `${step}=kill`;
      expect((await hkfs(heal, { failpoint })).signal).toBe('SIGKILL');
      expect(say(await hkfs(heal))).toMatch(/^ended with 0\n/);
      const { damaged, missing, views } = await row<VerifySummary>(['verify', '-a', archive], [0, 1]);
      expect({ damaged, missing, views }).toEqual({ damaged: [], missing: [], views: [] });
      // A name that is still on the damaged inode is no new version of anything.
      await row(['sync', '-a', archive], [0, 4]);
      await expectHolds(archive, snapshotOf(source, 'source'));
    }),
);

/** What a power cut may take from the tree, and does on btrfs, whatever LevelDB has on the disk by then. */
test.each([
  ['ingest', 'tree.sync'],
  ['mv', 'tree.sync'],
  ['rm', 'tree.sync'],
  ['mv', 'commit.done@3'],
  ['rm', 'commit.done@3'],
])('%s killed at %s: the checkpoint of the tree names what was synced, and no more', (command, point) =>
  withArchive(async (archive, source) => {
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'x');
    const args = { ingest: [source], mv: ['source/file', 'source/moved'], rm: ['source', '--yes'] }[command]!;
    if (command !== 'ingest') await ingestOnce(archive, source, 'copy');
    const before = await checkpointOf(archive);
    const [step, time = '1'] = point.split('@');
    const killed = await hkfs([command, ...args, '-a', archive], { failpoint: `${step}=kill@${time}` });
    expect(killed.signal).toBe('SIGKILL');
    const { last } = (await rows<OperationRow>(['ops', '-a', archive])).at(-1)!;
    // Of a closed operation everything is on the disk; else nothing of its one batch.
    if (step === 'commit.done') expect(await checkpointOf(archive)).toBe(last + 1);
    else expect(await checkpointOf(archive)).toBeLessThanOrEqual(before + 1);
    await expectSound(archive);
    expect(await checkpointOf(archive)).toBeGreaterThan(last);
  }),
);

/** The first event that is to be applied to the tree again. */
async function checkpointOf(archive: string): Promise<number> {
  if (!existsSync(`${archive}/.hkfs/views`)) return 1;
  const views = (await Views.open(`${archive}/.hkfs/views`, false))!;
  try {
    return (await views.treePosition()) ?? 1;
  } finally {
    await views.close();
  }
}
