/** `.hkfs/recover`: what is made beside the archive until it takes its place. All of it may be deleted before. */
import { closeSync, existsSync, linkSync, lstatSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { toFsPath } from '../../fs/names.js';
import { openScratch } from '../../events/salvage/salvaged-log.js';
import type { Level } from '../../events/level.js';
import type { Layout } from '../layout.js';

export interface RecoverFolder {
  readonly path: string;
  /** What was read of the damaged log, sorted. */
  readonly read: string;
  /** The new log. */
  readonly log: string;
  readonly keys: string;
  readonly archiveFile: string;
  /** That all of the new is made and was agreed to, and what is to be moved where. */
  readonly ready: string;
}

export function recoverFolder({ hkfs }: Layout): RecoverFolder {
  const path = `${hkfs}/recover`;
  return {
    path,
    read: `${path}/read`,
    log: `${path}/log`,
    keys: `${path}/keys`,
    archiveFile: `${path}/archive.json`,
    ready: `${path}/ready.json`,
  };
}

/**
 * Takes the lock of the archive's log without opening the log: LevelDB locks the inode of `LOCK`, of which the
 * scratch LevelDB gets a further name. Where there is no log, that of the scratch is the one.
 * @throws HkfsError ARCHIVE_HELD
 */
export function lockLog(layout: Layout): Promise<Level> {
  const { path, read } = recoverFolder(layout);
  mkdirSync(toFsPath(path), { recursive: true });
  mkdirSync(toFsPath(read), { recursive: true });
  shareLock(layout.log, read);
  return openScratch(read, () => {
    remove(read);
    mkdirSync(toFsPath(read));
    shareLock(layout.log, read);
  });
}

function shareLock(log: string, scratch: string): void {
  if (lstatSync(toFsPath(log), { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const [theirs, ours] = [toFsPath(`${log}/LOCK`), toFsPath(`${scratch}/LOCK`)];
  closeSync(openSync(theirs, 'a', 0o644));
  if (existsSync(ours) && lstatSync(ours).ino === lstatSync(theirs).ino) return;
  rmSync(ours, { force: true });
  linkSync(theirs, ours);
}

export function remove(...paths: readonly string[]): void {
  for (const path of paths) rmSync(toFsPath(path), { recursive: true, force: true });
}
