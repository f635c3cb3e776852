/** Whether the tree on the disk lets a name be taken, asked before anything is written. */
import { errnoOf } from '../../errors.js';
import type { Below } from '../../fs/below.js';
import type { Previous } from '../../fs/tasks.js';
import { isAsLeft, isOwn } from '../../fs/tree-operations.js';

/** @param previous what the archive has there, which makes room */
export function isFree(path: string, previous: Previous | null): boolean {
  try {
    return isAsLeft(path, previous);
  } catch (error) {
    // What is wrong with the directory is said when the tree follows.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return true;
    throw error;
  }
}

/** Whether what the archive put at a path is there still, reached through no symlink. */
export function isInPlace(tree: Below, path: string, own: Previous): boolean {
  try {
    return isOwn(tree.locate(path), own);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}
