import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';

import { toFsPath, type FsPath } from './names.js';
import { posixError } from './posix-error.js';

/**
 * A rename that fails with EEXIST rather than replace, for kernels and filesystems without
 * renameat2's RENAME_NOREPLACE. A file has both names for a moment; a directory, which cannot be
 * linked, could replace an empty directory made after the check.
 */
export function renameByLink(from: FsPath, to: FsPath): void {
  const source = toFsPath(from);
  const target = toFsPath(to);
  if (!lstatSync(source).isDirectory()) {
    linkSync(source, target);
    unlinkSync(source);
    return;
  }
  if (lstatSync(target, { throwIfNoEntry: false })) {
    throw posixError(constants.errno.EEXIST, { syscall: 'rename', path: to });
  }
  renameSync(source, target);
}
