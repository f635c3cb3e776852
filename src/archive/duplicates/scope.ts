/** Which directories a search for duplicates looks at, and which of them are protected. */
import { HkfsError } from '../../errors.js';
import type { Position } from '../../events/types.js';
import type { DirectoryNode, DirectoryTree } from '../../projections/directory-tree.js';
import type { DupsQuery } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from '../queries/past-paths.js';

const NOT_ASKED = 0;
const REMOVABLE = 1;
const PROTECTED = 2;

export interface Scope {
  readonly nodes: readonly DirectoryNode[];
  /** Whether there are two sides, and groups have members on both. */
  readonly isTagged: boolean;
  isProtected(node: DirectoryNode): boolean;
  /** Whether a directory is of one side with all that is below it. */
  isWhole(node: DirectoryNode): boolean;
}

/** @throws HkfsError USAGE, NOT_FOUND, NOT_A_DIRECTORY */
export async function scopeOf(archive: OpenArchive, query: DupsQuery, at: Position): Promise<Scope> {
  const { under = [], against = [] } = query;
  if (under.length === 0 && against.length === 0) {
    const start = await directoryAt(archive, query.path ?? '', at);
    const { nodes } = await archive.directories(start, at);
    return { nodes, isTagged: false, isProtected: () => false, isWhole: () => true };
  }
  if (under.length === 0 || against.length === 0 || query.path !== undefined)
    throw new HkfsError('USAGE', '--under and --against belong together, and take no further path', {
      hint: 'hkfs dups --under OLD --against KEPT: what in OLD is also in KEPT',
    });
  const tree = await archive.directories({ id: 0, path: '' }, at);
  const tags = [
    ...(await tagged(archive, { tree, paths: under, side: REMOVABLE, at })),
    ...(await tagged(archive, { tree, paths: against, side: PROTECTED, at })),
  ];
  return twoSides(tree, tags);
}

/** @throws HkfsError NOT_FOUND, NOT_A_DIRECTORY */
export async function directoryAt(
  archive: OpenArchive,
  text: string,
  at: Position,
): Promise<{ id: number; path: string }> {
  const { path, entry } = await resolvePathAt(archive, text, at);
  if (entry.directoryId !== null) return { id: entry.directoryId, path };
  throw new HkfsError('NOT_A_DIRECTORY', `${JSON.stringify(path)} is no directory`, {
    hint: `hkfs stat lists the other names of a file's content`,
  });
}

interface Tag {
  readonly node: DirectoryNode;
  readonly side: typeof REMOVABLE | typeof PROTECTED;
}

async function tagged(
  archive: OpenArchive,
  asked: { tree: DirectoryTree; paths: readonly string[]; side: Tag['side']; at: Position },
): Promise<Tag[]> {
  const tags: Tag[] = [];
  for (const path of asked.paths) {
    const { id } = await directoryAt(archive, path, asked.at);
    tags.push({ node: asked.tree.nodes.find((node) => node.id === id)!, side: asked.side });
  }
  return tags;
}

/** Of two tags above a directory the inner one counts. @throws HkfsError USAGE */
function twoSides(tree: DirectoryTree, tags: readonly Tag[]): Scope {
  const sides = new Uint8Array(tree.nodes.length);
  for (const { node, side } of [...tags].sort((a, b) => a.node.index - b.node.index)) {
    if (tags.some((other) => other.node === node && other.side !== side))
      throw new HkfsError('USAGE', `${JSON.stringify(`/${node.path}`)} is both --under and --against`, {
        hint: 'one of them is to be removed from, the other is to stay',
      });
    sides.fill(side, node.index, node.end);
  }
  const isMixed = new Uint8Array(tree.nodes.length);
  for (const { index, parent } of tree.nodes.toReversed())
    if (parent !== null && (isMixed[index] === 1 || sides[index] !== sides[parent.index]))
      isMixed[parent.index] = 1;
  return {
    nodes: tree.nodes.filter(({ index }) => sides[index] !== NOT_ASKED),
    isTagged: true,
    isProtected: ({ index }) => sides[index] === PROTECTED,
    isWhole: ({ index }) => isMixed[index] === 0,
  };
}
