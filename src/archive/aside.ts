/**
 * An archive that cannot be written to, because its medium is read-only or full or its owner is another: LevelDB
 * opens nothing without writing, so log and views are opened from a private copy. Their tables never change once
 * they are written, so that the copy has symlinks in their place; only what a LevelDB is opened by is copied.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { errnoOf, isHkfsError, type ErrorCode, type HkfsError } from '../errors.js';
import { joinPath, realPath, toFsPath } from '../fs/names.js';
import { explainError } from './explain-error.js';
import { readHolder } from './holder/holder-file.js';
import type { Layout } from './layout.js';
import { OpenArchive, type OpenOptions } from './open-archive.js';

/** For these an archive is opened aside; whatever else it may be is no better there. */
const REASONS: readonly ErrorCode[] = ['READ_ONLY', 'NO_PERMISSION', 'NO_SPACE'];
const TABLE = /^\d+\.(ldb|sst)$/;
/** Locks and LevelDB's own notes stay where they are. */
const NEEDED = /^(CURRENT|MANIFEST-\d+|\d+\.log|checked)$/;
/** Where there is room in memory when the disk with the folder for temporary files is the one that is full. */
const IN_MEMORY = '/dev/shm';
export const PLACES: readonly string[] = [tmpdir(), IN_MEMORY];

/** @returns why an archive has to be opened aside; undefined where that would not help */
export function reasonForAside(error: unknown, layout: Layout): HkfsError | undefined {
  const explained = explainError(error, layout);
  return REASONS.some((code) => isHkfsError(explained, code)) ? (explained as HkfsError) : undefined;
}

/** @throws `reason` where nothing can be copied, or to no place; else what opening it throws */
export async function openAside(
  layout: Layout,
  reason: HkfsError,
  options: OpenOptions = {},
): Promise<OpenArchive> {
  for (const place of PLACES) {
    const folder = copyOrNull(layout, place);
    if (folder === null) continue;
    const aside = { layout: layoutAside(layout, folder), reason, remove: () => remove(folder) };
    try {
      return await OpenArchive.open(layout.root, { ...options, layout: aside.layout, aside });
    } catch (error) {
      aside.remove();
      if (reasonForAside(error, layout) === undefined) throw error;
    }
  }
  throw reason;
}

function layoutAside(layout: Layout, folder: string): Layout {
  return {
    ...layout,
    log: `${folder}/log`,
    views: `${folder}/views`,
    nextViews: `${folder}/views.next`,
    oldViews: `${folder}/views.old`,
    checkViews: `${folder}/views.check`,
    staging: `${folder}/staging`,
    outside: `${folder}/outside`,
  };
}

function copyOrNull(layout: Layout, place: string): string | null {
  let folder: string | null = null;
  try {
    folder = mkdtempSync(joinPath(place, 'hkfs-aside-'));
    mkdirSync(`${folder}/staging`);
    // Views that are ahead of the log would count as damage of it: they are copied first.
    const whole = readHolder(layout) !== null;
    copyLevel(layout.views, `${folder}/views`, { whole });
    copyLevel(layout.log, `${folder}/log`, { whole });
    return folder;
  } catch (error) {
    if (folder !== null) remove(folder);
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}

/** @param whole tables are copied as well: whoever holds a LevelDB may remove them when it likes */
export function copyLevel(from: string, to: string, { whole }: { whole: boolean }): void {
  const names = namesOrNull(from);
  if (names === null) return;
  mkdirSync(to);
  const real = realPath(from);
  for (const name of names)
    if (NEEDED.test(name) || (whole && TABLE.test(name)))
      copyFileSync(toFsPath(joinPath(from, name)), `${to}/${name}`);
    else if (TABLE.test(name)) symlinkSync(toFsPath(joinPath(real, name)), `${to}/${name}`);
}

function namesOrNull(directory: string): string[] | null {
  try {
    return readdirSync(toFsPath(directory));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
