import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, describe, expect } from '@jest/globals';

import { loadPosix } from '../../src/fs/posix.js';
import { codeThrownBy, hasTool, isRoot, scratchDirectory, testWhen } from './scratch.js';

const posix = loadPosix();
const scratch = scratchDirectory();
const posixTest = testWhen(posix !== null, 'koffi or libc is not available');
const mountTest = testWhen(posix !== null && isRoot && hasTool('mkfs.btrfs'), 'no mkfs.btrfs, or not root');

/** The mount point of a new btrfs of 128 MiB in a file, or null where mounting is refused. */
function mountBtrfs(): string | null {
  const [image, point] = [join(scratch.path, 'image'), join(scratch.path, 'mounted')];
  writeFileSync(image, '');
  truncateSync(image, 128 << 20);
  mkdirSync(point);
  try {
    execFileSync('mkfs.btrfs', ['-q', image], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'loop', image, point], { stdio: 'ignore' });
    return point;
  } catch {
    process.stderr.write('not checked in test/fs/reflink: btrfs cannot be mounted here\n');
    return null;
  }
}

function cloneOf(source: string, target: string): boolean | undefined {
  const [from, to] = [openSync(source, 'r'), openSync(target, 'w')];
  try {
    return posix?.ficlone(to, from);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

describe('a clone', () => {
  let mounted: string | null = null;
  afterAll(() => {
    if (mounted) execFileSync('umount', [mounted]);
  });

  posixTest('is not made between filesystems that share no blocks, and no error is thrown', () => {
    writeFileSync(join(scratch.path, 'a'), 'a');
    expect(cloneOf('/proc/self/status', join(scratch.path, 'b'))).toBe(false);
  });

  posixTest('from a directory is an error', () => {
    expect(codeThrownBy(() => cloneOf(scratch.path, join(scratch.path, 'c')))).toMatch(/^E/);
  });

  mountTest('on btrfs has the same bytes', () => {
    mounted = mountBtrfs();
    if (mounted === null) return;
    writeFileSync(join(mounted, 'source'), Buffer.alloc(1 << 20, 'bytes'));
    expect(cloneOf(join(mounted, 'source'), join(mounted, 'clone'))).toBe(true);
    expect(readFileSync(join(mounted, 'clone')).equals(readFileSync(join(mounted, 'source')))).toBe(true);
  });
});
