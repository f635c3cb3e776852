/** Where things are in an archive (docs/design.md, "An archive on disk"), and its `archive.json`. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { errnoOf, HkfsError, isHkfsError } from '../errors.js';
import { absolutePath } from '../fs/absolute-path.js';
import { describeFsError } from '../fs/errors.js';
import { baseName, joinPath, parentPath, realPath, toFsPath } from '../fs/names.js';

/** The version of everything below `.hkfs`; raised when older programs must not touch it. */
export const FORMAT_VERSION = 1;

export interface ArchiveFile {
  readonly format: number;
  readonly id: string;
  readonly hash: 'blake3-256';
  readonly created: string;
  /** A clone, which has an `origin.json`; clones of earlier versions do not say so. */
  readonly origin?: true;
}

export interface Layout {
  readonly root: string;
  readonly hkfs: string;
  readonly archiveFile: string;
  /** What becomes `archive.json` when `init` has made all else. */
  readonly initialising: string;
  readonly log: string;
  readonly views: string;
  readonly nextViews: string;
  readonly oldViews: string;
  /** A file whose inode tells this archive from a copy of it. */
  readonly place: string;
  /** Bytes that were wrong where an object or a name of it is; nobody reads them. */
  readonly damaged: string;
  readonly checkViews: string;
  readonly objects: string;
  readonly staging: string;
  readonly outside: string;
  readonly keys: string;
  /** Where a clone came from, and how far it is. */
  readonly origin: string;
  /** Catalogues of the archives of remotes, by name and id; a cache. */
  readonly remotes: string;
  readonly holder: string;
  readonly socket: string;
  /** Tickets of those who wait for the archive. */
  readonly queue: string;
}

/** @throws HkfsError BAD_PATH: LevelDB takes no bytes that are not UTF-8 */
export function layoutOf(root: string): Layout {
  if (!root.isWellFormed())
    throw new HkfsError('BAD_PATH', `the path of an archive has to be UTF-8: ${root}`, {
      hint: 'names inside the archive may be any bytes; rename the directories above it',
    });
  return { ...layoutIn(joinPath(root, '.hkfs')), root };
}

/** Of what is not in an archive's `.hkfs` but in a directory of its own. */
export function layoutIn(hkfs: string): Layout {
  return {
    root: hkfs,
    hkfs,
    archiveFile: `${hkfs}/archive.json`,
    initialising: `${hkfs}/initialising`,
    log: `${hkfs}/log`,
    views: `${hkfs}/views`,
    nextViews: `${hkfs}/views.next`,
    oldViews: `${hkfs}/views.old`,
    checkViews: `${hkfs}/views.check`,
    place: `${hkfs}/place`,
    damaged: `${hkfs}/damaged`,
    objects: `${hkfs}/objects`,
    staging: `${hkfs}/staging`,
    outside: `${hkfs}/outside`,
    keys: `${hkfs}/keys`,
    origin: `${hkfs}/origin.json`,
    remotes: `${hkfs}/remotes`,
    holder: `${hkfs}/holder.json`,
    socket: `${hkfs}/socket`,
    queue: `${hkfs}/queue`,
  };
}

/** @throws HkfsError NOT_AN_ARCHIVE, ARCHIVE_FILE_DAMAGED or NEWER_FORMAT */
export function readArchiveFile(root: string): ArchiveFile {
  const { archiveFile } = layoutOf(root);
  const file = parseArchiveFile(readText(archiveFile, root), root);
  if (file.format > FORMAT_VERSION)
    throw new HkfsError(
      'NEWER_FORMAT',
      `${root} has format ${file.format}; this hkfs knows ${FORMAT_VERSION}`,
      {
        hint: 'use a newer hkfs for this archive',
      },
    );
  return file;
}

