import { existsSync, mkdirSync } from 'node:fs';
import { parentPath, toFsPath } from './names.js';

/**
 * Like mkdir -p. Node's own says ENOENT for every reason, and never returns where a file system answers ENOENT to
 * a mkdir in a directory that is there, as /proc does.
 * A new archive is its owner's alone: its files are 0444 whatever the modes of the sources were.
 * @param path absolute
 * @returns the topmost directory that was not there before, null where all were
 */
export function makeDirectory(path: string, mode = 0o700): string | null {
  if (existsSync(toFsPath(path))) return null;
  const above = makeDirectory(parentPath(path), 0o777);
  mkdirSync(toFsPath(path), mode);
  return above ?? path;
}
