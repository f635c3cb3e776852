/** Making an archive: all of it, or nothing that counts as one. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { EventLog } from '../events/log.js';
import { writeFileDurably } from '../fs/durable.js';
import { describeFsError } from '../fs/errors.js';
import { failpoint } from '../fs/failpoints.js';
import { parentPath, toFsPath } from '../fs/names.js';
import { makeKey } from './keys.js';
import { FORMAT_VERSION, layoutOf, type ArchiveFile, type Layout } from './layout.js';

const FAN_OUT = 256;

export interface InitOptions {
  readonly clock: () => number;
  /** Of the key that signs for the archive: 32 bytes. */
  readonly seed: Uint8Array;
}

/** @throws HkfsError ALREADY_AN_ARCHIVE, NOT_A_DIRECTORY, NO_HARD_LINKS, NO_PERMISSION, READ_ONLY, NO_SPACE */
export async function initArchive(root: string, id: string, { clock, seed }: InitOptions): Promise<void> {
  const layout = layoutOf(root);
  try {
    refuseExisting(layout);
  } catch (error) {
    throw describeFsError(error, root);
  }
  let made: string | null = null;
  try {
    made = makeDirectory(root);
    makeFolders(layout);
    failpoint('init.directories');
    refuseWithoutHardLinks(layout);
    await firstCommit(layout, id, clock());
    failpoint('init.logged');
    makeKey(layout, id, seed);
    failpoint('init.key');
    // Last: without this file there is no archive, so a kill before leaves nothing half made.
    const file: ArchiveFile = {
      format: FORMAT_VERSION,
      id,
      hash: 'blake3-256',
      created: new Date(clock()).toISOString(),
    };
    writeFileDurably(layout.archiveFile, Buffer.from(`${JSON.stringify(file, null, 2)}\n`), 0o644);
  } catch (error) {
    rmSync(toFsPath(made ?? layout.hkfs), { recursive: true, force: true });
    throw describeFsError(error, root);
  }
}

function refuseExisting(layout: Layout): void {
  const stat = lstatSync(toFsPath(layout.root), { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!statSync(toFsPath(layout.root), { throwIfNoEntry: false })?.isDirectory())
    throw new HkfsError('NOT_A_DIRECTORY', `${layout.root} is no directory`, { hint: 'name a directory' });
  if (existsSync(toFsPath(layout.archiveFile)))
    throw new HkfsError('ALREADY_AN_ARCHIVE', `${layout.root} is an archive already`, {
      hint: 'use it with --archive, or name another directory',
    });
  if (!existsSync(toFsPath(layout.hkfs))) return;
  // A kill in the middle of init leaves a .hkfs without archive.json and without objects.
  if (isLeftover(layout)) rmSync(toFsPath(layout.hkfs), { recursive: true });
  else
    throw new HkfsError('ALREADY_AN_ARCHIVE', `${layout.hkfs} holds objects but no archive.json`, {
      hint: 'bring archive.json back from a backup of the archive',
    });
}

function isLeftover(layout: Layout): boolean {
  if (!existsSync(toFsPath(layout.objects))) return true;
  return readdirSync(toFsPath(layout.objects)).every(
    (directory) => readdirSync(toFsPath(`${layout.objects}/${directory}`)).length === 0,
  );
}

/**
 * Like mkdir -p, which in Node says ENOENT for every reason.
 * A new archive is its owner's alone: its files are 0444 whatever the modes of the sources were.
 * @returns the topmost directory that was not there before, null where all were
 */
export function makeDirectory(path: string, mode = 0o700): string | null {
  if (existsSync(toFsPath(path))) return null;
  const above = makeDirectory(parentPath(path), 0o777);
  mkdirSync(toFsPath(path), mode);
  return above ?? path;
}

/** What is there already stays. */
export function makeFolders(layout: Layout): void {
  const made = { recursive: true };
  mkdirSync(toFsPath(layout.hkfs), made);
  mkdirSync(toFsPath(layout.objects), made);
  mkdirSync(toFsPath(layout.staging), made);
  for (let i = 0; i < FAN_OUT; i += 1)
    mkdirSync(toFsPath(`${layout.objects}/${i.toString(16).padStart(2, '0')}`), made);
}

/** FAT, exFAT and some network file systems have none; without them there is no tree. */
export function refuseWithoutHardLinks(layout: Layout): void {
  const probe = `${layout.staging}/probe`;
  writeFileSync(toFsPath(probe), 'hkfs');
  try {
    linkSync(toFsPath(probe), toFsPath(`${probe}.link`));
  } catch (error) {
    if (!['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK'].includes(errnoOf(error) ?? '')) throw error;
    throw new HkfsError('NO_HARD_LINKS', `the file system of ${layout.root} has no hard links`, {
      hint: 'put the archive on ext4, xfs, btrfs, zfs or another file system that has them',
      cause: error,
    });
  } finally {
    rmSync(toFsPath(probe), { force: true });
    rmSync(toFsPath(`${probe}.link`), { force: true });
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
