/** A folder behind a file system that fails, shortens and rounds as a test tells it while it is mounted. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoNumber } from '../../../src/errors.js';
import { hasTool, isRoot } from '../../fs/scratch.js';

/** `create` is mknod as well, `getattr` every look at a name, `close` what close(2) answers; `*` is any of them. */
export const CALLS = [
  ...(['getattr', 'open', 'create', 'read', 'write', 'close', 'fsync', 'truncate'] as const),
  ...(['fallocate', 'lseek', 'mkdir', 'rmdir', 'opendir', 'readdir', 'link', 'unlink', 'rename'] as const),
  ...(['symlink', 'readlink', 'chmod', 'chown', 'utimens', 'statfs'] as const),
  ...(['getxattr', 'setxattr', 'listxattr', 'removexattr'] as const),
];
export type Call = (typeof CALLS)[number] | '*';

export interface Fault {
  readonly call: Call;
  /** A glob over the whole path, which begins with `/`; its stars find slashes as well. */
  readonly path: string;
  /** A name, or E200 for a number without one; null only counts. */
  readonly errno: string | null;
  /** So many go well before (0). */
  readonly skip?: number;
  /** So many fail (all). */
  readonly times?: number;
}

export interface Limits {
  /** A read of these files gives at most so many bytes at once. */
  readonly short?: { readonly path: string; readonly bytes: number };
  /** No file grows larger. */
  readonly fileSize?: number;
  /** Times are shown as multiples of it. */
  readonly seconds?: number;
}

export interface Hits {
  readonly matched: number;
  readonly failed: number;
  /** Call and path of the last failure. */
  readonly last: string;
}

/** Why there can be none here; null where there can. */
export function whyNoFaultDisk(): string | null {
  if (!isRoot) return 'needs root to mount';
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  for (const tool of ['gcc', 'pkg-config', 'fusermount3']) if (!hasTool(tool)) return `needs ${tool}`;
  return isInstalled('fuse3') ? null : 'needs the headers of libfuse3';
}

function isInstalled(library: string): boolean {
  try {
    execFileSync('pkg-config', ['--exists', library]);
    return true;
  } catch {
    return false;
  }
}

export class FaultDisk {
  /** What programs see. */
  readonly path: string;
  /** The same without any faults; what is changed here is seen there. */
  readonly behind: string;
  private readonly child: ChildProcess;

  private constructor(directory: string, child: ChildProcess) {
    this.path = join(directory, 'disk');
    this.behind = join(directory, 'behind');
    this.child = child;
  }

  static async start(directory: string): Promise<FaultDisk> {
    for (const name of ['disk', 'behind']) mkdirSync(join(directory, name));
    const words = [join(directory, 'behind'), join(directory, 'disk')];
    const child = spawn(compile(directory), words, { stdio: ['ignore', 'inherit', 'ignore'] });
    const disk = new FaultDisk(directory, child);
    for (let tries = 0; !existsSync(disk.control); tries += 1) {
      if (tries > 500 || child.exitCode !== null) throw new Error('faultdisk did not start');
      await sleep(10);
    }
    return disk;
  }

  /** From now on these, and none of those before. */
  inject(faults: readonly Fault[], limits: Limits = {}): void {
    const lines = faults.map(lineOf);
    if (limits.short) lines.push(`short ${limits.short.bytes} ${limits.short.path}`);
    if (limits.fileSize) lines.push(`limit ${limits.fileSize}`);
    if (limits.seconds) lines.push(`granularity ${limits.seconds}`);
    writeFileSync(this.control, `${lines.join('\n')}\n`);
  }

  /** Of each fault that holds now, in their order. */
  hits(): Hits[] {
    const lines = readFileSync(this.control, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const [matched, failed, ...last] = line.split(' ');
      return { matched: Number(matched), failed: Number(failed), last: last.join(' ') };
    });
  }

  clear(): Hits[] {
    const hits = this.hits();
    this.inject([]);
    return hits;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    // Lazily: whoever still has a file open there keeps nobody from ending.
    execFileSync('fusermount3', ['-u', '-z', this.path]);
    if (this.child.exitCode === null) await ended;
  }

  private get control(): string {
    return join(this.path, '.fault-control');
  }
}

function lineOf({ call, path, errno, skip = 0, times = 0 }: Fault): string {
  return [call, errno === null ? 0 : numberOf(errno), skip, times, path].join(' ');
}

function numberOf(errno: string): number {
  const number = errnoNumber(errno);
  // What the kernel takes from a FUSE file system: the caller of another would wait for ever.
  if (number === undefined || number >= 512) throw new Error(`no errno ${errno} of a disk`);
  return number;
}

function compile(directory: string): string {
  const program = join(directory, 'faultdisk');
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' });
  const source = join(import.meta.dirname, 'faultdisk.c');
  execFileSync('gcc', ['-O1', '-o', program, source, ...flags.trim().split(/\s+/)]);
  return program;
}

/** One for the time of `use`; nothing is left of it. */
export async function withFaultDisk<T>(use: (disk: FaultDisk) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'hkfs-faults-'));
  try {
    const disk = await FaultDisk.start(directory);
    try {
      return await use(disk);
    } finally {
      await disk.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
