/**
 * What a `hkfs init` that was cut short leaves, and nothing else. While an archive is being made its `.hkfs`
 * has a file `initialising`, which at last becomes `archive.json` by a rename: so what stands beside it was
 * made by `init`. Nothing is removed for its place alone: each name has to be one that `init` makes, and
 * folders go only when they are empty.
 */
import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { joinPath, readDirectoryNames, toFsPath } from '../fs/names.js';
import type { Layout } from './layout.js';

interface Found {
  /** From `.hkfs`. */
  readonly path: string;
  readonly isDirectory: boolean;
}

const MARK = 'initialising';
const FOLDERS = /^(objects(\/[0-9a-f]{2})?|staging|keys|log)$/;
/** The folders that also a clone begins with, and the hash tree's: empty they are nobody's loss. */
const BARE_FOLDERS = /^(objects(\/[0-9a-f]{2})?|staging)$/;
const TEMPORARY = String.raw`\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp`;
/** Files of `init` itself, of LevelDB, and what a durable write has before its rename; `probe` is of earlier versions. */
const FILES = new RegExp(
  `^(initialising|staging/probe(\\.link)?|keys/archive(\\.pub)?|((keys|staging)/)?${TEMPORARY}|` +
    String.raw`log/(CURRENT|LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp)))$`,
);

/**
 * Makes room for `init` where nothing is lost by it.
 * @throws HkfsError ALREADY_AN_ARCHIVE, DIRECTORY_NOT_EMPTY; then nothing was changed
 */
export function makeRoomForInit(layout: Layout): void {
  const stat = lstatSync(toFsPath(layout.hkfs), { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) throw foreign(`${layout.hkfs} is no folder`);
  if (lstatSync(toFsPath(layout.archiveFile), { throwIfNoEntry: false }))
    throw new HkfsError('ALREADY_AN_ARCHIVE', `${layout.root} is an archive already`, {
      hint: 'use it with --archive, or name another directory',
    });
  const found = isBegun(layout) ? listed(layout.hkfs) : bare(layout);
  const other = found.find(({ path, isDirectory }) => !(isDirectory ? FOLDERS : FILES).test(path));
  if (other !== undefined)
    throw foreign(`${joinPath(layout.hkfs, other.path)} was not made by \`hkfs init\``);
  if (isBegun(layout)) sweepInit(layout);
}

/** Also after a failure of `init` itself. What it did not make stays. Errors of node:fs pass through. */
export function sweepInit(layout: Layout): void {
  for (const { path, isDirectory } of listed(layout.hkfs).reverse()) {
    const full = toFsPath(joinPath(layout.hkfs, path));
    // The mark goes last, so that the next `init` knows what a kill in between has left.
    if (path === MARK) continue;
    if (isDirectory && FOLDERS.test(path)) removeEmpty(full);
    if (!isDirectory && FILES.test(path)) unlinkSync(full);
  }
  unlinkSync(toFsPath(layout.initialising));
  removeEmpty(toFsPath(layout.hkfs));
}

/** Whether a folder of this name holds nothing but empty folders with which an archive begins. */
export function isBare({ hkfs }: Layout): boolean {
  if (!lstatSync(toFsPath(hkfs)).isDirectory()) return false;
  return listed(hkfs).every(({ path, isDirectory }) => isDirectory && BARE_FOLDERS.test(path));
}

/** What a clone that was cut short has before its `origin.json`: as above, and files whose names nobody else gives. */
const CLONE_FILES = new RegExp(`^(staging/)?${TEMPORARY}$`);

export function isBareClone({ hkfs }: Layout): boolean {
  if (!lstatSync(toFsPath(hkfs)).isDirectory()) return false;
  return listed(hkfs).every(({ path, isDirectory }) => (isDirectory ? BARE_FOLDERS : CLONE_FILES).test(path));
}

/** Takes away what `isBareClone` tells of; whatever else is there stays, and the folders that hold it. */
export function sweepClone({ hkfs }: Layout): void {
  for (const { path, isDirectory } of listed(hkfs).reverse()) {
    const full = toFsPath(joinPath(hkfs, path));
    if (isDirectory && BARE_FOLDERS.test(path)) removeEmpty(full);
    if (!isDirectory && CLONE_FILES.test(path)) unlinkSync(full);
  }
}

export function isBegun({ initialising }: Layout): boolean {
  return lstatSync(toFsPath(initialising), { throwIfNoEntry: false })?.isFile() ?? false;
}

function bare(layout: Layout): readonly Found[] {
  if (isBare(layout)) return [];
  const names = readDirectoryNames(layout.hkfs);
  const part = ['log', 'objects', 'views', 'origin.json', 'keys'].find((name) => names.includes(name));
  if (part === undefined) throw foreign(`${layout.hkfs} holds what hkfs did not make: ${names[0]}`);
  throw new HkfsError(
    'ALREADY_AN_ARCHIVE',
    `${layout.hkfs} holds ${part} of an archive, but no archive.json`,
    {
      hint: 'bring archive.json back from a backup of the archive, or name another directory',
    },
  );
}

/** Everything below, a folder before what it holds; not through symlinks. */
function listed(top: string): Found[] {
  const found: Found[] = [];
  const visit = (path: string): void => {
    for (const name of readDirectoryNames(joinPath(top, path)).sort()) {
      const child = joinPath(path, name);
      const isDirectory = lstatSync(toFsPath(joinPath(top, child))).isDirectory();
      found.push({ path: child, isDirectory });
      if (isDirectory && FOLDERS.test(child)) visit(child);
    }
  };
  visit('');
  return found;
}

export function removeEmpty(directory: string | Buffer): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
  }
}

function foreign(what: string): HkfsError {
  return new HkfsError('DIRECTORY_NOT_EMPTY', what, {
    hint: 'nothing was changed; move it away if it is not needed, or name another directory',
  });
}
