/** Small filesystems in files, mounted for one test file and gone afterwards, whatever happens. */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from '@jest/globals';
import { Box, hkfs, sh, testWhere } from '../e2e/hkfs.js';
import { hasTool, isRoot } from '../fs/scratch.js';

export type Filesystem = 'ext4' | 'btrfs' | 'xfs' | 'vfat' | 'exfat';

const MAKE: Readonly<Record<Filesystem, string>> = {
  ext4: 'mkfs.ext4 -q -F',
  btrfs: 'mkfs.btrfs -q -f',
  xfs: 'mkfs.xfs -q -f -m reflink=1',
  vfat: 'mkfs.vfat',
  exfat: 'mkfs.exfat',
};

/** Why a filesystem cannot be mounted here; null where it can. */
export function whyNot(type: Filesystem): string | null {
  if (!isRoot) return 'needs root to mount';
  if (!hasTool(`mkfs.${type}`)) return `needs mkfs.${type}`;
  const isInKernel = readFileSync('/proc/filesystems', 'utf8').includes(`\t${type}\n`);
  if (isInKernel || (type === 'exfat' && hasTool('mount.exfat-fuse'))) return null;
  return `needs a kernel with ${type}`;
}

/** `test` where all the filesystems can be mounted; elsewhere skipped, with the reason printed. */
export function testOn(...types: Filesystem[]): ReturnType<typeof testWhere> {
  const reasons = types.map(whyNot).filter((reason) => reason !== null);
  return testWhere(reasons.length === 0, reasons.join(', '));
}

export interface Mounts {
  readonly path: string;
  /** A new filesystem. @returns where it is mounted */
  make(type: Filesystem, mebibytes: number, options?: string): string;
  bind(from: string, to: string): void;
}

export function mounts(): Mounts {
  const mounted: string[] = [];
  const devices: string[] = [];
  const scratch = { path: '', make, bind };
  beforeAll(() => {
    scratch.path = mkdtempSync(join(tmpdir(), 'hkfs-mounts-'));
  });
  afterAll(() => {
    for (const path of mounted.reverse()) quietly('umount', '-l', path);
    for (const device of devices) quietly('losetup', '-d', device);
    rmSync(scratch.path, { recursive: true, force: true });
  });

  function make(type: Filesystem, mebibytes: number, options = ''): string {
    const path = mkdtempSync(join(scratch.path, `${type}-`));
    const image = `${path}.img`;
    const fd = openSync(image, 'w');
    ftruncateSync(fd, mebibytes << 20);
    closeSync(fd);
    sh(`${MAKE[type]} ${options} '${image}'`);
    if (type === 'exfat') {
      const device = sh(`losetup -f --show '${image}'`).trim();
      devices.push(device);
      sh(`mount.exfat-fuse ${device} '${path}' 2>/dev/null`);
    } else sh(`mount -o loop '${image}' '${path}'`);
    mounted.push(path);
    return path;
  }

  function bind(from: string, to: string): void {
    sh(`mount --bind '${from}' '${to}'`);
    mounted.push(to);
  }
  return scratch;
}

function quietly(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    // Unmounted before, by the test itself or by a mount above it.
  }
}

/** An archive on one filesystem, with its source where it is wanted. */
export function boxOn(path: string, source = join(path, 'source')): Box {
  const box = new Box(path, join(path, 'archive'), source);
  mkdirSync(source, { recursive: true });
  const { status, stderr } = hkfs(['init', box.root]);
  if (status !== 0) throw new Error(stderr);
  return box;
}
