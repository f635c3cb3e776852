import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import {
  fsyncDirectory,
  WrittenFilesystem,
  WrittenFilesystems,
  writeFileDurably,
} from '../../src/fs/durable.js';
import { loadLibc, type Libc } from '../../src/fs/libc.js';
import { nameFromBytes, toFsPath } from '../../src/fs/names.js';
import { loadPosix, Posix } from '../../src/fs/posix.js';
import { codeThrownBy, hasTool, openFds, scratchDirectory, testWhen } from './scratch.js';

const scratch = scratchDirectory();
const posix = loadPosix();
const posixTest = testWhen(posix !== null, 'koffi or libc is not available');
const spawnTest = testWhen(process.platform === 'linux' && hasTool('sync'), 'no sync command');

async function syncFilesystem(path: string, calls: Posix | null): Promise<void> {
  const filesystem = new WrittenFilesystem(path);
  try {
    await filesystem.sync(calls);
  } finally {
    filesystem.close();
  }
}

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

describe('a filesystem that is written to', () => {
  /** A libc whose syncfs notes the descriptor and fails where it is told to. */
  function noting(numbers: number[]): { calls: Posix; fds: number[] } {
    const fds: number[] = [];
    const syncfsAsync = async (fd: number): Promise<number> => {
      fds.push(fd);
      return numbers.shift() ?? 0;
    };
    return { calls: new Posix({ ...(loadLibc() as Libc), syncfsAsync }), fds };
  }

  posixTest('is synced through the one descriptor that was opened before the first write', async () => {
    const before = openFds();
    const filesystem = new WrittenFilesystem(scratch.path);
    expect(openFds()).toBe(before + 1);
    const { calls, fds } = noting([]);
    for (let time = 0; time < 3; time += 1) await filesystem.sync(calls);
    expect([fds.length, new Set(fds).size]).toEqual([3, 1]);
    filesystem.close();
    filesystem.close();
    expect(openFds()).toBe(before);
  });

  posixTest('fails for ever once a sync failed: the kernel tells of it once', async () => {
    const filesystem = new WrittenFilesystem(scratch.path);
    const { calls } = noting([0, 5, 0]);
    await filesystem.sync(calls);
    for (let time = 0; time < 2; time += 1)
      await expect(filesystem.sync(calls)).rejects.toMatchObject({ code: 'EIO', syscall: 'syncfs' });
    filesystem.close();
  });

  posixTest('is opened once for each device, and all are synced', async () => {
    const filesystems = new WrittenFilesystems();
    filesystems.add(scratch.path, 1n);
    filesystems.add(scratch.path, 1n);
    filesystems.add('/', 2n);
    const { calls, fds } = noting([]);
    await filesystems.sync(calls);
    expect(new Set(fds).size).toBe(2);
    filesystems.close();
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
