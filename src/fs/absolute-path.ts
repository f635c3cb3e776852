import { isAbsolute, resolve } from 'node:path';
import { errnoOf, HkfsError } from '../errors.js';

/**
 * A path of the real filesystem from what somebody wrote. The empty one would be the present directory, and
 * is what a variable that is not set leaves: it is never meant.
 * @throws HkfsError USAGE
 */
export function absolutePath(path: string, from?: string): string {
  if (path !== '') return resolve(from ?? workingDirectory(path), path);
  throw new HkfsError('USAGE', 'a path is empty', {
    hint: 'a variable that is not set? The present directory is written as a dot',
  });
}

/**
 * Where relative paths start; an absolute one asks for nothing.
 * @throws HkfsError NOT_FOUND where it was removed, NO_PERMISSION where it cannot be reached
 */
export function workingDirectory(path?: string): string {
  if (path !== undefined && isAbsolute(path)) return '/';
  try {
    return process.cwd();
  } catch (error) {
    const isGone = errnoOf(error) === 'ENOENT';
    if (!isGone && errnoOf(error) !== 'EACCES') throw error;
    const what = isGone ? 'is not there any more' : 'cannot be reached';
    throw new HkfsError(isGone ? 'NOT_FOUND' : 'NO_PERMISSION', `the working directory ${what}`, {
      hint: 'go to another one, or name all paths from the root of the file system',
      cause: error,
    });
  }
}
