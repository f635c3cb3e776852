/** Lists of paths, as other programs write them. */
import { readFileSync } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { nameFromBytes, toFsPath } from '../fs/names.js';
import { readAll } from './read-all.js';

const LINE_FEED = 0x0a;

/**
 * @param file `-` is standard input
 * @param isNull paths end with NULs, in which an empty one is a slip of the hand; else with lines, empty ones left out
 * @throws HkfsError USAGE, NOT_FOUND; other errors of node:fs pass through
 */
export async function readPathList(file: string, isNull: boolean): Promise<string[]> {
  const bytes = file === '-' ? await readAll(process.stdin) : readFile(file);
  const paths = splitAt(bytes, isNull ? 0 : LINE_FEED);
  if (!isNull) return paths.filter((path) => path !== '');
  if (paths.includes(''))
    throw new HkfsError('USAGE', 'a path of the list is empty', { hint: 'make the list again' });
  return paths;
}

const NO_FILE: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES', 'ENXIO'],
]);

function readFile(file: string): Buffer {
  try {
    return readFileSync(toFsPath(file));
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (!NO_FILE.has(errno)) throw error;
    throw new HkfsError('NOT_FOUND', `no list can be read from ${file}: ${errno}`, {
      hint: 'name a file with paths, or - for standard input',
    });
  }
}

/** The last may end without the separator. */
function splitAt(bytes: Buffer, separator: number): string[] {
  const parts: string[] = [];
  for (let from = 0; from < bytes.length;) {
    const found = bytes.indexOf(separator, from);
    const to = found === -1 ? bytes.length : found;
    parts.push(nameFromBytes(bytes.subarray(from, to)));
    from = to + 1;
  }
  return parts;
}
