/** What of the outside world is asked about, checked before anything is read. */
import { lstatSync } from 'node:fs';
import { errnoOf, HkfsError, isHkfsError } from '../../errors.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { baseName, isBelowAny, parentPath, realPath, toFsPath } from '../../fs/names.js';
import type { OwnPlaces } from '../own-places.js';
import { refuseInside, refuseUnreadable, statSource } from '../ingest/sources.js';
import type { OutsideFiles } from './outside-files.js';
import type { OutsideWalk } from './outside-walk.js';

interface Operand {
  readonly path: string;
  /** Absolute, and for `LINK/` where it leads. */
  readonly real: string;
  readonly kind: 'file' | 'directory' | 'other';
  readonly device: bigint;
  readonly inode: bigint;
}

/** Which archive is asked, and what is its own. */
interface Asked {
  readonly archiveRoot: string;
  readonly own: OwnPlaces;
}

/** @throws HkfsError SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_IN_ARCHIVE, BAD_TARGET, NOT_A_FILE */
export function planOperands(paths: readonly string[], asked: Asked): Operand[] {
  return paths.map((path) => {
    const operand = operandOf(path);
    refuseUnreadable(operand.real, operand.kind === 'directory');
    refuseInside(operand.real, asked);
    if (operand.kind === 'other') throw refusal(path);
    return operand;
  });
}

/** Of a list, each path for itself: what cannot be read is told, and links and specials are counted. */
export function planList(paths: readonly string[], asked: Asked, files: OutsideFiles): Operand[] {
  const operands: Operand[] = [];
  const outside = new Set<string>();
  for (const path of paths)
    try {
      const operand = operandOf(path);
      const above = parentPath(operand.real);
      if (operand.kind === 'directory' || !outside.has(above)) refuseInside(operand.real, asked);
      outside.add(above);
      if (operand.kind === 'other') files.others += 1;
      else operands.push(operand);
    } catch (error) {
      const { code = errnoOf(error), message } = error as { code?: string; message: string };
      if (!isHkfsError(error) && errnoOf(error) === undefined) throw error;
      files.failed.push({ path, code: code!, message });
    }
  return operands;
}

/** What is named twice, or lies below a directory that is named as well, is looked at once. */
export function addOperands(walk: OutsideWalk, operands: readonly Operand[]): void {
  const directories = new Set(operands.filter(({ kind }) => kind === 'directory').map(({ real }) => real));
  const seen = new Set<string>();
  const groups = new Map<string, { device: bigint; inode: bigint; path: string; names: string[] }>();
  for (const { path, real, kind, device, inode } of operands) {
    if (seen.has(real) || isBelowAny(real, directories)) continue;
    seen.add(real);
    if (kind === 'directory') {
      walk.addDirectory({ path: withoutSlashes(path), device, inode });
      continue;
    }
    const directory = parentPath(path);
    const group = groups.get(`${device}:${directory}`);
    if (group) group.names.push(baseName(path));
    else groups.set(`${device}:${directory}`, { path: directory, device, inode, names: [baseName(path)] });
  }
  for (const { names, ...directory } of groups.values()) walk.addFiles(directory, names);
}

function operandOf(path: string): Operand {
  const isFollowed = path.endsWith('/');
  const real = isFollowed ? followed(path) : absolutePath(path);
  const { mode, dev: device, ino: inode } = statSource(real);
  const type = mode & 0o170000n;
  const kind = type === 0o040000n ? 'directory' : type === 0o100000n ? 'file' : 'other';
  return { path, real, kind, device, inode };
}

function followed(path: string): string {
  const plain = absolutePath(path);
  if ((statSource(plain).mode & 0o170000n) !== 0o120000n) return plain;
  statSource(`${plain}/.`);
  return realPath(plain);
}

function refusal(path: string): HkfsError {
  if (lstatSync(toFsPath(path), { throwIfNoEntry: false })?.isSymbolicLink())
    return new HkfsError('BAD_TARGET', `${path} is a symbolic link`, {
      hint: `links are not followed; ${path}/ is what it leads to`,
    });
  return new HkfsError('NOT_A_FILE', `${path} is neither a file nor a directory`, {
    hint: 'name directories or files',
  });
}

/** One slash at the end of `LINK/` stays: without it the link itself would be meant. */
function withoutSlashes(path: string): string {
  return path.replace(/\/+$/, '/');
}