function readText(path: string, root: string): string {
  try {
    return readFileSync(toFsPath(path), 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error;
    throw notAnArchive(root);
  }
}

function parseArchiveFile(text: string, root: string): ArchiveFile {
  try {
    const file = JSON.parse(text) as ArchiveFile;
    if (isArchiveFile(file)) return file;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new HkfsError('ARCHIVE_FILE_DAMAGED', `${layoutOf(root).archiveFile} is not what hkfs wrote`, {
    hint: '`hkfs recover` writes it anew',
  });
}

function isArchiveFile(value: Partial<Record<keyof ArchiveFile, unknown>> | null): boolean {
  const { format, id, hash, origin } = value ?? {};
  if (origin !== undefined && origin !== true) return false;
  if (!Number.isInteger(format) || Number(format) < 1 || typeof id !== 'string') return false;
  return Number(format) > FORMAT_VERSION || hash === 'blake3-256';
}

function notAnArchive(root: string): HkfsError {
  const { hkfs, initialising, origin } = layoutOf(root);
  if (isClosed(root)) return notAllowed(root);
  if (isThere(origin))
    return new HkfsError('NOT_AN_ARCHIVE', `${root} is a clone that was not finished`, {
      hint: 'run the same `hkfs clone` again: it goes on where it stopped; of a finished clone `hkfs recover` writes archive.json anew',
    });
  if (isThere(initialising))
    return new HkfsError('NOT_AN_ARCHIVE', `${root} is an archive that was not finished`, {
      hint: 'run the same `hkfs init` again',
    });
  if (isThere(hkfs))
    return new HkfsError('NOT_AN_ARCHIVE', `${hkfs} has no archive.json`, {
      hint: '`hkfs recover` writes it anew; or name another archive with --archive DIR',
    });
  const isFile = looking(
    root,
    () => statSync(toFsPath(root), { throwIfNoEntry: false })?.isDirectory() === false,
  );
  const what = isFile ? 'a file' : 'no archive';
  return new HkfsError('NOT_AN_ARCHIVE', `${root} is ${what}`, {
    hint: 'make one with `hkfs init DIR`, or name another with --archive DIR',
  });
}

/** `.hkfs` is for its owner alone: whether an archive is in it cannot be told then. */
function isClosed(root: string): boolean {
  try {
    lstatSync(toFsPath(layoutOf(root).archiveFile));
    return false;
  } catch (error) {
    return errnoOf(error) === 'EACCES' && isThere(layoutOf(root).hkfs);
  }
}

function notAllowed(root: string): HkfsError {
  return new HkfsError('NO_PERMISSION', `${layoutOf(root).hkfs} is for its owner alone`, {
    hint: 'run hkfs as the user whose archive it is; its tree can be read without hkfs where modes allow that',
  });
}

/** A symlink to nothing is there. @throws HkfsError where nobody can tell: no permission, a loop, a bad disk */
function isThere(path: string): boolean {
  return looking(path, () => lstatSync(toFsPath(path), { throwIfNoEntry: false }) !== undefined);
}

/** An archive that cannot be reached is not one that is not there: a second one would be made beside it. */
function hasArchiveFile(root: string): boolean {
  const { archiveFile } = layoutOf(root);
  return looking(archiveFile, () => statSync(toFsPath(archiveFile), { throwIfNoEntry: false }) !== undefined);
}

function looking(path: string, look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false;
    throw describeFsError(error, path);
  }
}

/**
 * A folder of its own may be elsewhere, but not be that of another archive: what is written there would be of
 * the tree of neither.
 * @throws HkfsError BAD_TARGET
 */
function refuseBorrowed(root: string): string {
  const { hkfs } = layoutOf(root);
  if (!lstatSync(toFsPath(hkfs)).isSymbolicLink()) return root;
  const real = realPath(hkfs);
  if (baseName(real) !== '.hkfs' || parentPath(real) === realPath(root)) return root;
  throw new HkfsError('BAD_TARGET', `${hkfs} is a symlink to the .hkfs of another archive`, {
    hint: `name that one with --archive ${parentPath(real)}`,
  });
}

/**
 * For what makes an archive where there is none: null where there is nothing of one.
 * @throws HkfsError NOT_AN_ARCHIVE where a folder above has lost its `archive.json`: no archive in an archive
 */
export function findArchiveRootOrNull(cwd: string, named?: string): string | null {
  try {
    return findArchiveRoot(cwd, named);
  } catch (error) {
    if (!isHkfsError(error, 'NOT_AN_ARCHIVE')) throw error;
    if (named === undefined && cwd !== '/' && folderAbove(parentPath(cwd)) !== null) throw error;
    return null;
  }
}

/** The nearest folder upwards that has a `.hkfs` with a log. */
function folderAbove(cwd: string): string | null {
  for (let at = cwd; at !== ''; at = at === '/' ? '' : parentPath(at))
    if (isThere(layoutOf(at).log)) return at;
  return null;
}

/**
 * For what mends an archive: the directory that is named, else the nearest folder upwards that has anything of one.
 * @throws HkfsError NOT_AN_ARCHIVE, NO_PERMISSION
 */
export function findBrokenRoot(cwd: string, named?: string): string {
  if (named !== undefined) {
    const root = absolutePath(named, cwd);
    if (isClosed(root)) throw notAllowed(root);
    return root;
  }
  for (let at = cwd; at !== ''; at = at === '/' ? '' : parentPath(at))
    if (isThere(layoutOf(at).archiveFile) || isThere(layoutOf(at).objects) || isClosed(at))
      return findBrokenRoot(cwd, at);
  return findArchiveRoot(cwd);
}

/**
 * The archive's directory: the one that is named, else the nearest folder upwards that holds `.hkfs`.
 * @throws HkfsError NOT_AN_ARCHIVE, NO_PERMISSION
 */
export function findArchiveRoot(cwd: string, named?: string): string {
  if (named !== undefined) {
    const root = absolutePath(named, cwd);
    if (!hasArchiveFile(root)) throw notAnArchive(root);
    return refuseBorrowed(root);
  }
  for (let at = cwd; at !== ''; at = at === '/' ? '' : parentPath(at)) {
    if (isClosed(at)) throw notAllowed(at);
    if (hasArchiveFile(at)) return refuseBorrowed(at);
  }
  const broken = folderAbove(cwd);
  if (broken !== null) throw notAnArchive(broken);
  throw new HkfsError('NOT_AN_ARCHIVE', 'no archive here or in any folder above', {
    hint: 'name it with --archive DIR or HKFS_ARCHIVE, or make one with `hkfs init DIR`',
  });
}
