import { existsSync, mkdirSync } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { describeFsError } from './errors.js';
import { parentPath, toFsPath } from './names.js';

/**
 * Like mkdir -p. Node's own says ENOENT for every reason, and never returns where a file system answers ENOENT to
 * a mkdir in a directory that is there, as /proc does.
 * A new archive is its owner's alone: its files are 0444 whatever the modes of the sources were.
 * @param path absolute
 * @throws HkfsError BAD_TARGET, and what the file system refuses
 * @returns the topmost directory that was not there before, null where all were
 */
export function makeDirectory(path: string, mode = 0o700): string | null {
  if (existsSync(toFsPath(path))) return null;
  const above = makeDirectory(parentPath(path), 0o777);
  makeOneDirectory(path, mode);
  return above ?? path;
}

/**
 * In a directory that is there.
 * @param name what messages call it, where the path leads through a descriptor
 * @throws HkfsError BAD_TARGET, and what the file system refuses
 */
export function makeOneDirectory(path: string, mode = 0o777, name = path): void {
  try {
    mkdirSync(toFsPath(path), mode);
  } catch (error) {
    throw inWords(error, name);
  }
}

/** Above it all is there: ENOENT is the word of a file system that makes no directories, or of a symlink to nothing. */
function inWords(error: unknown, path: string): unknown {
  if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'EEXIST') return describeFsError(error, path);
  return new HkfsError('BAD_TARGET', `no directory can be made at ${path}`, {
    hint: 'name another place',
    cause: error,
  });
}
