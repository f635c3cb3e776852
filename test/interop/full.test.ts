/** A full filesystem: the command says so, the archive is sound, and the same command goes on later. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { type Box, saying } from '../e2e/hkfs.js';
import { boxOn, mounts, testOn } from './mounts.js';

const MEBIBYTE = 1 << 20;
const space = mounts();
const onExt4 = testOn('ext4');

/** An archive on a small filesystem of which all but some room is taken; the source is elsewhere. */
function smallBox(room: number, mebibytes = 64, options = ''): { box: Box; ballast: string } {
  const path = space.make('ext4', mebibytes, `-b 4096 -m 0 ${options}`);
  const box = boxOn(path, fs.mkdtempSync(join(space.path, 'source-')));
  const ballast = join(path, 'ballast');
  fill(ballast);
  fs.truncateSync(ballast, Math.max(0, fs.statSync(ballast).size - room));
  return { box, ballast };
}

/** Writes to a file until the filesystem takes no more, not even a single block. */
function fill(path: string): void {
  const fd = fs.openSync(path, 'a');
  for (let before = -1; before < fs.fstatSync(fd).size; fs.fsyncSync(fd)) {
    before = fs.fstatSync(fd).size;
    for (let size = MEBIBYTE; size >= 512; size /= 2) while (wasWritten(fd, size));
  }
  fs.closeSync(fd);
}

function wasWritten(fd: number, size: number): boolean {
  try {
    return fs.writeSync(fd, Buffer.alloc(size, 1)) === size;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
    return false;
  }
}

function expectFull(box: Box, ...args: string[]): void {
  const { status, stderr } = box.run('ingest', box.source, '--progress', 'none', ...args);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('NO_SPACE')) });
}

/** Sound but for what may be missing in the tree, which the next writer brings. */
function expectUndamaged(box: Box): void {
  const { status, summary } = box.verify('--quick');
  expect([0, 1]).toContain(status);
  expect(summary).toMatchObject({ damaged: [], missing: [], views: [] });
}

function goesOn(box: Box): void {
  const names = fs.readdirSync(box.source);
  expect(box.ingest()).toMatchObject({ files: names.length, failed: [] });
  for (const name of [names[0]!, names.at(-1)!]) {
    const { bytes } = box.run('cat', `${basename(box.source)}/${name}`);
    expect(bytes.equals(fs.readFileSync(join(box.source, name)))).toBe(true);
  }
  box.expectSound();
  box.expectReplayed();
}

/** Bytes that no two files share, and that no filesystem makes smaller. */
const content = (seed: number, bytes: number): Buffer => Buffer.alloc(bytes, `content ${seed} `);

