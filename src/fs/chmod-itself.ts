/** A mode for what is at a path, and never for what a symlink that was put there meanwhile leads to. */
import * as fs from 'node:fs';
import { canHold } from './held-directories.js';
import type { FsPath } from './names.js';

/** Linux's number (fcntl.h); Node has no name for it. It needs no permission to read. */
const O_PATH = 0o10000000;
const OPEN_ITSELF = O_PATH | fs.constants.O_NOFOLLOW;

/**
 * @param isMeant of what is there: otherwise it is left alone
 * @returns whether it has the mode now. Errors of node:fs pass through
 */
export function chmodItself(path: FsPath, mode: number, isMeant: (stat: fs.BigIntStats) => boolean): boolean {
  if (!canHold()) {
    if (!isMeant(fs.lstatSync(path, { bigint: true }))) return false;
    fs.chmodSync(path, mode);
    return true;
  }
  const fd = fs.openSync(path, OPEN_ITSELF);
  try {
    if (!isMeant(fs.fstatSync(fd, { bigint: true }))) return false;
    fs.chmodSync(`/proc/self/fd/${fd}`, mode);
    return true;
  } finally {
    fs.closeSync(fd);
  }
}
