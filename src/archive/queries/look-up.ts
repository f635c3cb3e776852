/** Which of many contents are in the archive, and where. */
import type { Hash, Position } from '../../events/types.js';
import { compareNames } from '../../fs/names.js';
import { together } from '../../fs/together.js';
import { Census } from '../../projections/census.js';
import type { FoundContent } from '../api.js';
import type { OpenArchive } from '../open-archive.js';

/** A lookup costs as much as reading so many rows in a row. */
const ROWS_PER_LOOKUP = 32;

interface LookUpOptions {
  readonly at: Position;
  readonly paths: boolean;
}

/** In no order. A content that is known to be damaged or gone counts as absent. */
export async function* lookUp(
  archive: OpenArchive,
  hashes: readonly Hash[],
  options: LookUpOptions,
): AsyncGenerator<FoundContent> {
  const found =
    hashes.length * ROWS_PER_LOOKUP < archive.log.size
      ? oneByOne(archive, hashes, options)
      : byCensus(archive, hashes, options);
  const findings = await archive.contents().findings('');
  for await (const row of found) {
    if (findings.has(row.hash)) continue;
    if (options.at < archive.now && !(await isStored(archive, row.hash))) continue;
    yield row;
  }
}

/** Each once; empty files have no content. */
export async function* liveContents(
  archive: OpenArchive,
  at: Position,
): AsyncGenerator<{ hash: Hash; size: number }> {
  const census = await Census.take(archive.views.level, at);
  for (const content of new Set(census.fileContent))
    yield { hash: census.hashes[content]!, size: census.sizes[content]! };
}

async function* oneByOne(
  archive: OpenArchive,
  hashes: readonly Hash[],
  { at, paths }: LookUpOptions,
): AsyncGenerator<FoundContent> {
  const contents = archive.contents(at);
  const namespace = archive.namespace(at);
  for (const hash of hashes) {
    const found: string[] = [];
    for await (const path of contents.livePaths(hash, namespace)) {
      found.push(path);
      if (!paths) break;
    }
    if (found.length > 0) yield { hash, paths: paths ? found.sort(compareNames) : [] };
  }
}

async function* byCensus(
  archive: OpenArchive,
  hashes: readonly Hash[],
  { at, paths }: LookUpOptions,
): AsyncGenerator<FoundContent> {
  const census = await Census.take(archive.views.level, at, { only: hashes, names: paths });
  if (!paths) {
    for (const content of new Set(census.fileContent)) yield { hash: census.hashes[content]!, paths: [] };
    return;
  }
  const files = filesByContent(census);
  const namespace = archive.namespace(at);
  const pathOf = async (file: number): Promise<string> => {
    const directory = await namespace.pathOf(census.ids[census.fileDirectory[file]!]!);
    return directory === '' ? census.nameOf(file) : `${directory}/${census.nameOf(file)}`;
  };
  for (const [content, hash] of census.hashes.entries()) {
    const of = files[content];
    if (of === undefined) continue;
    const found = await together(of.map(pathOf));
    yield { hash, paths: found.sort(compareNames) };
  }
}

function filesByContent(census: Census): number[][] {
  const files: number[][] = [];
  for (const [file, content] of census.fileContent.entries()) (files[content] ??= []).push(file);
  return files;
}

/** History may name what was collected since. */
async function isStored(archive: OpenArchive, hash: Hash): Promise<boolean> {
  const object = await archive.contents().object(hash);
  return object !== null && object.inodes.length > 0;
}
