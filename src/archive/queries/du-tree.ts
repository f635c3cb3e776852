/** Bytes of many directories at once: each file is looked at once, however many directories hold it. */
import type { Position } from '../../events/types.js';
import type { DirectoryNode } from '../../projections/directory-tree.js';
import type { DuRow } from '../api.js';
import { readContents, type FileName } from '../duplicates/file-table.js';
import type { OpenArchive } from '../open-archive.js';

/** Rows of a directory and those down to `depth` below it, innermost first. */
export async function* duTree(
  archive: OpenArchive,
  start: number,
  { at, depth }: { at: Position; depth: number },
): AsyncGenerator<DuRow> {
  const tree = await archive.directories({ id: 0, path: '' }, at);
  const first = tree.nodes.find(({ id }) => id === start)!;
  const shown = tree.below(first).filter((node) => node.depth - first.depth <= depth);
  const sums = new Map(shown.map((node) => [node.index, { unique: 0, shared: 0 }]));
  const innermost = innermostShown(tree.nodes, sums);
  for (const { size, names } of await readContents(archive.views.level, {
    nodes: tree.nodes,
    at,
    minSize: 1,
  }))
    for (const [index, count] of namesBelow(names, innermost)) {
      const sum = sums.get(index)!;
      if (count === names.length) sum.unique += size;
      else sum.shared += size;
    }
  for (const { path, index, summary } of shown.sort(innermostFirst)) {
    const { unique, shared } = sums.get(index)!;
    const { bytes, files } = summary;
    yield { path, bytes, uniqueBytes: unique, sharedBytes: shared, files };
  }
}

/** Of each directory the innermost at or above it that has a row; then on through `parent`. */
function innermostShown(
  nodes: readonly DirectoryNode[],
  shown: ReadonlyMap<number, unknown>,
): (DirectoryNode | null)[] {
  const innermost: (DirectoryNode | null)[] = [];
  for (const node of nodes)
    innermost.push(shown.has(node.index) ? node : node.parent && (innermost[node.parent.index] ?? null));
  return innermost;
}

/** How many of the names are below each directory that has a row. */
function namesBelow(
  names: readonly FileName[],
  innermost: readonly (DirectoryNode | null)[],
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { node } of names)
    for (let above = innermost[node.index] ?? null; above !== null;) {
      counts.set(above.index, (counts.get(above.index) ?? 0) + 1);
      above = above.parent && (innermost[above.parent.index] ?? null);
    }
  return counts;
}

function innermostFirst(a: DirectoryNode, b: DirectoryNode): number {
  return a.end - b.end || b.index - a.index;
}
