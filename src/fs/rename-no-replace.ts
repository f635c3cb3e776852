import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';

import { errnoOf } from '../errors.js';
import { toFsPath, type FsPath } from './names.js';
import { posixError } from './posix-error.js';

const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS']);

/**
 * A rename that fails with EEXIST rather than replace, for kernels and filesystems without
 * renameat2's RENAME_NOREPLACE. A file has both names for a moment; what cannot be linked (a directory,
 * anything on FAT) could replace what is made between the check and the rename.
 */
export function renameByLink(from: FsPath, to: FsPath): void {
  const source = toFsPath(from);
  const target = toFsPath(to);
  if (!lstatSync(source).isDirectory() && link(source, target)) {
    unlinkSync(source);
    return;
  }
  if (lstatSync(target, { throwIfNoEntry: false })) {
    throw posixError(constants.errno.EEXIST, { syscall: 'rename', path: to });
  }
  renameSync(source, target);
}

/** False where the filesystem has no hard links. */
function link(source: FsPath, target: FsPath): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error) ?? '')) throw error;
    return false;
  }
}
