/** A full disk under a directory remote, or under a clone: told, nothing lost, and the same command goes on. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { hkfs, saying } from '../e2e/hkfs.js';
import { mounts, testOn } from './mounts.js';

const FILES = 60;
const FILE_BYTES = 256 << 10;
const space = mounts();
const onExt4 = testOn('ext4');

/** An archive of 15 MiB, and a disk on which all but some room is taken. */
function prepare(room: number): { archive: string; disk: string; ballast: string } {
  const disk = space.make('ext4', 48, '-b 4096 -m 0');
  const source = fs.mkdtempSync(join(space.path, 'source-'));
  for (let file = 0; file < FILES; file += 1)
    fs.writeFileSync(join(source, `f${file}`), Buffer.alloc(FILE_BYTES, `file ${file}`));
  const archive = fs.mkdtempSync(join(space.path, 'archive-'));
  run('init', archive);
  run('ingest', source, '-a', archive);
  const ballast = join(disk, '.ballast');
  const { bavail, bsize } = fs.statfsSync(disk);
  fs.writeFileSync(ballast, Buffer.alloc(bavail * bsize - room, 1));
  return { archive, disk, ballast };
}

function run(...args: string[]): string {
  const { status, stdout, stderr } = hkfs(args);
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: expect.any(String) });
  return stdout;
}

function expectFull(...args: string[]): void {
  const { status, stderr } = hkfs([...args, '--progress', 'none']);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('NO_SPACE')) });
}

describe('a disk that is full', () => {
  onExt4('under a remote ends the backup; with room it goes on, and its clone is whole', () => {
    const { archive, disk, ballast } = prepare(6 << 20);
    const remote = join(disk, 'remote');
    run('remote', 'add', 'disk', remote, '-a', archive);
    expectFull('backup', 'disk', '-a', archive);
    const clone = join(space.path, 'clone-of-full');
    expect(hkfs(['clone', remote, clone]).status).toBe(2);
    fs.rmSync(ballast);
    run('backup', 'disk', '-a', archive);
    run('clone', remote, clone);
    expect(JSON.parse(run('verify', '-a', clone, '--json'))).toMatchObject({
      objects: FILES,
      damaged: [],
      missing: [],
    });
  });

  onExt4('under a clone ends it; with room the same command finishes it', () => {
    const { archive, disk, ballast } = prepare(6 << 20);
    const remote = fs.mkdtempSync(join(space.path, 'remote-'));
    run('remote', 'add', 'disk', remote, '-a', archive);
    run('backup', 'disk', '-a', archive);
    const clone = join(disk, 'clone');
    expectFull('clone', remote, clone);
    fs.rmSync(ballast);
    run('clone', remote, clone);
    expect(JSON.parse(run('verify', '-a', clone, '--json'))).toMatchObject({ objects: FILES, unlinked: [] });
  });

  /** Around the folders of the hash tree, the origin, the log and the views: at each step once. */
  const INODES = [0, 1, 2, 3, 100, 258, 259, 260, 261, 262, 263, 265, 268, 272, 280, 300];

  onExt4(
    'that has no inodes left ends a clone anywhere; with more the same command finishes it',
    () => {
      const disk = space.make('ext4', 48, '-b 4096 -m 0 -N 1024');
      const remote = smallRemote();
      const taken = join(disk, 'taken');
      const clone = join(disk, 'clone');
      for (const left of INODES) {
        fs.mkdirSync(taken);
        for (let at = freeInodes(disk); at > left; at -= 1) fs.writeFileSync(join(taken, `${at}`), '');
        expect(freeInodes(disk)).toBe(left);
        expectFull('clone', remote, clone);
        expectFull('clone', remote, clone);
        fs.rmSync(taken, { recursive: true });
        run('clone', remote, clone);
        expect(JSON.parse(run('verify', '-a', clone, '--json'))).toMatchObject({ missing: [], unlinked: [] });
        fs.rmSync(clone, { recursive: true });
      }
    },
    300_000,
  );
});

function freeInodes(disk: string): number {
  return fs.statfsSync(disk).ffree;
}

function smallRemote(): string {
  const source = fs.mkdtempSync(join(space.path, 'source-'));
  for (let file = 0; file < FILES; file += 1) fs.writeFileSync(join(source, `f${file}`), `file ${file}`);
  const archive = fs.mkdtempSync(join(space.path, 'archive-'));
  const remote = fs.mkdtempSync(join(space.path, 'remote-'));
  run('init', archive);
  run('ingest', source, '-a', archive);
  run('remote', 'add', 'disk', remote, '-a', archive);
  run('backup', 'disk', '-a', archive);
  return remote;
}
