/**
 * `rm` and `gc` on a full disk: a LevelDB cannot be opened without room for a new table and a new journal of its
 * log. So caches go, and where that is not enough the views are moved to another file system until the command
 * has ended: what they took is room for the log. A kill leaves no views, and the next command makes them again.
 */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { errnoOf, isHkfsError } from '../errors.js';
import { isOfDisk } from '../fs/errors.js';
import { joinPath, toFsPath } from '../fs/names.js';
import { copyLevel, PLACES, reasonForAside } from './aside.js';
import { readHolder } from './holder/holder-file.js';
import type { Layout } from './layout.js';
import type { Aside } from './open-archive.js';

interface Elsewhere {
  readonly layout: Layout;
  readonly aside: Aside;
}

/** @throws what `open` throws, where there is room or none can be made */
export async function openInNoRoom<T>(
  layout: Layout,
  open: () => Promise<T>,
  openElsewhere: (elsewhere: Elsewhere) => Promise<T>,
): Promise<T> {
  try {
    return await openWithoutCaches(layout, open);
  } catch (error) {
    // Whoever holds it would lose its views under its hands.
    if (!isFull(error, layout) || readHolder(layout) !== null) throw error;
    const elsewhere = moveViews(layout);
    if (elsewhere === null) throw error;
    try {
      return await openElsewhere(elsewhere);
    } catch (again) {
      elsewhere.aside.remove();
      throw again;
    }
  }
}

async function openWithoutCaches<T>(layout: Layout, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!isFull(error, layout) || readHolder(layout) !== null) throw error;
    const { outside, nextViews, oldViews, checkViews, log, views } = layout;
    for (const path of [outside, nextViews, oldViews, checkViews, `${log}/LOG.old`, `${views}/LOG.old`])
      rmSync(toFsPath(path), { recursive: true, force: true });
    return open();
  }
}

function isFull(error: unknown, layout: Layout): boolean {
  return isHkfsError(reasonForAside(error, layout), 'NO_SPACE');
}

/** Null where no other place has room for them. */
function moveViews(layout: Layout): Elsewhere | null {
  const { views, nextViews } = layout;
  for (const place of PLACES) {
    let folder: string | null = null;
    try {
      folder = mkdtempSync(joinPath(place, 'hkfs-views-'));
      copyLevel(views, `${folder}/views`, { whole: true });
    } catch (error) {
      if (folder !== null) remove(folder);
      if (errnoOf(error) === undefined) throw error;
      continue;
    }
    remove(views);
    const there = { views: `${folder}/views`, nextViews: `${folder}/views.next` };
    const old = { oldViews: `${folder}/views.old`, checkViews: `${folder}/views.check` };
    const from = folder;
    const back = (): void => bringBack(from, { views, nextViews });
    return { layout: { ...layout, ...there, ...old }, aside: { reason: null, remove: back } };
  }
  return null;
}

/** Once. Where there still is no room, the next command that finds some makes them again. */
function bringBack(folder: string, { views, nextViews }: Pick<Layout, 'views' | 'nextViews'>): void {
  if (!existsSync(`${folder}/views`)) return remove(folder);
  try {
    copyLevel(`${folder}/views`, nextViews, { whole: true });
    renameSync(toFsPath(nextViews), toFsPath(views));
  } catch (error) {
    remove(nextViews);
    if (!isOfDisk(errnoOf(error) ?? '')) throw error;
  } finally {
    remove(folder);
  }
}

function remove(path: string): void {
  rmSync(toFsPath(path), { recursive: true, force: true });
}
