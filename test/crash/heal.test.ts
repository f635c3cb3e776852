/** kill -9 at every named step of healing, here and at a remote: the same command makes all whole. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { HealSummary, RemoteVerifySummary, StatRow, VerifySummary } from '../../src/archive/api.js';
import { describe as say, hkfs, row, withArchive } from './hkfs.js';
import { isHeavy } from './random.js';

type Steps = readonly (readonly [step: string, times: readonly number[]])[];

const HEAL: Steps = [
  ['heal.told', [1]],
  ['heal.staged', [1, 2]],
  ['commit.sync', [1]],
  ['object.name', [1, 2]],
  ['object.named', [1, 2]],
  ['commit.named', [1]],
  ['commit.append', [1, 2, 3]],
  ['commit.appended', [1, 2, 3]],
  ['commit.views', [3]],
  ['tree.apply', [1, 2]],
  ['tree.replace', [1]],
  ['commit.tree', [3]],
  ['commit.done', [3]],
];
const MEND: Steps = [
  ['verify-remote.told', [1, 2]],
  ['mend.room', [1]],
  ['carry.written', [1, 2]],
  ['mend.objects', [1]],
  ['mend.removed', [1]],
  ['backup.segment', [1]],
  ['mend.log', [1]],
  ['commit.append', [1, 2]],
];
const SMALL = [
  'heal commit.append 3',
  'heal object.named 1',
  'heal tree.apply 1',
  'mend mend.room 1',
  'mend mend.removed 1',
];
const rounds = (what: string, steps: Steps): { step: string; time: number }[] =>
  steps
    .flatMap(([step, times]) => times.map((time) => ({ step, time })))
    .filter(({ step, time }) => isHeavy || SMALL.includes(`${what} ${step} ${time}`));

describe('healing', () => {
  test.each(rounds('heal', HEAL))(
    'killed at $step the $time. time loses nothing; the next makes objects and names right',
    ({ step, time }) =>
      withLosses(async ({ archive }) => {
        await expectKilled(['heal', '-a', archive], `${step}=kill@${time}`);
        await row<HealSummary>(['heal', '-a', archive]);
        await expectWhole(archive);
      }),
  );

  test.each(rounds('heal', HEAL))(
    'killed at $step the $time. time is found by verify --heal as well',
    ({ step, time }) =>
      withLosses(async ({ archive }) => {
        await expectKilled(['heal', '-a', archive], `${step}=kill@${time}`);
        await row<VerifySummary>(['verify', '--heal', '-a', archive], [0, 1]);
        await expectWhole(archive);
      }),
  );
});

describe('mending a remote', () => {
  test.each(rounds('mend', MEND))(
    'killed at $step the $time. time leaves what the next finds and sends',
    ({ step, time }) =>
      withLosses(async ({ archive, remote }) => {
        const hash = await hashOf(archive, 'source/f2');
        overwrite(join(remote, 'objects', hash.slice(0, 2), hash.slice(2)));
        const gone = await hashOf(archive, 'source/f3');
        fs.rmSync(join(remote, 'objects', gone.slice(0, 2), gone.slice(2)));
        const names = fs.readdirSync(join(remote, 'archives'), { recursive: true, encoding: 'utf8' });
        for (const name of names.filter((name) => /\/\d+(-\d+)?$/.test(name)))
          overwrite(join(remote, 'archives', name));
        await row(['heal', '-a', archive]);
        await expectKilled(['verify', '--remote', 'disk', '--heal', '-a', archive], `${step}=kill@${time}`);
        await row(['verify', '--remote', 'disk', '--heal', '-a', archive]);
        const clean = { damaged: [], missing: [], files: [] };
        expect(await row<RemoteVerifySummary>(['verify', '--remote', 'disk', '-a', archive])).toMatchObject(
          clean,
        );
      }),
  );
});

const FILES = 8;

/** An archive with a damaged object of two names, and one that is gone with its name. */
function withLosses(use: (places: { archive: string; remote: string }) => Promise<void>): Promise<void> {
  return withArchive(async (archive, source) => {
    const remote = `${archive}-remote`;
    fs.mkdirSync(source);
    for (let file = 0; file < FILES; file += 1)
      fs.writeFileSync(join(source, `f${file}`), `bytes of file ${file}`);
    fs.writeFileSync(join(source, 'twin'), 'bytes of file 0');
    await row(['ingest', source, '-a', archive]);
    await row(['remote', 'add', 'disk', remote, '-a', archive]);
    await row(['backup', 'disk', '-a', archive]);
    const objects = join(archive, '.hkfs/objects');
    const [damaged, gone] = [await hashOf(archive, 'source/f0'), await hashOf(archive, 'source/f1')];
    overwrite(join(objects, damaged.slice(0, 2), damaged.slice(2)));
    fs.rmSync(join(objects, gone.slice(0, 2), gone.slice(2)));
    fs.rmSync(join(archive, 'source/f1'));
    await row(['verify', '-a', archive], [4]);
    await use({ archive, remote });
  });
}

async function hashOf(archive: string, path: string): Promise<string> {
  return (await row<StatRow>(['stat', path, '-a', archive])).hash!;
}

/** In place, as a bad disk does. */
function overwrite(file: string): void {
  fs.chmodSync(file, 0o644);
  const bytes = fs.readFileSync(file);
  bytes[bytes.length >> 1]! ^= 4;
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes);
  fs.closeSync(fd);
}

async function expectKilled(args: readonly string[], failpoint: string): Promise<void> {
  const ended = await hkfs(args, { failpoint });
  expect({ signal: ended.signal, why: ended.signal === 'SIGKILL' ? '' : say(ended) }).toEqual({
    signal: 'SIGKILL',
    why: '',
  });
}

async function expectWhole(archive: string): Promise<void> {
  const clean = { damaged: [], missing: [], unlinked: [], untracked: [], views: [] };
  expect(await row<VerifySummary>(['verify', '-a', archive])).toMatchObject(clean);
  expect(await row(['replay', '--check', '-a', archive])).toMatchObject({ equal: true });
  for (const name of ['f0', 'twin'])
    expect(fs.readFileSync(join(archive, 'source', name), 'utf8')).toBe('bytes of file 0');
  expect(fs.readFileSync(join(archive, 'source/f1'), 'utf8')).toBe('bytes of file 1');
}
