import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { fsyncDirectory, syncFilesystem, writeFileDurably } from '../../src/fs/durable.js';
import { loadLibc, type Libc } from '../../src/fs/libc.js';
import { nameFromBytes, toFsPath } from '../../src/fs/names.js';
import { loadPosix, Posix } from '../../src/fs/posix.js';
import { codeThrownBy, hasTool, openFds, scratchDirectory, testWhen } from './scratch.js';

const scratch = scratchDirectory();
const posix = loadPosix();
const posixTest = testWhen(posix !== null, 'koffi or libc is not available');
const spawnTest = testWhen(process.platform === 'linux' && hasTool('sync'), 'no sync command');

describe('a filesystem', () => {
  posixTest('is synced through libc, under a name of bad bytes, and no descriptor stays open', async () => {
    const path = join(scratch.path, nameFromBytes(Buffer.of(0xff)));
    mkdirSync(toFsPath(path));
    const before = openFds();
    await syncFilesystem(path, posix);
    expect(openFds()).toBe(before);
  });

  spawnTest('is synced by the sync command without koffi, whatever the directory is called', async () => {
    for (const name of ['--help', 'new\nline', nameFromBytes(Buffer.of(0xfe))]) {
      const path = join(scratch.path, name);
      mkdirSync(toFsPath(path));
      await expect(syncFilesystem(path, null)).resolves.toBeUndefined();
    }
  });

  posixTest('is synced by the sync command where libc has no syncfs', async () => {
    const lacking = new Posix({ ...(loadLibc() as Libc), syncfsAsync: async () => 38 });
    await expect(syncFilesystem(scratch.path, lacking)).resolves.toBeUndefined();
  });

  posixTest('whose sync fails throws, and is not tried another way', async () => {
    const failing = new Posix({ ...(loadLibc() as Libc), syncfsAsync: async () => 5 });
    await expect(syncFilesystem(scratch.path, failing)).rejects.toMatchObject({
      code: 'EIO',
      syscall: 'syncfs',
    });
  });

  test('that cannot be synced at all is an IO_ERROR with the reason', async () => {
    const { PATH } = process.env;
    process.env.PATH = scratch.path;
    try {
      await expect(syncFilesystem(scratch.path, null)).rejects.toMatchObject({
        code: 'IO_ERROR',
        message: expect.stringContaining('ENOENT'),
      });
    } finally {
      process.env.PATH = PATH;
    }
  });

  test('is not synced through a directory that is not there', async () => {
    await expect(syncFilesystem(join(scratch.path, 'none'), posix)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a small file', () => {
  test('is written whole with its mode, whatever the umask, and nothing else stays in the directory', () => {
    const directory = join(scratch.path, 'written');
    mkdirSync(directory);
    const umask = process.umask(0o077);
    writeFileDurably(join(directory, 'file'), Buffer.from('first'), 0o644);
    process.umask(umask);
    writeFileDurably(join(directory, 'file'), Buffer.from('second'), 0o444);
    writeFileDurably(join(directory, 'file'), Buffer.from('third'), 0o664);
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('third');
    expect([statSync(join(directory, 'file')).mode & 0o7777, readdirSync(directory)]).toEqual([
      0o664,
      ['file'],
    ]);
  });

  test('that cannot take its name leaves what was there, and no temporary file', () => {
    const directory = join(scratch.path, 'kept');
    mkdirSync(join(directory, 'taken'), { recursive: true });
    writeFileSync(join(directory, 'taken/inside'), 'kept');
    expect(codeThrownBy(() => writeFileDurably(join(directory, 'taken'), Buffer.of(1), 0o644))).toBe(
      'EISDIR',
    );
    expect([readdirSync(directory), readFileSync(join(directory, 'taken/inside'), 'utf8')]).toEqual([
      ['taken'],
      'kept',
    ]);
  });

  test('takes a name of 255 bytes', () => {
    const path = join(scratch.path, 'n'.repeat(255));
    writeFileDurably(path, Buffer.from('x'), 0o600);
    expect(readFileSync(path, 'utf8')).toBe('x');
  });

  test('in a directory that is not there fails with ENOENT', () => {
    expect(codeThrownBy(() => writeFileDurably(join(scratch.path, 'no/file'), Buffer.of(), 0o600))).toBe(
      'ENOENT',
    );
  });
});

test('a directory is synced, a file refused as one', () => {
  fsyncDirectory(scratch.path);
  writeFileSync(join(scratch.path, 'file'), '');
  expect(codeThrownBy(() => fsyncDirectory(join(scratch.path, 'file')))).toBe('ENOTDIR');
});
