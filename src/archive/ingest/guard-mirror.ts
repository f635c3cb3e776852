/**
 * What `--mirror` is going to remove, known before anything is changed: names are compared, no file is looked
 * at, so it costs a listing of each directory that the archive has already.
 */
import { lstatSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import { inSource } from '../../fs/contents.js';
import { joinPath } from '../../fs/names.js';
import type { Listing } from '../../fs/tasks.js';
import type { Entry, Namespace } from '../../projections/namespace.js';
import type { IngestOptions } from '../api.js';
import { guardMassRemoval, type Removal } from '../mass-removal.js';
import type { OpenArchive } from '../open-archive.js';
import type { IsExcluded } from './exclude.js';
import { ScanQueue } from './scan-queue.js';
import type { SourceRoot } from './sources.js';

interface Mirrored {
  readonly directory: Entry;
  readonly relativePath: string;
}

interface VanishedOptions {
  readonly isExcluded: IsExcluded | null;
  readonly signal: AbortSignal | undefined;
}

/**
 * Each source for itself: one empty mount point among others that are whole is one too many.
 * After an abort it says nothing.
 * @throws HkfsError TOO_MANY_REMOVED
 */
export async function guardMirror(
  archive: OpenArchive,
  { mirror, yes, dryRun, confirm, signal }: IngestOptions,
  { roots, isExcluded }: { roots: readonly SourceRoot[]; isExcluded: IsExcluded | null },
): Promise<void> {
  if (mirror !== true || yes === true || dryRun === true) return;
  for (const { path, target, isDirectory } of roots) {
    const directory = isDirectory ? await archive.namespace().resolve(target) : undefined;
    if (directory?.directoryId == null) continue;
    const removal = await countVanished(archive, { path, directory }, { isExcluded, signal });
    if (signal?.aborted) return;
    const words = {
      from: `${path}, which /${target} is to mirror`,
      consequence: "--mirror removes them from the archive's names, not from history.",
      again: 'the same with --yes (--dry-run counts them)',
    };
    await guardMassRemoval(removal, words, confirm);
  }
}

/** @param directory of the archive that is to mirror the source directory `path`; after an abort, so far */
async function countVanished(
  archive: OpenArchive,
  { path, directory }: { path: string; directory: Entry },
  { isExcluded, signal }: VanishedOptions,
): Promise<Removal> {
  const namespace = archive.namespace();
  const queue = new ScanQueue<Mirrored>(archive.pool, { limit: 0, bare: true });
  const count = { removed: 0, total: 0 };
  queue.push([{ path, item: { directory, relativePath: '' } }]);
  for (let next = queue.pop(); next !== undefined && !signal?.aborted; next = queue.pop()) {
    const { directory, relativePath } = next.item;
    const names = await namesOf(next.listing);
    if (names === null) {
      await countAll(namespace, directory, { count, isGone: false });
      continue;
    }
    const children: { path: string; item: Mirrored }[] = [];
    for await (const entries of namespace.list(directory.directoryId!))
      for (const entry of entries) {
        const relative = joinPath(relativePath, entry.name);
        const { name } = entry;
        const isDirectory = entry.directoryId !== null;
        if (isExcluded?.({ name, isDirectory, below: relativePath, directory: next.path })) continue;
        count.total += 1;
        if (!names.has(entry.name)) {
          count.removed += 1;
          if (isDirectory) await countAll(namespace, entry, { count, isGone: true });
        } else if (isDirectory && !isRealDirectory(joinPath(next.path, entry.name))) {
          count.removed += 1;
          await countAll(namespace, entry, { count, isGone: true });
        } else if (isDirectory)
          children.push({
            path: joinPath(next.path, entry.name),
            item: { directory: entry, relativePath: relative },
          });
      }
    queue.push(children);
  }
  return count;
}

/** Null where it cannot be listed: then nothing of it is removed. */
async function namesOf(listing: Promise<Listing>): Promise<ReadonlySet<string> | null> {
  try {
    return new Set((await listing).names);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}

/** A symlink or a file that has the name of a directory takes the place of all that was in it. */
function isRealDirectory(path: string): boolean {
  return inSource(path, (source) => lstatSync(source, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

async function countAll(
  namespace: Namespace,
  directory: Entry,
  { count, isGone }: { count: { removed: number; total: number }; isGone: boolean },
): Promise<void> {
  let below = 0;
  for await (const _ of namespace.walk({ path: '', entry: directory })) below += 1;
  count.total += below;
  if (isGone) count.removed += below;
}
