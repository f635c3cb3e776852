/**
 * Directories that others may write to, held open: whatever is swapped for a symlink meanwhile, what is read
 * and written at and below a held directory stays below it. Who holds one gets, from then on and in every
 * thread that was told, each directory below it opened from its descriptor, through real directories only.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import { joinPath, nameFromBytes, nameToBytes, toFsPath } from './names.js';
import type { Posix } from './posix.js';

/** Linux's number (fcntl.h); Node has no name for it. Such a descriptor names a directory, unread. */
const O_PATH = 0o10000000;
const OPEN_ROOT = O_PATH | fs.constants.O_DIRECTORY;
const OPEN_BELOW = OPEN_ROOT | fs.constants.O_NOFOLLOW;
/** Descriptors of directories that a thread keeps during one task: eight threads stay far below any limit. */
const KEPT = 16;
/** PATH_MAX is 4,096 bytes with the NUL. */
const STRETCH_BYTES = 4_000;
const SLASH = 0x2f;
const BY_DESCRIPTOR = /\/proc\/self\/fd\/(\d+)(\/\.)?(?=\/|'|$)/g;

/** A descriptor is the process's, so that it is good in every thread. */
export interface HeldRoot {
  readonly path: string;
  readonly fd: number;
  /** What is below `path` and is not reached through the descriptor; null: nothing. */
  readonly except: string | null;
}

interface Held {
  readonly fd: number;
  readonly isNodes: boolean;
  users: number;
  isKept: boolean;
}

/** Of this thread. */
let roots: readonly HeldRoot[] = [];
let posixCalls: Posix | null = null;
let keeps = 0;
const kept = new Map<string, Held>();
/** Which directory a descriptor is of or was of last, for messages. */
const names = new Map<number, string>();
let hasProc: boolean | undefined;

/** Without `/proc` (or off Linux) nothing is held: directories are checked one by one before they are used. */
export function canHold(): boolean {
  return (hasProc ??= process.platform === 'linux' && fs.existsSync('/proc/self/fd'));
}

export interface RootOptions {
  /** No symlink is on the path any more, because it was followed before: any that is there now is refused. */
  readonly isReal?: boolean;
  /** Through which the path is opened, where that is open already. */
  readonly base?: string;
}

/**
 * Opens what is to be held; null where nothing can be. A symlink in `path` is followed as for every command.
 * Errors of open pass through.
 */
export function openRoot(path: string, { isReal = false, base = path }: RootOptions): HeldRoot | null {
  if (!canHold()) return null;
  const fd = isReal ? openReal(path) : fs.openSync(toFsPath(base), OPEN_ROOT);
  names.set(fd, path);
  return { path, fd, except: null };
}

function openReal(path: string): number {
  const top = fs.openSync('/', OPEN_ROOT);
  try {
    return openByComponents(top, nameToBytes(path), path);
  } finally {
    fs.closeSync(top);
  }
}

/** Replaces what this thread knows to be held. @param keep directories stay open until `forgetHeld` */
export function useRoots(held: readonly HeldRoot[], posix: Posix | null, keep: boolean): void {
  roots = [...held].sort((a, b) => b.path.length - a.path.length);
  posixCalls = posix;
  keeps = keep ? KEPT : 0;
  for (const { path, fd } of held) names.set(fd, path);
}

export function heldRoots(): readonly HeldRoot[] {
  return roots;
}

/** Whether the directory is reached through a descriptor. */
export function isHeld(directory: string): boolean {
  return roots.length > 0 && rootOf(directory) !== undefined;
}

/** Directories of this thread may have been renamed or removed: each is opened again when it is used next. */
export function forgetHeld(): void {
  for (const held of kept.values()) drop(held);
  kept.clear();
}

export interface HeldAnchor {
  /** Append `/name` with `joinPath`. */
  readonly path: string;
  /** Names the directory itself for calls that follow symlinks. */
  readonly self: string;
  close(): void;
}

/**
 * The directory by its descriptor; null where it is not held. Errors of open pass through: ENOTDIR where a
 * symlink or something else is on the way.
 */
export function openHeld(directory: string): HeldAnchor | null {
  if (roots.length === 0) return null;
  const root = rootOf(directory);
  if (root === undefined) return null;
  const relative = below(root, directory);
  if (relative === '') return { ...byDescriptor(root.fd), close: () => undefined };
  const held = kept.get(directory) ?? openKept(root, relative, directory);
  held.users += 1;
  let isOpen = true;
  const close = (): void => {
    if (isOpen && (held.users -= 1) === 0 && !held.isKept) closeHeld(held);
    isOpen = false;
  };
  return { ...byDescriptor(held.fd), close };
}

/** A message for people, with directories by their names. */
export function withoutDescriptors(message: string): string {
  if (!message.includes('/proc/self/fd/')) return message;
  return message.replace(BY_DESCRIPTOR, (text, fd: string) => names.get(Number(fd)) ?? text);
}

/** The `.` makes a path the directory's own: /proc/self/fd/N alone is a symlink to lstat. */
function byDescriptor(fd: number): { path: string; self: string } {
  const self = `/proc/self/fd/${fd}`;
  return { path: `${self}/.`, self };
}

/** The innermost, as they are sorted by their lengths; what is excepted there no outer one has either. */
function rootOf(directory: string): HeldRoot | undefined {
  const root = roots.find(({ path }) => isWithin(directory, path));
  return root?.except != null && isWithin(directory, root.except) ? undefined : root;
}

export function isWithin(directory: string, above: string): boolean {
  if (!directory.startsWith(above)) return false;
  return directory.length === above.length || above.endsWith('/') || directory[above.length] === '/';
}

/** Without slashes at its ends, as the root itself may have one. */
function below({ path }: HeldRoot, directory: string): string {
  let [start, end] = [path.length, directory.length];
  while (directory[start] === '/') start += 1;
  while (end > start && directory[end - 1] === '/') end -= 1;
  return directory.slice(start, end);
}

function openKept(root: HeldRoot, relative: string, directory: string): Held {
  const { fd, isNodes } = openBelow(root.fd, relative, directory);
  const held = { fd, isNodes, users: 0, isKept: keeps > 0 };
  names.set(fd, `${root.path}/${relative}`.replace('//', '/'));
  if (!held.isKept) return held;
  kept.set(directory, held);
  if (kept.size > keeps) {
    const [oldest] = kept.keys();
    drop(kept.get(oldest!)!);
    kept.delete(oldest!);
  }
  return held;
}

function drop(held: Held): void {
  held.isKept = false;
  if (held.users === 0) closeHeld(held);
}

/** Node warns of a descriptor that it closes and did not open. */
function closeHeld({ fd, isNodes }: Held): void {
  if (isNodes) fs.closeSync(fd);
  else posixCalls?.closeDirectory(fd);
}

function openBelow(fd: number, relative: string, directory: string): { fd: number; isNodes: boolean } {
  const opened = posixCalls === null ? null : openByStretches(fd, relative, { posix: posixCalls, directory });
  if (opened !== null) return { fd: opened, isNodes: false };
  return { fd: openByComponents(fd, nameToBytes(relative), directory), isNodes: true };
}

/** One call for as many components as the kernel takes at once; null where it has no such call. */
function openByStretches(
  root: number,
  relative: string,
  { posix, directory }: { posix: Posix; directory: string },
): number | null {
  let at = root;
  const leave = (): void => {
    if (at !== root) posix.closeDirectory(at);
  };
  try {
    for (const stretch of stretchesOf(relative)) {
      const next = posix.openDirectoryBelow(at, stretch);
      leave();
      if (next === null) return null;
      at = next;
    }
    return at;
  } catch (error) {
    leave();
    throw named(error, directory);
  }
}

function stretchesOf(relative: string): (string | Buffer)[] {
  // A UTF-16 unit becomes at most three bytes.
  if (relative.length * 3 <= STRETCH_BYTES) return [toFsPath(relative)];
  const stretches: Buffer[] = [];
  for (let rest = Buffer.from(nameToBytes(relative)); rest.length > 0;) {
    const slash = rest.lastIndexOf(SLASH, STRETCH_BYTES);
    const end = rest.length <= STRETCH_BYTES || slash <= 0 ? rest.length : slash;
    stretches.push(rest.subarray(0, end));
    rest = rest.subarray(end + 1);
  }
  return stretches;
}

/** For kernels before 5.6, and without koffi. */
function openByComponents(root: number, relative: Uint8Array, directory: string): number {
  let at = root;
  try {
    for (const name of componentsOf(relative)) {
      const next = fs.openSync(toFsPath(joinPath(`/proc/self/fd/${at}`, name)), OPEN_BELOW);
      if (at !== root) fs.closeSync(at);
      at = next;
    }
    return at === root ? fs.openSync(`/proc/self/fd/${root}/.`, OPEN_ROOT) : at;
  } catch (error) {
    if (at !== root) fs.closeSync(at);
    throw named(error, directory);
  }
}

function componentsOf(relative: Uint8Array): string[] {
  return nameFromBytes(relative)
    .split('/')
    .filter((name) => name !== '' && name !== '.');
}

/** The errno with the directory's own path; both ways of opening say the same of a symlink. */
function named(error: unknown, directory: string): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  if (code !== 'ELOOP' && code !== 'ENOTDIR')
    return Object.assign(error as Error, {
      message: `${(error as Error).message.replace(/,? \S+ '[^]*$/, '')}, open '${directory}'`,
      path: directory,
    });
  const message = `ENOTDIR: ${directory} is no directory; a symlink is not followed`;
  return Object.assign(new Error(message), { code: 'ENOTDIR', path: directory });
}
