/** Which directories of the archive hold how much of directories of the outside world. */
import type { Hash } from '../../events/types.js';
import type {
  Failure,
  MissingFile,
  OutsideContent,
  OutsideOptions,
  SimilarOptions,
  SimilarOutsideResult,
  SimilarRow,
} from '../api.js';
import { compareNames } from '../../fs/names.js';
import { resolveOnce, type ArchivePlace } from './archive-place.js';
import type { OutsideFiles } from './outside-files.js';
import { readOutside } from './read-outside.js';

/** @throws HkfsError for bad input before anything is read, and INTERRUPTED */
export async function similarOutside(
  place: ArchivePlace,
  options: OutsideOptions & SimilarOptions,
): Promise<SimilarOutsideResult> {
  const at = await resolveOnce(place, options);
  const files = await readOutside(place.layout, options);
  const failed: readonly Failure[] = files.failed;
  return { failed, rows: ask(place, files, at === undefined ? options : { ...options, at }) };
}

async function* ask(
  place: ArchivePlace,
  files: OutsideFiles,
  options: OutsideOptions & SimilarOptions,
): AsyncGenerator<SimilarRow> {
  const { at, min, missing } = options;
  const query = {
    is: 'outside' as const,
    contents: contentsOf(files),
    ...(min === undefined ? {} : { min }),
    ...(missing === undefined ? {} : { missing }),
  };
  const reader = await place.open();
  try {
    for await (const row of reader.similar(query, at === undefined ? {} : { at }))
      yield row.missing === undefined ? row : { ...row, missing: named(row.missing, files) };
  } finally {
    await reader.close();
  }
}

function contentsOf(files: OutsideFiles): OutsideContent[] {
  const contents = new Map<Hash, { hash: Hash; size: number; files: number }>();
  for (const { hash, size } of files) {
    if (hash === null) continue;
    const known = contents.get(hash);
    if (known) known.files += 1;
    else contents.set(hash, { hash, size, files: 1 });
  }
  return [...contents.values()];
}

/** The archive knows the contents only: here are the files that have them. */
function named(missing: readonly MissingFile[], files: OutsideFiles): MissingFile[] {
  const hashes = new Set(missing.map(({ hash }) => hash));
  const found: MissingFile[] = [];
  for (const { path, hash, size } of files)
    if (hash !== null && hashes.has(hash)) found.push({ path, hash, size });
  return found.sort((a, b) => compareNames(a.path, b.path));
}
