/** Disks for power cuts: one that logs what is written to it, and those that a cut leaves. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasTool, isRoot } from '../../fs/scratch.js';

export type Filesystem = 'ext4' | 'xfs' | 'btrfs';

const MAKE: Readonly<Record<Filesystem, readonly string[]>> = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  btrfs: ['mkfs.btrfs', '-q', '-f'],
};
/** About the least that each takes. */
const MEBIBYTES: Readonly<Record<Filesystem, number>> = { ext4: 160, xfs: 320, btrfs: 200 };

/** Why there can be no power cuts of this file system here; null where there can. */
export function whyNoCuts(type: Filesystem): string | null {
  if (!isRoot) return 'needs root to mount';
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  for (const tool of ['gcc', 'pkg-config', 'losetup', 'unshare', 'fusermount3', MAKE[type][0]!])
    if (!hasTool(tool)) return `needs ${tool}`;
  if (!readFileSync('/proc/filesystems', 'utf8').includes(`\t${type}\n`))
    return `needs a kernel with ${type}`;
  try {
    execFileSync('pkg-config', ['--exists', 'fuse3']);
  } catch {
    return 'needs the headers of libfuse3';
  }
  return null;
}

export function compileLogDisk(directory: string): string {
  const program = join(directory, 'logdisk');
  const flags = run('pkg-config', '--cflags', '--libs', 'fuse3').trim().split(/\s+/);
  run('gcc', '-O1', '-o', program, join(import.meta.dirname, 'logdisk.c'), ...flags);
  return program;
}

export function makeFilesystem(image: string, type: Filesystem): void {
  const fd = openSync(image, 'w');
  ftruncateSync(fd, MEBIBYTES[type] << 20);
  closeSync(fd);
  run(MAKE[type][0]!, ...MAKE[type].slice(1), image);
}

/** A file as a disk, mounted. The same loop device each time: inodes are known by their device as well. */
export class MountedDisk {
  readonly path: string;
  private readonly type: Filesystem;
  readonly device: string;

  /** @param device one that was used before */
  constructor(path: string, type: Filesystem, device = loopDevice()) {
    this.path = path;
    this.type = type;
    mkdirSync(path, { recursive: true });
    this.device = device;
    if (!existsSync(device)) run('mknod', device, 'b', '7', device.slice('/dev/loop'.length));
  }

  mount(file: string, options = 'defaults'): void {
    run('losetup', this.device, file);
    run('mount', '-t', this.type, '-o', options, this.device, this.path);
  }

  /** Never throws: what is not mounted needs not be unmounted. */
  async unmount(): Promise<void> {
    quietly('umount', this.path);
    quietly('losetup', '-d', this.device);
    // Whoever unshared the mounts of this machine meanwhile keeps the disk until it ends.
    const backing = `/sys/block/${this.device.slice('/dev/'.length)}/loop/backing_file`;
    for (let tries = 0; existsSync(backing) && tries < 1000; tries += 1) await sleep(30);
    // btrfs remembers what it saw of a disk, also when the same disk comes back with an older state.
    if (this.type === 'btrfs') quietly('btrfs', 'device', 'scan', '--forget', this.device);
  }

  async remove(): Promise<void> {
    await this.unmount();
    quietly('losetup', '--remove', this.device);
    // While the kernel has the device it hands it out as a free one, and whoever gets it needs the node.
    if (!existsSync(`/sys/block/${this.device.slice('/dev/'.length)}`)) rmSync(this.device, { force: true });
  }
}

/** The FUSE process that logs; `file` is the disk. */
export class LogDisk {
  readonly file: string;
  private readonly mountpoint: string;
  private readonly child: ChildProcess;

  private constructor(mountpoint: string, child: ChildProcess) {
    this.mountpoint = mountpoint;
    this.file = join(mountpoint, 'disk');
    this.child = child;
  }

  static async start(program: string, files: { image: string; log: string; at: string }): Promise<LogDisk> {
    mkdirSync(files.at, { recursive: true });
    const child = spawn(program, [files.image, files.log, files.at], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const disk = new LogDisk(files.at, child);
    for (let tries = 0; !existsSync(disk.file); tries += 1) {
      if (tries > 500 || child.exitCode !== null) throw new Error('logdisk did not start');
      await sleep(10);
    }
    return disk;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    quietly('fusermount3', '-u', this.mountpoint);
    await ended;
  }
}

/** Beyond those that `losetup -f` hands out, so that nobody takes it between two cuts. */
let nextLoop = 1000 + (process.pid % 8000) * 8;
function loopDevice(): string {
  return `/dev/loop${nextLoop++}`;
}

export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function quietly(command: string, ...args: string[]): void {
  try {
    run(command, ...args);
  } catch {
    // It was not there.
  }
}
