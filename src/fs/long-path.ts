import { closeSync, constants, openSync } from 'node:fs';

import { openHeld } from './held-directories.js';
import { nameFromBytes, nameToBytes, toFsPath } from './names.js';

/**
 * Longest path handed to a system call as it is. PATH_MAX is 4,096 bytes with the NUL; this leaves
 * room for `/proc/self/fd/N/` before it and a name of 255 bytes after it.
 */
const DIRECT_BYTES = 3_800;
/** A UTF-16 unit becomes at most three bytes. */
const BYTES_PER_UNIT = 3;
const SLASH = 0x2f;
/** Linux's number (fcntl.h); Node has no name for it. Such an fd names a directory, unread. */
const O_PATH = 0o10000000;
const OPEN_DIRECTORY = O_PATH | constants.O_DIRECTORY;

/** A directory under a path short enough for system calls. */
export interface Anchor {
  /** Append `/name` (up to 255 bytes) with `joinPath`; good until `close`, in every thread. */
  readonly path: string;
  close(): void;
}

/**
 * A short path of a directory, whatever its depth: the path itself up to 3,800 bytes, at no cost;
 * beyond, one through an open directory under `/proc/self/fd` (Linux). Errors of open pass through;
 * a symlink where a lower stretch of the path ends is refused with ENOTDIR. What is held open is reached through its
 * descriptor, and no symlink on the way from there is followed (see held-directories).
 */
export function openAnchor(directory: string): Anchor {
  const held = openHeld(directory);
  if (held !== null) return held;
  if (isDirect(directory)) return { path: directory, close: () => undefined };
  const { fd, rest } = openStretches(nameToBytes(directory));
  let isOpen = true;
  return {
    // The `.` makes the path the directory's own: /proc/self/fd/N alone is a symlink to lstat.
    path: `/proc/self/fd/${fd}/${nameFromBytes(rest) || '.'}`,
    close: () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

/** Calls `fn` with the directory's short path, valid during the call only: `fn` is synchronous. */
export function withDirectory<T>(directory: string, fn: (base: string) => T): T {
  const anchor = openAnchor(directory);
  try {
    return fn(anchor.path);
  } finally {
    anchor.close();
  }
}

function isDirect(directory: string): boolean {
  if (process.platform !== 'linux') return true;
  if (directory.length * BYTES_PER_UNIT <= DIRECT_BYTES) return true;
  return Buffer.byteLength(toFsPath(directory)) <= DIRECT_BYTES;
}

/** Opens one stretch of the path after the other, holding at most two open at a time. */
function openStretches(path: Uint8Array): { fd: number; rest: Uint8Array } {
  let fd = -1;
  let rest = path;
  while (rest.length > DIRECT_BYTES) {
    const end = lastCut(rest);
    fd = openAndClose(fd, rest.subarray(0, end));
    rest = rest.subarray(end + 1);
  }
  return { fd, rest: withoutLeadingSlashes(rest) };
}

/** The last slash within the limit; a name without one goes to the kernel, which refuses it. */
function lastCut(path: Uint8Array): number {
  const slash = path.lastIndexOf(SLASH, DIRECT_BYTES);
  return slash > 0 ? slash : path.length;
}

function openAndClose(fd: number, stretch: Uint8Array): number {
  try {
    return openBelow(fd, stretch);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** @param fd of a directory; -1 where the stretch is a path by itself */
export function openBelow(fd: number, stretch: Uint8Array): number {
  if (fd < 0) return openSync(toFsPath(nameFromBytes(stretch)), OPEN_DIRECTORY);
  const path = toFsPath(`/proc/self/fd/${fd}/${nameFromBytes(stretch)}`);
  return openSync(path, OPEN_DIRECTORY | constants.O_NOFOLLOW);
}

function withoutLeadingSlashes(path: Uint8Array): Uint8Array {
  const start = path.findIndex((byte) => byte !== SLASH);
  return start < 0 ? path.subarray(path.length) : path.subarray(start);
}
