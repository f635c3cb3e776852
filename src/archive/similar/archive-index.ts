/**
 * The directories that hold given contents, numbered for the search: from their postings where those
 * are few, else from one pass over everything.
 */
import type { DirectoryId, Hash, Position } from '../../events/types.js';
import { livePath } from '../../projections/contents.js';
import { Census } from '../../projections/census.js';
import { parentPath } from '../../fs/names.js';
import type { OpenArchive } from '../open-archive.js';
import { indexFiles, type IndexedFiles, type NumberedFiles } from './index-files.js';

/** Looking a posting up costs as much as reading so many rows in a row. */
const ROWS_PER_LOOKUP = 32;

export interface ArchiveIndex {
  readonly files: IndexedFiles;
  readonly hashes: readonly Hash[];
  /** Number in the holdings, undefined for what no file has. */
  numberOf(hash: Hash): number | undefined;
  /** Undefined for a directory that has nothing of what was asked for. */
  directoryOf(place: { path: string; id: DirectoryId }): number | undefined;
  pathOf(directory: number): Promise<string>;
  /** Files with content at or below a directory, and their bytes. */
  totalsOf(directory: number): Promise<{ files: number; bytes: number }>;
}

/** For a search for these contents. */
export async function indexFor(
  archive: OpenArchive,
  contents: ReadonlyMap<Hash, number>,
  at: Position,
): Promise<ArchiveIndex> {
  const postings = await fewPostings(archive, contents.keys(), at);
  return postings === null ? wholeIndex(archive, at) : indexOfPostings(archive, { postings, contents }, at);
}

export async function wholeIndex(archive: OpenArchive, at: Position): Promise<ArchiveIndex> {
  const census = await Census.take(archive.views.level, at);
  const files = indexFiles(census);
  const namespace = archive.namespace(at);
  const { ranks, totals } = files;
  const numbers = new Map(census.hashes.map((hash, number) => [hash, ranks[number]!]));
  const directories = new Map(census.ids.map((id, number) => [id, number]));
  return {
    files,
    hashes: inOrder(census.hashes, ranks),
    numberOf: (hash) => numbers.get(hash),
    directoryOf: ({ id }) => directories.get(id),
    pathOf: async (directory) => (await namespace.pathOf(census.ids[directory]!)) ?? '',
    totalsOf: async (directory) => ({ files: totals.files[directory]!, bytes: totals.bytes[directory]! }),
  };
}

interface Posting {
  readonly hash: Hash;
  readonly parent: DirectoryId;
  readonly name: string;
}

/** Null when reading everything is cheaper than looking each of them up. */
async function fewPostings(
  archive: OpenArchive,
  hashes: Iterable<Hash>,
  at: Position,
): Promise<Posting[] | null> {
  const most = archive.log.size / ROWS_PER_LOOKUP;
  const found: Posting[] = [];
  let asked = 0;
  for (const hash of hashes) {
    if (++asked > most) return null;
    for await (const { parent, name } of archive.contents(at).postings(hash)) {
      if (found.length > most) return null;
      found.push({ hash, parent, name });
    }
  }
  return found;
}

async function indexOfPostings(
  archive: OpenArchive,
  asked: { postings: readonly Posting[]; contents: ReadonlyMap<Hash, number> },
  at: Position,
): Promise<ArchiveIndex> {
  const namespace = archive.namespace(at);
  const tree = new PathTree();
  const named: { directory: string; hash: Hash }[] = [];
  for (const posting of asked.postings) {
    const path = await livePath(posting, posting.hash, namespace);
    if (path === null) continue;
    const directory = parentPath(path);
    tree.add(directory);
    named.push({ directory, hash: posting.hash });
  }
  const { files, hashes } = numbered(tree, named, asked.contents);
  const indexed = indexFiles(files);
  const numbers = new Map(hashes.map((hash, number) => [hash, indexed.ranks[number]!]));
  const { paths } = tree;
  return {
    files: indexed,
    hashes: inOrder(hashes, indexed.ranks),
    numberOf: (hash) => numbers.get(hash),
    directoryOf: ({ path }) => tree.numberOf(path),
    pathOf: async (directory) => paths[directory]!,
    totalsOf: (directory) => measure(archive, paths[directory]!, at),
  };
}

/** Directories by path, with all that are above them. */
class PathTree {
  private readonly children = new Map<string, string[]>([['', []]]);
  private numbers: Map<string, number> | null = null;
  paths: string[] = [];

  add(path: string): void {
    let [at, below] = [path, ''];
    while (!this.children.has(at)) {
      this.children.set(at, below === '' ? [] : [below]);
      [at, below] = [parentPath(at), at];
    }
    if (below !== '') this.children.get(at)!.push(below);
  }

  /** In an order in which what is below a directory follows it. @returns the one above, by number */
  number(): Int32Array {
    const above: number[] = [];
    this.numbers = new Map();
    const stack: [path: string, above: number][] = [['', -1]];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const [path, parent] = next;
      const number = this.paths.push(path) - 1;
      this.numbers.set(path, number);
      above.push(parent);
      for (const child of this.children.get(path)!.sort().reverse()) stack.push([child, number]);
    }
    return Int32Array.from(above);
  }

  numberOf(path: string): number | undefined {
    return this.numbers?.get(path);
  }
}

function numbered(
  tree: PathTree,
  named: readonly { directory: string; hash: Hash }[],
  contents: ReadonlyMap<Hash, number>,
): { files: NumberedFiles; hashes: Hash[] } {
  const hashes = [...contents.keys()];
  const numbers = new Map(hashes.map((hash, number) => [hash, number]));
  const above = tree.number();
  const files = named
    .map(({ directory, hash }) => [tree.numberOf(directory)!, numbers.get(hash)!] as const)
    .sort(([a], [b]) => a - b);
  return {
    hashes,
    files: {
      above,
      fileDirectory: Int32Array.from(files, ([directory]) => directory),
      fileContent: Int32Array.from(files, ([, content]) => content),
      sizes: Float64Array.from(contents.values()),
    },
  };
}

/** Only what was asked for is in the index: the rest is added up when a directory is told. */
async function measure(
  archive: OpenArchive,
  path: string,
  at: Position,
): Promise<{ files: number; bytes: number }> {
  const namespace = archive.namespace(at);
  const entry = (await namespace.resolve(path))!;
  let files = 0;
  let bytes = 0;
  for await (const { entry: below } of namespace.walk({ path, entry })) {
    if (below.event.type !== 'file.ingested' || below.event.hash === null) continue;
    files += 1;
    bytes += below.event.size;
  }
  return { files, bytes };
}

function inOrder(hashes: readonly Hash[], ranks: Int32Array): Hash[] {
  const ordered: Hash[] = [];
  for (const [number, hash] of hashes.entries()) ordered[ranks[number]!] = hash;
  return ordered;
}
