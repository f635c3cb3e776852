import { resolve } from 'node:path';
import { HkfsError } from '../errors.js';

/**
 * A path of the real filesystem from what somebody wrote. The empty one would be the present directory, and
 * is what a variable that is not set leaves: it is never meant.
 * @throws HkfsError USAGE
 */
export function absolutePath(path: string, from = process.cwd()): string {
  if (path !== '') return resolve(from, path);
  throw new HkfsError('USAGE', 'a path is empty', {
    hint: 'a variable that is not set? The present directory is written as a dot',
  });
}
