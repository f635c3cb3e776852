import { readdirSync, realpathSync } from 'node:fs';

import { HkfsError } from '../errors.js';
import { asBuffer } from '../events/bytes.js';
import { nameFromBytes, nameToBytes } from '../events/names.js';

export { nameFromBytes, nameToBytes };

/** A path for node:fs and for libc: well-formed text, or raw bytes where the names are not UTF-8. */
export type FsPath = string | Buffer;

/** Longest name that Linux filesystems take, in bytes (NAME_MAX). */
const NAME_MAX = 255;
/** A UTF-16 unit becomes at most three bytes. */
const BYTES_PER_UNIT = 3;
const REPLACEMENT = '\uFFFD';

/** What to hand to node:fs: the string itself when it is well formed, else its raw bytes. */
export function toFsPath(path: FsPath): FsPath {
  return typeof path !== 'string' || path.isWellFormed() ? path : asBuffer(nameToBytes(path));
}

/** The names in a directory as PEP 383 strings, in no order. Errors of node:fs pass through. */
export function readDirectoryNames(path: FsPath): string[] {
  const target = toFsPath(path);
  const names = readdirSync(target, 'utf8');
  // Node decodes every bad byte to U+FFFD, so distinct names may have become equal.
  if (!names.some((name) => name.includes(REPLACEMENT))) return names;
  return readdirSync(target, 'buffer').map((bytes) => nameFromBytes(bytes));
}

/** The path with every symlink followed. Errors of node:fs pass through. */
export function realPath(path: FsPath): string {
  // Only the native form takes bytes as they are; the other reads them as UTF-8.
  return nameFromBytes(realpathSync.native(toFsPath(path), 'buffer'));
}

/** `dir/name`; the name alone when `dir` is empty. */
export function joinPath(dir: string, name: string): string {
  if (dir === '') return name;
  return dir.endsWith('/') ? dir + name : `${dir}/${name}`;
}

/** All but the last name: `''` for a single relative name, `/` directly below the root. */
export function parentPath(path: string): string {
  const end = endWithoutSlashes(path);
  const slash = path.lastIndexOf('/', end - 1);
  if (slash < 0) return path.startsWith('/') ? '/' : '';
  return path.slice(0, endWithoutSlashes(path.slice(0, slash))) || '/';
}

/** The last name; `''` for the root and for an empty path. */
export function baseName(path: string): string {
  const end = endWithoutSlashes(path);
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

function endWithoutSlashes(path: string): number {
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--;
  return end;
}

/** Paths within one tree, without slashes at their ends; '' is the root, which all are below. */
export function isAtOrBelow(path: string, above: string): boolean {
  return above === '' || path === above || path.startsWith(`${above}/`);
}

/** Whether a directory above the path is among some, of the tree or of the disk, without slashes at their ends. */
export function isBelowAny(path: string, directories: { has(path: string): boolean }): boolean {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (directories.has(path.slice(0, at))) return true;
  return path !== '/' && directories.has('/');
}

/** Orders names by their bytes: negative, zero or positive. */
export function compareNames(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    // UTF-8 orders like code points, and so do UTF-16 units unless a surrogate is among them.
    if (isSurrogate(left) || isSurrogate(right)) return Buffer.compare(nameToBytes(a), nameToBytes(b));
    return left - right;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** True for what one directory entry may be called, and for nothing that stands for no bytes. */
export function isValidName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  if (name.includes('/') || name.includes('\0')) return false;
  if (!name.isWellFormed() && !isCanonical(name)) return false;
  return name.length * BYTES_PER_UNIT <= NAME_MAX || Buffer.byteLength(toFsPath(name)) <= NAME_MAX;
}

/** False for surrogates outside U+DC80–U+DCFF and for escaped bytes that are UTF-8 after all. */
function isCanonical(name: string): boolean {
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/.test(name)) return false;
  if (/(?<![\uD800-\uDBFF])[\uDC00-\uDC7F\uDD00-\uDFFF]/.test(name)) return false;
  return nameFromBytes(nameToBytes(name)) === name;
}

/**
 * A path inside an archive as its entries spell it: no slashes at the ends, no `.` and no `..`;
 * `''` is the root.
 * @throws HkfsError BAD_PATH for a `..` that leaves the archive, NUL, or a name of over 255 bytes;
 *   BAD_TARGET for what lies under `.hkfs`.
 */
export function normalizeTreePath(input: string): string {
  const parts: string[] = [];
  for (const part of input.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(checkedName(part, input));
    else if (parts.pop() === undefined) throw badPath(input, 'leads out of the archive');
  }
  if (parts[0] === '.hkfs') {
    throw new HkfsError('BAD_TARGET', `${JSON.stringify(input)} is reserved for hkfs itself`, {
      hint: 'Choose a path outside .hkfs.',
    });
  }
  return parts.join('/');
}

function checkedName(name: string, input: string): string {
  if (!isValidName(name)) throw badPath(input, 'has a name that no filesystem takes');
  return name;
}

function badPath(input: string, reason: string): HkfsError {
  return new HkfsError('BAD_PATH', `${JSON.stringify(input)} ${reason}`, {
    hint: 'Write paths from the root of the archive.',
  });
}
