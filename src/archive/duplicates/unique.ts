/** Files whose content is named nowhere else. */
import { HkfsError } from '../../errors.js';
import type { Position } from '../../events/types.js';
import type { DirectoryNode, DirectoryTree } from '../../projections/directory-tree.js';
import type { UniqueRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { hexOf, pathOfFile, readContents, type Content } from './file-table.js';
import { directoryAt } from './scope.js';
import { visitDirectories } from './visit-directories.js';

/** Contents whose names are looked up one by one; for more, one run over the entries is faster. */
const LOOKUPS = 2000;

interface Asked {
  readonly path: string;
  /** Elsewhere is only below this directory. */
  readonly than?: string | undefined;
  readonly at: Position;
}

/** @throws HkfsError NOT_FOUND, NOT_A_DIRECTORY, USAGE */
export async function* unique(archive: OpenArchive, asked: Asked): AsyncGenerator<UniqueRow> {
  const { at } = asked;
  const start = await resolvePathAt(archive, asked.path, at);
  const other = asked.than === undefined ? null : await directoryAt(archive, asked.than, at);
  if (other?.path === start.path)
    throw new HkfsError('USAGE', `nothing below ${JSON.stringify(`/${other.path}`)} is elsewhere than itself`, {
      hint: 'give --than another directory',
    });
  const tree = await archive.directories({ id: 0, path: '' }, at);
  const { event } = start.entry;
  const inside = (path: string): boolean => isAtOrBelow(path, start.path);
  // Of two that lie in each other the inner one is a side of its own.
  const isOutside = (path: string): boolean =>
    other === null
      ? !inside(path)
      : isAtOrBelow(path, other.path) && !(inside(path) && isAtOrBelow(start.path, other.path));
  const isAsked = (path: string): boolean => inside(path) && !isOutside(path);
  const search = { archive, tree, at, isOutside };
  if (event.type === 'file.ingested') {
    const { hash, size } = event;
    if (hash !== null && !(await isNamed(search, hash))) yield { path: start.path, hash, size };
    return;
  }
  const nodes = tree.nodes.filter(({ path }) => isAsked(path));
  const contents = await readContents(archive.views.level, { nodes, at, minSize: 1 });
  yield* rowsOf(await onlyHere(search, contents));
}

interface Search {
  readonly archive: OpenArchive;
  readonly tree: DirectoryTree;
  readonly at: Position;
  /** Whether a path is elsewhere. */
  readonly isOutside: (path: string) => boolean;
}

async function onlyHere(search: Search, contents: readonly Content[]): Promise<Content[]> {
  const { archive, tree, at, isOutside } = search;
  if (contents.length <= LOOKUPS) {
    const found: Content[] = [];
    for (const content of contents)
      if (!(await isNamed(search, hexOf(content.key)))) found.push(content);
    return found;
  }
  const left = new Map(contents.map((content) => [content.key, content]));
  const nodes = tree.nodes.filter(({ path }) => isOutside(path));
  await visitDirectories(archive.views.level, { nodes, at }, (_node, _name, { hash }) => {
    if (hash !== null) left.delete(hash.latin1Slice());
  });
  return [...left.values()];
}

async function isNamed({ archive, at, isOutside }: Search, hash: string): Promise<boolean> {
  for await (const path of archive.contents(at).livePaths(hash, archive.namespace(at)))
    if (isOutside(path)) return true;
  return false;
}

function rowsOf(contents: readonly Content[]): UniqueRow[] {
  const files = contents.flatMap((content) => content.names.map((file) => ({ file, content })));
  return files
    .sort((a, b) => order(a.file.node, b.file.node) || (a.file.name < b.file.name ? -1 : 1))
    .map(({ file, content }) => ({ path: pathOfFile(file), hash: hexOf(content.key), size: content.size }));
}

function order(a: DirectoryNode, b: DirectoryNode): number {
  return a.index - b.index;
}

function isAtOrBelow(path: string, above: string): boolean {
  return above === '' || path === above || path.startsWith(`${above}/`);
}
