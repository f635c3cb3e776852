/** Directories by how much of something they hold, whatever its layout. */
import { HkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { compareNames } from '../../fs/names.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { MissingFile, SimilarQuery, SimilarRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { indexFor, wholeIndex, type ArchiveIndex } from './archive-index.js';
import { countIn, Overlaps, type Overlap, type Wanted } from './overlaps.js';
import { findPairs, type Pair } from './pairs.js';

const DEFAULT_MIN = 0.5;

/** @throws HkfsError USAGE, NOT_FOUND, NOT_A_DIRECTORY, BAD_TARGET */
export async function* similar(
  archive: OpenArchive,
  query: SimilarQuery,
  at: Position,
): AsyncGenerator<SimilarRow> {
  const { min = DEFAULT_MIN, missing = false } = query;
  if (!(min >= 0 && min <= 1))
    throw new HkfsError('USAGE', `a containment of ${min} is not between 0 and 1`, {
      hint: '0.5 stands for half of the bytes',
    });
  if (query.is === 'all') yield* pairs(archive, { min, missing }, at);
  else yield* holders(archive, await soughtBy(archive, query, at), { min, missing, at });
}

/** What is looked for: contents, how many files have each, and where those are. */
interface Sought {
  readonly start: NamedEntry | null;
  readonly files: ReadonlyMap<Hash, { size: number; files: number; paths: readonly string[] }>;
}

async function soughtBy(
  archive: OpenArchive,
  query: Exclude<SimilarQuery, { is: 'all' }>,
  at: Position,
): Promise<Sought> {
  if (query.is === 'outside')
    return {
      start: null,
      files: new Map(query.contents.map(({ hash, size, files }) => [hash, { size, files, paths: [''] }])),
    };
  const start = await resolvePathAt(archive, query.path, at);
  refuse(start);
  return { start, files: await filesBelow(archive, start, { at, paths: query.missing ?? false }) };
}

function refuse({ path, entry }: NamedEntry): void {
  if (entry.directoryId === null)
    throw new HkfsError('NOT_A_DIRECTORY', `/${path} is a ${entry.kind}`, {
      hint: 'hkfs stat and hkfs find --same-as tell where one content is',
    });
  if (path === '')
    throw new HkfsError('BAD_TARGET', 'everything is in the root of the archive: nothing else can hold it', {
      hint: 'name a directory, or compare all with --all',
    });
}

async function filesBelow(
  archive: OpenArchive,
  start: NamedEntry,
  { at, paths }: { at: Position; paths: boolean },
): Promise<Map<Hash, { size: number; files: number; paths: string[] }>> {
  const found = new Map<Hash, { size: number; files: number; paths: string[] }>();
  for await (const { path, entry } of archive.namespace(at).walk(start)) {
    if (entry.event.type !== 'file.ingested' || entry.event.hash === null) continue;
    const { hash, size } = entry.event;
    const known = found.get(hash) ?? { size, files: 0, paths: [] };
    known.files += 1;
    if (paths) known.paths.push(path);
    found.set(hash, known);
  }
  return found;
}

async function* holders(
  archive: OpenArchive,
  sought: Sought,
  options: { min: number; missing: boolean; at: Position },
): AsyncGenerator<SimilarRow> {
  const { start, files } = sought;
  const sizes = new Map([...files].map(([hash, { size }]) => [hash, size]));
  const index = await indexFor(archive, sizes, options.at);
  const wanted = wantedOf(sought, index, start);
  const overlaps = new Overlaps(index.files.holdings).find(wanted, options.min);
  const rows: SimilarRow[] = [];
  for (const overlap of overlaps) {
    const row = await rowOf(index, overlap, wanted);
    rows.push(options.missing ? { ...row, missing: missingFiles(files, overlap.directory, index) } : row);
  }
  yield* rows.sort(bestFirst);
}

type Total = Wanted & { readonly files: number };

function wantedOf(sought: Sought, index: ArchiveIndex, start: NamedEntry | null): Total {
  const known: { content: number; count: number }[] = [];
  let [files, bytes] = [0, 0];
  for (const [hash, of] of sought.files) {
    files += of.files;
    bytes += of.files * of.size;
    const content = index.numberOf(hash);
    if (content !== undefined) known.push({ content, count: of.files });
  }
  known.sort((a, b) => a.content - b.content);
  const directory =
    start === null ? -1 : (index.directoryOf({ path: start.path, id: start.entry.directoryId! }) ?? -1);
  return {
    contents: Int32Array.from(known, ({ content }) => content),
    counts: Int32Array.from(known, ({ count }) => count),
    directory,
    files,
    bytes,
  };
}

async function rowOf(
  index: ArchiveIndex,
  overlap: Overlap,
  wanted: { readonly files: number; readonly bytes: number },
): Promise<SimilarRow> {
  const totals = await index.totalsOf(overlap.directory);
  return {
    path: await index.pathOf(overlap.directory),
    containment: overlap.bytes / wanted.bytes,
    sharedBytes: overlap.bytes,
    missingFiles: wanted.files - overlap.files,
    missingBytes: wanted.bytes - overlap.bytes,
    sharedFiles: overlap.files,
    fileContainment: overlap.files / wanted.files,
    reverseContainment: overlap.reverseBytes / totals.bytes,
    reverseFileContainment: overlap.reverseFiles / totals.files,
  };
}

function missingFiles(files: Sought['files'], directory: number, index: ArchiveIndex): MissingFile[] {
  const missing: MissingFile[] = [];
  for (const [hash, { size, paths }] of files) {
    const content = index.numberOf(hash);
    if (content !== undefined && countIn(index.files.holdings, directory, content) > 0) continue;
    for (const path of paths) missing.push({ path, hash, size });
  }
  return missing.sort((a, b) => compareNames(a.path, b.path));
}

function bestFirst(a: SimilarRow, b: SimilarRow): number {
  return (
    b.containment - a.containment ||
    b.reverseContainment - a.reverseContainment ||
    compareNames(a.path, b.path)
  );
}

async function* pairs(
  archive: OpenArchive,
  options: { min: number; missing: boolean },
  at: Position,
): AsyncGenerator<SimilarRow> {
  const index = await wholeIndex(archive, at);
  const { totals } = index.files;
  const found = findPairs(index.files, options.min);
  found.sort((a, b) => b.containment - a.containment || b.bytes - a.bytes || a.of - b.of);
  for (const pair of found) {
    const wanted = { files: totals.files[pair.of]!, bytes: totals.bytes[pair.of]! };
    const row = { of: await index.pathOf(pair.of), ...(await rowOf(index, pair, wanted)) };
    yield options.missing ? { ...row, missing: await missingOf(archive, { index, pair, at }) } : row;
  }
}

async function missingOf(
  archive: OpenArchive,
  { index, pair, at }: { index: ArchiveIndex; pair: Pair; at: Position },
): Promise<MissingFile[]> {
  const path = await index.pathOf(pair.of);
  const start = { path, entry: (await archive.namespace(at).resolve(path))! };
  return missingFiles(await filesBelow(archive, start, { at, paths: true }), pair.directory, index);
}
