/** kill -9 at every named step of a gc, and an ingest that wants what a gc is about to delete. */
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { IngestSummary, OrphanRow } from '../../src/archive/api.js';
import { describe as say, hkfs, row, rows, withArchive } from './hkfs.js';
import { isStopped } from './paused.js';
import { isHeavy } from './random.js';
import { entriesOf, expectBytes, expectMended, expectSound, operationsOf } from './soundness.js';

const GC = ['gc', '--older-than', '0s', '--yes'];

/** Three commits: the opening, the events, the end. */
const STEPS: readonly (readonly [step: string, times: readonly number[]])[] = [
  ['commit.append', [1, 2, 3]],
  ['commit.appended', [1, 2, 3]],
  ['commit.views', [2]],
  ['tree.apply', [1, 2]],
  ['object.discard', [1, 2]],
  ['object.discarded', [1, 3]],
  ['commit.tree', [2]],
  ['commit.done', [2, 3]],
];
const SMALL = ['commit.appended@2', 'object.discarded@1'];
const rounds = STEPS.flatMap(([step, times]) => times.map((time) => `${step}@${time}`));

test.each(isHeavy ? rounds : rounds.filter((round) => SMALL.includes(round)))(
  'a gc killed at %s leaves objects or none and nothing between; the next open and the same command finish it',
  (round) =>
    withArchive(async (archive, source) => {
      await prepare(archive, source);
      const live = await entriesOf(archive);
      const [step, time] = round.split('@');
      const killed = await hkfs([...GC, '-a', archive], { failpoint: `${step}=kill@${time}` });
      expect({ signal: killed.signal, why: killed.signal ? '' : say(killed) }).toEqual({
        signal: 'SIGKILL',
        why: '',
      });

      await expectSound(archive);
      const left = await orphansOf(archive);
      expect(objectsOf(archive)).toHaveLength(2 + left.length);
      expect([0, 3]).toContain(left.length);

      await rows([...GC, '-a', archive]);
      expect(await orphansOf(archive)).toEqual([]);
      expect(objectsOf(archive)).toHaveLength(2);
      expect(await entriesOf(archive)).toEqual(live);
      await expectSound(archive);
      await expectBytes(archive, 's/moved', Buffer.from('stays'));
    }),
  60_000,
);

test('a gc that was killed after its events is finished by whoever writes next, before it does its own', () =>
  withArchive(async (archive, source) => {
    await prepare(archive, source);
    await hkfs([...GC, '-a', archive], { failpoint: 'commit.views=kill@2' });
    expect(objectsOf(archive)).toHaveLength(5);
    expect((await operationsOf(archive)).at(-1)).toMatchObject({ command: 'gc', status: 'interrupted' });
    const summary = await row<IngestSummary>(['ingest', source, '--to', 's', '-a', archive]);
    expect(summary).toMatchObject({ newObjects: 3, failed: [] });
    await expectSound(archive);
    await expectBytes(archive, 's/d/one', Buffer.from('one'));
  }));

test('a name that appears at the last moment saves the file: it is an object again', () =>
  withArchive(async (archive, source) => {
    await prepare(archive, source);
    const [first] = await orphansOf(archive);
    const path = `.hkfs/objects/${first!.hash.slice(0, 2)}/${first!.hash.slice(2)}`;
    const ended = await hkfs([...GC, '-a', archive], {
      failpoint: 'commit.views=pause@2',
      onStart: (child) => {
        void whileStopped(child, () => linkSync(`${archive}/${path}`, `${source}/linked`));
      },
    });
    expect({ status: ended.status, why: ended.status === 0 ? '' : say(ended) }).toEqual({
      status: 0,
      why: '',
    });
    expect(ended.stderr).toContain('another name');
    expect(existsSync(`${archive}/${path}`)).toBe(true);
    expect(await orphansOf(archive)).toMatchObject([{ hash: first!.hash }]);
    await expectSound(archive);
    rmSync(`${source}/linked`);
    await rows([...GC, '-a', archive]);
    expect(await orphansOf(archive)).toEqual([]);
  }));

test('an ingest that needs what a gc is deleting waits for the lock, and stores it again', () =>
  withArchive(async (archive, source) => {
    await prepare(archive, source);
    let ingest: ReturnType<typeof hkfs> | undefined;
    await hkfs([...GC, '-a', archive], {
      failpoint: 'object.discard=pause@2',
      onStart: (child) => {
        void whileStopped(child, async () => {
          ingest = hkfs(['ingest', source, '--to', 's', '--wait', '-a', archive, '--json']);
          await sleep(500);
        });
      },
    });
    const ended = await ingest!;
    expect({ status: ended.status, why: ended.status === 0 ? '' : say(ended) }).toEqual({
      status: 0,
      why: '',
    });
    expect(JSON.parse(ended.stdout)).toMatchObject({ newObjects: 3, failed: [] });
    await expectSound(archive);
    for (const name of ['one', 'two', 'deep/three'])
      await expectBytes(archive, `s/d/${name}`, Buffer.from(name.slice(name.indexOf('/') + 1)));
  }));

async function whileStopped(child: ChildProcess, act: () => Promise<void> | void): Promise<void> {
  await isStopped(child.pid!);
  await act();
  child.kill('SIGCONT');
}

/** Three orphans, two contents with names, and a change of names after the removal. */
async function prepare(archive: string, source: string): Promise<void> {
  mkdirSync(`${source}/d/deep`, { recursive: true });
  for (const path of ['d/one', 'd/two', 'd/deep/three'])
    writeFileSync(`${source}/${path}`, path.slice(path.lastIndexOf('/') + 1));
  writeFileSync(`${source}/stays`, 'stays');
  writeFileSync(`${source}/other`, 'other');
  await row(['ingest', source, '--to', 's', '-a', archive]);
  await row(['rm', 's/d', '--yes', '-a', archive]);
  await row(['mv', 's/stays', 's/moved', '-a', archive]);
  expect(await orphansOf(archive)).toHaveLength(3);
  await expectMended(archive);
}

function orphansOf(archive: string): Promise<OrphanRow[]> {
  return rows(['orphans', '-a', archive]);
}

function objectsOf(archive: string): string[] {
  const objects = `${archive}/.hkfs/objects`;
  return readdirSync(objects).flatMap((folder) => readdirSync(`${objects}/${folder}`));
}
