/** A file system in a file that can be made anew, on the same device, as often as wanted: so its inode numbers come again. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { sh } from '../../e2e/hkfs.js';
import { hasTool, isRoot } from '../../fs/scratch.js';

/** One group of blocks for all inodes: two file systems with different files then share nearly all numbers. */
const KINDS = {
  ext4: { make: 'mkfs.ext4 -q -F -b 4096', mebibytes: 96, module: 'ext4' },
  /** Small inodes have no room for nanoseconds: times are whole seconds. */
  'ext4 with times in seconds': { make: 'mkfs.ext4 -q -F -b 4096 -I 128', mebibytes: 96, module: 'ext4' },
  btrfs: { make: 'mkfs.btrfs -q -f', mebibytes: 256, module: 'btrfs' },
  xfs: { make: 'mkfs.xfs -q -f -m reflink=1', mebibytes: 320, module: 'xfs' },
} as const;

export type Kind = keyof typeof KINDS;

export const KINDS_HERE = (Object.keys(KINDS) as Kind[]).filter((kind) => whyNot(kind) === null);

/** Why a kind cannot be mounted here; null where it can. */
export function whyNot(kind: Kind): string | null {
  const { module } = KINDS[kind];
  if (!isRoot) return 'needs root to mount';
  if (!existsSync('/dev/loop-control')) return 'needs loop devices';
  if (!hasTool(`mkfs.${module}`)) return `needs mkfs.${module}`;
  if (!readFileSync('/proc/filesystems', 'utf8').includes(`\t${module}\n`))
    return `needs a kernel with ${module}`;
  return null;
}

export class Disk {
  readonly kind: Kind;
  /** Where it is mounted. */
  readonly at: string;
  readonly #devices: string[];
  readonly #views: string[] = [];

  constructor(directory: string, kind: Kind) {
    this.kind = kind;
    this.at = join(directory, 'disk');
    mkdirSync(this.at, { recursive: true });
    this.#devices = ['one.img', 'two.img'].map((name) =>
      deviceOf(join(directory, name), KINDS[kind].mebibytes),
    );
    this.#make();
  }

  /** All that was on it is gone. */
  format(): void {
    this.#unmount();
    this.#make();
  }

  /** The same blocks on another device: inodes and times are as they were, the device is not. */
  moveToOtherDevice(): void {
    const [from, to] = this.#devices as [string, string];
    this.#unmount();
    sh(`dd if=${from} of=${to} bs=1M conv=fsync 2>/dev/null`);
    this.#devices.reverse();
    this.#mount();
  }

  /** The same directory or file at a second path, while it is used. */
  async seenAt<T>(original: string, view: string, use: () => Promise<T>): Promise<T> {
    rmSync(view, { recursive: true, force: true });
    if (statSync(original).isDirectory()) mkdirSync(view);
    else writeFileSync(view, '');
    sh(`mount --bind '${original}' '${view}'`);
    this.#views.push(view);
    try {
      return await use();
    } finally {
      sh(`umount '${view}'`);
      this.#views.pop();
    }
  }

  [Symbol.dispose](): void {
    for (const view of this.#views) quietly('umount', '-l', view);
    quietly('umount', '-l', this.at);
    for (const device of this.#devices) quietly('losetup', '-d', device);
  }

  #make(): void {
    // Whoever made a mount namespace of their own meanwhile has the old file system in it for a while.
    const make = `${KINDS[this.kind].make} ${this.#devices[0]}`;
    sh(`for i in $(seq 150); do ${make} 2>/dev/null && exit 0; sleep 0.2; done; ${make}`);
    this.#mount();
  }

  #mount(): void {
    sh(`mount -o noatime ${this.#devices[0]} '${this.at}'`);
  }

  #unmount(): void {
    sh(`umount '${this.at}'`);
  }
}

function deviceOf(image: string, mebibytes: number): string {
  rmSync(image, { force: true });
  const fd = openSync(image, 'w');
  ftruncateSync(fd, mebibytes * 2 ** 20);
  closeSync(fd);
  return sh(`losetup -f --show '${image}'`).trim();
}

function quietly(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    // Unmounted or let go before.
  }
}