describe('a filesystem that is full', () => {
  onExt4('in the middle of many small files: NO_SPACE, sound, and completed once there is room', () => {
    const { box, ballast } = smallBox(12 * MEBIBYTE);
    for (let at = 0; at < 1500; at += 1) fs.writeFileSync(join(box.source, `${at}`), content(at, 16_384));
    expectFull(box);
    expectUndamaged(box);
    fs.rmSync(ballast);
    goesOn(box);
  });

  onExt4('after some commits of the same command: what was committed is not read again', () => {
    const { box, ballast } = smallBox(55 * MEBIBYTE, 128);
    for (let at = 0; at < 9000; at += 1) fs.writeFileSync(join(box.source, `${at}`), content(at, 100));
    for (let at = 0; at < 20; at += 1)
      fs.writeFileSync(join(box.source, `z${at}`), content(at, 2 * MEBIBYTE));
    expectFull(box);
    expectUndamaged(box);
    fs.rmSync(ballast);
    const { files, unchangedFiles } = box.ingest();
    expect(files).toBe(9020);
    expect(unchangedFiles).toBeGreaterThan(4000);
    box.expectSound();
    box.expectReplayed();
  });

  onExt4('in the middle of one large file: NO_SPACE, nothing of it stays, and later it is taken in', () => {
    const { box, ballast } = smallBox(12 * MEBIBYTE);
    fs.writeFileSync(join(box.source, 'large'), content(1, 24 * MEBIBYTE));
    expectFull(box);
    expect(fs.readdirSync(box.tree('.hkfs/staging'))).toEqual([]);
    expectUndamaged(box);
    fs.rmSync(ballast);
    goesOn(box);
  });

  onExt4('before the very start: NO_SPACE, sound, and queries, verify and restore go on', () => {
    const { box, ballast } = smallBox(64 * MEBIBYTE);
    fs.writeFileSync(join(box.source, 'a'), 'first');
    box.ingest();
    fill(ballast);
    fs.writeFileSync(join(box.source, 'b'), content(2, MEBIBYTE));
    expectFull(box);
    const name = basename(box.source);
    expect(box.run('cat', `${name}/a`)).toMatchObject({ status: 0, stdout: 'first' });
    expect(box.run('ls', '-0', name, '--at', 'op:1').stdout).toBe(`${name}/a\0`);
    expect(box.run('verify')).toMatchObject({ status: 0 });
    const out = fs.mkdtempSync(join(space.path, 'out-'));
    expect(box.run('restore', name, '--to', out)).toMatchObject({ status: 0 });
    expect(fs.readFileSync(join(out, name, 'a'), 'utf8')).toBe('first');
    fs.rmSync(ballast);
    goesOn(box);
  });

  onExt4('in which nothing fits any more: rm and gc work all the same, and make room', () => {
    const { box, ballast } = smallBox(64 * MEBIBYTE);
    const name = basename(box.source);
    fs.writeFileSync(join(box.source, 'a'), content(1, 8 * MEBIBYTE));
    fs.writeFileSync(join(box.source, 'b'), 'stays');
    fs.writeFileSync(join(box.source, 'c'), 'goes as well');
    box.ingest();
    // What the last change took could be undone, and is not collected.
    expect(box.run('rm', `${name}/a`, '--yes')).toMatchObject({ status: 0 });
    fill(ballast);
    expect(box.run('tag', 'later')).toMatchObject({ status: 2 });
    const old = ['--older-than', '0s', '--yes'];
    expect(box.run('rm', `${name}/c`, '--yes')).toMatchObject({ status: 0 });
    expect(box.run('gc', ...old)).toMatchObject({ status: 0, stderr: '' });
    const { bavail, bsize } = fs.statfsSync(box.root);
    expect(bavail * bsize).toBeGreaterThan(0);
    box.expectSound();
    box.expectReplayed();
    expect(box.run('cat', `${name}/b`).stdout).toBe('stays');
  });

  onExt4('no inode left: NO_SPACE, sound, and completed once there are some', () => {
    const { box } = smallBox(64 * MEBIBYTE, 64, '-N 1024');
    const fillers: string[] = [];
    try {
      for (let at = 0; ; at += 1) {
        const filler = join(box.path, `filler-${at}`);
        fs.writeFileSync(filler, '');
        fillers.push(filler);
      }
    } catch (error) {
      expect((error as { code: string }).code).toBe('ENOSPC');
    }
    for (const filler of fillers.splice(0, 60)) fs.rmSync(filler);
    for (let at = 0; at < 200; at += 1) fs.writeFileSync(join(box.source, `${at}`), `content ${at}`);
    expectFull(box);
    for (const filler of fillers.splice(0, 20)) fs.rmSync(filler);
    expectUndamaged(box);
    for (const filler of fillers) fs.rmSync(filler);
    goesOn(box);
  });

  onExt4('for init: NO_SPACE, and nothing is left behind', () => {
    const path = space.make('ext4', 16, '-m 0');
    fs.mkdirSync(join(path, 'source'));
    fill(join(path, 'ballast'));
    const before = fs.readdirSync(path);
    const box = { run: () => boxOn(path) };
    expect(box.run).toThrow(/\[NO_SPACE\]/);
    expect(fs.readdirSync(path)).toEqual(before);
  });
});
