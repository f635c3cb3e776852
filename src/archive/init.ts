/** Making an archive: all of it, or nothing that counts as one. */
import { existsSync, linkSync, lstatSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { EventLog } from '../events/log.js';
import { createFileDurably, fsyncDirectory, temporaryIn } from '../fs/durable.js';
import { describeFsError } from '../fs/errors.js';
import { failpoint } from '../fs/failpoints.js';
import { makeDirectory } from '../fs/make-directory.js';
import { baseName, joinPath, parentPath, realPath, toFsPath } from '../fs/names.js';
import { namesIn } from '../fs/scan.js';
import { makeRoomForInit, removeEmpty, sweepInit } from './init-leftovers.js';
import { makeKey } from './keys.js';
import { makePrivate } from './privacy.js';
import { FORMAT_VERSION, layoutOf, type ArchiveFile, type Layout } from './layout.js';

const FAN_OUT = 256;
/** Contents and their names: what is below needs no modes of its own. */
export const OWNER_ALONE = 0o700;

export interface InitOptions {
  readonly clock: () => number;
  /** Of the key that signs for the archive: 32 bytes. */
  readonly seed: Uint8Array;
  /** The folder itself becomes its owner's alone as well. */
  readonly isPrivate?: boolean | undefined;
}

/** @throws HkfsError ALREADY_AN_ARCHIVE, DIRECTORY_NOT_EMPTY, NOT_A_DIRECTORY, BAD_TARGET, NO_HARD_LINKS, NO_PERMISSION, READ_ONLY, NO_SPACE */
export async function initArchive(
  root: string,
  id: string,
  { clock, seed, isPrivate = false }: InitOptions,
): Promise<void> {
  const layout = layoutOf(root);
  try {
    refuseExisting(layout);
  } catch (error) {
    throw describeFsError(error, root);
  }
  let made: string | null = null;
  let isBegun = false;
  try {
    made = makeDirectory(root);
    begin(layout, {
      format: FORMAT_VERSION,
      id,
      hash: 'blake3-256',
      created: new Date(clock()).toISOString(),
    });
    isBegun = true;
    makeFolders(layout);
    failpoint('init.directories');
    refuseWithoutHardLinks(layout);
    await firstCommit(layout, id, clock());
    failpoint('init.logged');
    makeKey(layout, id, seed);
    failpoint('init.key');
    if (isPrivate) makePrivate(root);
    becomeArchive(layout);
  } catch (error) {
    if (isBegun) sweepInit(layout);
    if (made !== null) removeMade(root, made);
    throw describeFsError(error, root);
  }
}

/** From now on what is in `.hkfs` is known to be made by `init`. */
function begin(layout: Layout, file: ArchiveFile): void {
  makeDirectory(layout.hkfs, OWNER_ALONE);
  failpoint('init.folder');
  try {
    createFileDurably(layout.initialising, Buffer.from(`${JSON.stringify(file, null, 2)}\n`), 0o644);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw underWay(layout);
    removeEmpty(toFsPath(layout.hkfs));
    throw error;
  }
  failpoint('init.begun');
}

function underWay({ root }: Layout): HkfsError {
  return new HkfsError('ALREADY_AN_ARCHIVE', `another hkfs makes an archive at ${root}`, {
    hint: 'use that one with --archive',
  });
}

/** Last: without this file there is no archive, so a kill before leaves nothing half made. */
function becomeArchive({ hkfs, initialising, archiveFile }: Layout): void {
  renameSync(toFsPath(initialising), toFsPath(archiveFile));
  fsyncDirectory(hkfs);
  failpoint('init.named');
}

/** Folders that were made for the archive, from the lowest up to `made`; what somebody put there stays. */
export function removeMade(root: string, made: string): void {
  for (let at = root; at.length >= made.length; at = parentPath(at)) removeEmpty(toFsPath(at));
}

function refuseExisting(layout: Layout): void {
  refuseInsideArchive(layout.root);
  const stat = lstatSync(toFsPath(layout.root), { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!statSync(toFsPath(layout.root), { throwIfNoEntry: false })?.isDirectory())
    throw new HkfsError('NOT_A_DIRECTORY', `${layout.root} is no directory`, { hint: 'name a directory' });
  makeRoomForInit(layout);
}

/**
 * @throws HkfsError BAD_TARGET for a folder in an archive: in its `.hkfs` only hkfs itself writes, and in its tree
 *   the one would take in what the other keeps, and `sync` remove it
 */
export function refuseInsideArchive(root: string): void {
  for (const place of new Set([root, realOf(root)]))
    for (let at = parentPath(place); at !== ''; at = at === '/' ? '' : parentPath(at)) {
      if (isFileThere(`${at}/archive.json`) && isFileThere(`${at}/objects`))
        throw inside(root, `${at}, which is an archive's own`);
      if (isFileThere(joinPath(at, '.hkfs/archive.json'))) throw inside(root, `the archive ${at}`);
    }
}

/** Of which the end may still be missing. */
function realOf(path: string): string {
  if (path === '/' || existsSync(toFsPath(path))) return realPath(path);
  return joinPath(realOf(parentPath(path)), baseName(path));
}

/** What nobody may see is nobody's reason. */
function isFileThere(path: string): boolean {
  return existsSync(toFsPath(path));
}

function inside(root: string, what: string): HkfsError {
  return new HkfsError('BAD_TARGET', `${root} is inside of ${what}`, { hint: 'name another directory' });
}

/** What is there already stays. */
export function makeFolders(layout: Layout): void {
  makeDirectory(layout.hkfs, OWNER_ALONE);
  for (const path of [layout.objects, layout.staging, ...fanOut(layout)]) makeDirectory(path, 0o777);
}

/** Folders that a copy without empty ones has lost: nothing is in them, and a writer needs them. */
export function remakeFolders(layout: Layout): void {
  const isComplete = existsSync(toFsPath(layout.staging)) && namesIn(layout.objects).length >= FAN_OUT;
  if (!isComplete) makeFolders(layout);
}

function fanOut({ objects }: Layout): string[] {
  return Array.from({ length: FAN_OUT }, (_, at) => `${objects}/${at.toString(16).padStart(2, '0')}`);
}

/** FAT, exFAT and some network file systems have none; without them there is no tree. */
export function refuseWithoutHardLinks(layout: Layout): void {
  const [probe, link] = [temporaryIn(layout.staging), temporaryIn(layout.staging)];
  try {
    writeFileSync(probe, 'hkfs', { flag: 'wx' });
    linkSync(probe, link);
  } catch (error) {
    if (!['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK'].includes(errnoOf(error) ?? '')) throw error;
    throw new HkfsError('NO_HARD_LINKS', `the file system of ${layout.root} has no hard links`, {
      hint: 'put the archive on ext4, xfs, btrfs, zfs or another file system that has them',
      cause: error,
    });
  } finally {
    rmSync(probe, { force: true });
    rmSync(link, { force: true });
  }
}

async function firstCommit(layout: Layout, id: string, timeMs: number): Promise<void> {
  const log = await EventLog.open(layout.log, { createIfMissing: true });
  try {
    await log.append([{ type: 'archive.created', archiveId: id, hashAlgorithm: 'blake3-256' }], {
      timeMs,
      operation: 0,
    });
  } finally {
    await log.close();
  }
}
