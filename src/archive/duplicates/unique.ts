/** Files whose content is named nowhere else. */
import { HkfsError } from '../../errors.js';
import type { Position } from '../../events/types.js';
import { isAtOrBelow } from '../../fs/names.js';
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
    throw new HkfsError(
      'USAGE',
      `nothing below ${JSON.stringify(`/${other.path}`)} is elsewhere than itself`,
      {
        hint: 'give --than another directory',
      },
    );
  const tree = await archive.directories({ id: 0, path: '' }, at);
  const search = { archive, tree, at, sides: new Sides(start.path, other?.path ?? null) };
  const { event, directoryId } = start.entry;
  if (event.type === 'file.ingested') {
    const { hash, size } = event;
    if (hash !== null && !(await isNamed(search, hash))) yield { path: start.path, hash, size };
  } else if (directoryId !== null) {
    const from = tree.nodes.find(({ id }) => id === directoryId)!;
    const than = other === null ? null : tree.nodes.find(({ id }) => id === other.id)!;
    yield* uniqueBelow(search, from, than);
  }
}

async function* uniqueBelow(
  search: Search,
  from: DirectoryNode,
  than: DirectoryNode | null,
): AsyncGenerator<UniqueRow> {
  const { archive, tree, at } = search;
  // As Sides, by places in the tree: paths of deep trees are long.
  const isIn = ({ index }: DirectoryNode, above: DirectoryNode): boolean =>
    index >= above.index && index < above.end;
  const isElsewhere = (node: DirectoryNode): boolean =>
    than === null ? !isIn(node, from) : isIn(node, than) && !(isIn(node, from) && isIn(from, than));
  const nodes = tree.below(from).filter((node) => !isElsewhere(node));
  const contents = await readContents(archive.views.level, { nodes, at, minSize: 1 });
  yield* rowsOf(await onlyHere(search, contents, tree.nodes.filter(isElsewhere)));
}

/** Which paths are elsewhere. Of two directories that lie in each other the inner one is a side of its own. */
class Sides {
  private readonly from: string;
  private readonly than: string | null;

  constructor(from: string, than: string | null) {
    this.from = from;
    this.than = than;
  }

  isElsewhere(path: string): boolean {
    const { from, than } = this;
    if (than === null) return !isAtOrBelow(path, from);
    return isAtOrBelow(path, than) && !(isAtOrBelow(path, from) && isAtOrBelow(from, than));
  }
}

interface Search {
  readonly archive: OpenArchive;
  readonly tree: DirectoryTree;
  readonly at: Position;
  readonly sides: Sides;
}

/** @param nodes the directories elsewhere */
async function onlyHere(
  search: Search,
  contents: readonly Content[],
  nodes: readonly DirectoryNode[],
): Promise<Content[]> {
  const { archive, at } = search;
  if (contents.length <= LOOKUPS) {
    const found: Content[] = [];
    for (const content of contents) if (!(await isNamed(search, hexOf(content.key)))) found.push(content);
    return found;
  }
  const left = new Map(contents.map((content) => [content.key, content]));
  await visitDirectories(archive.views.level, { nodes, at }, (_node, _name, { hash }) => {
    if (hash !== null) left.delete(hash.toString('latin1'));
  });
  return [...left.values()];
}

async function isNamed({ archive, at, sides }: Search, hash: string): Promise<boolean> {
  for await (const path of archive.contents(at).livePaths(hash, archive.namespace(at)))
    if (sides.isElsewhere(path)) return true;
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
