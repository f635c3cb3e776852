/** The tree as it was at a moment, as hard links to the objects, in an empty directory. */
import { readdirSync } from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { toFsPath } from '../../fs/names.js';
import type { MaterializeOptions, ReplaySummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveMoment } from '../queries/moments.js';
import { restore } from './restore.js';

/** @throws HkfsError DIRECTORY_NOT_EMPTY, and what a restore of the root with links does */
export async function materialize(
  archive: OpenArchive,
  options: MaterializeOptions,
  clock: () => number,
): Promise<ReplaySummary> {
  const started = clock();
  const { at, into, onProgress, onMessage, signal } = options;
  refuseFull(into);
  const { position } = await resolveMoment(archive, at, clock());
  const target = { paths: [''], to: into, at: `@${position}`, link: true };
  const made = await restore(
    archive,
    {
      ...target,
      ...(onProgress ? { onProgress } : {}),
      ...(onMessage ? { onMessage } : {}),
      ...(signal ? { signal } : {}),
    },
    clock,
  );
  const left = await restore(archive, { ...target, delete: true, dryRun: true }, clock);
  const { directories, symlinks, specials, deleted } = left;
  // A copy is what was wanted as well, where its object could not be linked to.
  const files = left.files - (made.copied ?? 0);
  const equal = made.failed.length === 0 && files + directories + symlinks + specials + deleted === 0;
  const seconds = (clock() - started) / 1000;
  return { events: position + 1, seconds, equal, differences: [], files: made.files, failed: made.failed };
}

function refuseFull(into: string): void {
  const directory = absolutePath(into);
  try {
    if (readdirSync(toFsPath(directory)).length === 0) return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return; // told by restore
    throw error;
  }
  throw new HkfsError('DIRECTORY_NOT_EMPTY', `${directory} is not empty`, {
    hint: 'name another; what a stopped run began is finished by `hkfs restore / --to DIR --link --at MOMENT`',
  });
}
