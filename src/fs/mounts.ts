/**
 * What is mounted where, as Linux tells (`/proc/self/mountinfo`). A bind mount shows a part of a file system
 * at a second place, with the same device and the same inodes: neither numbers nor paths tell it from what
 * was there before, only this table does. Where there is no such table, nothing is known to be mounted.
 */
import { closeSync, constants, openSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { openAnchor } from './long-path.js';
import { baseName, joinPath, nameFromBytes, parentPath, toFsPath } from './names.js';

export interface Mount {
  readonly id: string;
  /** Of the file system: all mounts of one have the same. */
  readonly device: string;
  /** Which directory or file of the file system is shown, as a path from its top. */
  readonly root: string;
  /** Where it is shown. */
  readonly point: string;
}

/** Where a directory is in its file system, by whatever path it was reached. */
export interface Whereabouts {
  readonly device: string;
  readonly path: string;
}

/** Linux's number (fcntl.h); Node has no name for it. It needs no permission to read the directory. */
const O_PATH = 0o10000000;
const OPEN_NAME = O_PATH | constants.O_NOFOLLOW;

export function readMounts(): readonly Mount[] {
  const table = readProc('/proc/self/mountinfo');
  return table === null ? [] : parseMounts(table);
}

/** @param table as in proc(5): `36 35 98:0 /root /point options…`, in which blanks are written `\040` */
export function parseMounts(table: Uint8Array): readonly Mount[] {
  const lines = Buffer.from(table).toString('latin1').split('\n');
  return lines.flatMap((line) => {
    const [id, , device, root, point] = line.split(' ');
    if (id === undefined || device === undefined || root === undefined || point === undefined) return [];
    return [{ id, device, root: unescaped(root), point: unescaped(point) }];
  });
}

/**
 * The mount through which a path is reached: a different one than its directory's where something is mounted.
 * Null where the kernel does not tell. Errors of open pass through.
 */
export function mountIdOf(path: string): string | null {
  return withName(path, (fd) => idOf(fd));
}

/** Null where the kernel does not tell. Errors of open pass through. */
export function whereaboutsOf(directory: string, mounts: readonly Mount[]): Whereabouts | null {
  return withName(directory, (fd) => {
    const id = idOf(fd);
    const mount = mounts.find((candidate) => candidate.id === id);
    if (mount === undefined) return null;
    const path = nameFromBytes(readlinkSync(`/proc/self/fd/${fd}`, 'buffer'));
    const below = after(path, mount.point);
    return below === null
      ? null
      : { device: mount.device, path: below === '' ? mount.root : joinPath(mount.root, below) };
  });
}

/** What of `path` lies below `above`: '' for itself, null for what is elsewhere. */
export function after(path: string, above: string): string | null {
  if (path === above) return '';
  const prefix = above.endsWith('/') ? above : `${above}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : null;
}

function withName<T>(path: string, use: (fd: number) => T): T | null {
  if (process.platform !== 'linux') return null;
  const anchor = openAnchor(parentPath(path) || '.');
  try {
    const fd = openSync(toFsPath(joinPath(anchor.path, baseName(path) || '.')), OPEN_NAME);
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    anchor.close();
  }
}

function idOf(fd: number): string | null {
  const facts = readProc(`/proc/self/fdinfo/${fd}`);
  return facts === null ? null : (/^mnt_id:\s*(\d+)$/m.exec(facts.toString('latin1'))?.[1] ?? null);
}

/** A machine without /proc, or one that hides it. */
function readProc(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

function unescaped(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return nameFromBytes(Buffer.from(bytes, 'latin1'));
}
