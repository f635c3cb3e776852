import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

import { describe, expect } from '@jest/globals';
import * as fc from 'fast-check';

import { loadPosix } from '../../src/fs/posix.js';
import { codeThrownBy, scratchDirectory, testWhen } from './scratch.js';

const loaded = loadPosix();
const posixTest = testWhen(loaded !== null, 'koffi or libc is not available');
const posix = loaded as NonNullable<typeof loaded>;
const scratch = scratchDirectory();

function fileCalled(name: string, content = ''): string {
  const path = join(scratch.path, name);
  writeFileSync(path, content);
  return path;
}

/** A file of 3 MiB with bytes only in its second MiB. */
function openWithHoles(name: string): number {
  const fd = openSync(join(scratch.path, name), 'w+');
  writeSync(fd, Buffer.alloc(1 << 20, 1), 0, 1 << 20, 1 << 20);
  ftruncateSync(fd, 3 << 20);
  return fd;
}

describe('times', () => {
  posixTest('nanoseconds survive, before 1970 too, and an absent time stays', () => {
    const path = fileCalled('times');
    const times = fc.bigInt({ min: -2_000_000_000_000_000_000n, max: 4_000_000_000_000_000_000n });
    fc.assert(
      fc.property(times, times, (atimeNs, mtimeNs) => {
        posix.utimensat(path, { atimeNs, mtimeNs: 0n });
        posix.utimensat(path, { mtimeNs });
        expect(lstatSync(path, { bigint: true })).toMatchObject({ atimeNs, mtimeNs });
      }),
    );
  });

  posixTest('noFollow sets the time of a symlink and leaves its target alone', () => {
    const target = fileCalled('target');
    const link = join(scratch.path, 'link');
    symlinkSync(target, link);
    posix.utimensat(target, { mtimeNs: 7n });
    posix.utimensat(link, { mtimeNs: 1_500_000_001n }, { noFollow: true });
    expect([lstatSync(link, { bigint: true }).mtimeNs, lstatSync(target, { bigint: true }).mtimeNs]).toEqual([
      1_500_000_001n,
      7n,
    ]);
  });

  posixTest('futimens sets the time of an open file', () => {
    const fd = openSync(join(scratch.path, 'open'), 'w');
    posix.futimens(fd, { mtimeNs: -1n });
    closeSync(fd);
    expect(lstatSync(join(scratch.path, 'open'), { bigint: true }).mtimeNs).toBe(-1n);
  });
});

describe('errors', () => {
  posixTest('a failed call looks like an error of node:fs', () => {
    const path = join(scratch.path, 'none');
    expect(codeThrownBy(() => lstatSync(path))).toBe('ENOENT');
    expect(() => posix.utimensat(path, { mtimeNs: 0n })).toThrow(
      expect.objectContaining({ code: 'ENOENT', errno: -2, syscall: 'utimensat', path }),
    );
    expect(() => posix.utimensat(path, { mtimeNs: 0n })).toThrow(
      /^ENOENT: no such file or directory, utimensat '/,
    );
  });

  posixTest.each([
    ['ENAMETOOLONG', 'x/'.repeat(2_048)],
    ['ENAMETOOLONG', 'é'.repeat(2_048)],
    ['ENAMETOOLONG', '\udcff'.repeat(4_096)],
    ['EINVAL', '/tmp\0/x'],
  ])('%s is thrown for a path no system call takes', (code, path) => {
    expect(codeThrownBy(() => posix.llistxattr(path))).toBe(code);
  });

  posixTest('a path of 4,095 bytes is still passed whole', () => {
    const path = `${'/'.repeat(4_092)}tmp`;
    expect([path.length, posix.llistxattr(path)]).toEqual([4_095, []]);
  });

  posixTest('a bad file descriptor is EBADF in every call on one', async () => {
    expect(codeThrownBy(() => posix.futimens(-1, {}))).toBe('EBADF');
    expect(codeThrownBy(() => posix.seekData(-1, 0))).toBe('EBADF');
    expect(codeThrownBy(() => posix.ficlone(-1, -1))).toBe('EBADF');
    expect(codeThrownBy(() => posix.syncfs(-1))).toBe('EBADF');
    expect(codeThrownBy(() => posix.posixFadvise(-1, { offset: 0, length: 0 }, 'dontneed'))).toBe('EBADF');
    await expect(posix.syncfsAsync(-1)).rejects.toMatchObject({ code: 'EBADF', syscall: 'syncfs' });
  });
});

describe('holes', () => {
  posixTest('data and holes are found where they are, and nothing beyond the end', () => {
    const fd = openWithHoles('holes');
    expect([posix.seekData(fd, 0), posix.seekHole(fd, 1 << 20), posix.seekHole(fd, 0)]).toEqual([
      1 << 20,
      2 << 20,
      0,
    ]);
    expect([posix.seekData(fd, 2 << 20), posix.seekHole(fd, 3 << 20)]).toEqual([null, null]);
    closeSync(fd);
  });

  posixTest('offsets beyond 4 GiB are exact', () => {
    const fd = openSync(join(scratch.path, 'huge'), 'w+');
    const offset = 5 * 2 ** 30;
    writeSync(fd, 'x', offset);
    expect(posix.seekData(fd, 4096)).toBe(offset);
    closeSync(fd);
  });
});

describe('accounts', () => {
  posixTest('the user and group of this process have names, and unknown ones have none', () => {
    const { uid, gid, username } = userInfo();
    const group = execFileSync('id', ['-gn', String(gid === 0 ? 'root' : username)], {
      encoding: 'utf8',
    }).trim();
    for (let round = 0; round < 2; round++) {
      expect([posix.userName(uid), posix.groupName(gid)]).toEqual([username, group]);
      expect([posix.userName(3_999_999_999), posix.groupName(3_999_999_999)]).toEqual([null, null]);
    }
  });

  posixTest('more accounts than are remembered are still answered', () => {
    for (let uid = 3_000_000; uid < 3_005_000; uid++) posix.userName(uid);
    expect(posix.userName(0)).toBe('root');
  });
});

describe('whole filesystems and page cache', () => {
  posixTest('syncfs succeeds, waiting or not, and leaves the main thread free', async () => {
    const fd = openSync(scratch.path, 'r');
    posix.syncfs(fd);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await Promise.all([posix.syncfsAsync(fd), posix.syncfsAsync(fd)]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(timer);
    closeSync(fd);
    expect(turns).toBeGreaterThan(0);
  });

  posixTest.each(['normal', 'random', 'sequential', 'willneed', 'dontneed'] as const)(
    'the advice %s is taken',
    (advice) => {
      const fd = openSync(fileCalled('advised', 'x'), 'r');
      posix.posixFadvise(fd, { offset: 0, length: 0 }, advice);
      closeSync(fd);
    },
  );

  posixTest('an instance answers the same after thousands of calls as at first', () => {
    const path = fileCalled('often');
    const first = posix.readXattrs(path);
    for (let round = 0; round < 20_000; round++) posix.readXattrs(path);
    expect(posix.readXattrs(path)).toEqual(first);
  });
});
