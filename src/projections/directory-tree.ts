/** The directories of one moment in memory: each before those below it, names in byte order. */
import { nameFromBytes } from '../events/names.js';
import type { DirectoryId } from '../events/types.js';
import type { DirectoryRow, Summary } from './directory-row.js';

export interface DirectoryNode {
  readonly id: DirectoryId;
  readonly path: string;
  /** Null of the first. */
  readonly parent: DirectoryNode | null;
  readonly summary: Summary;
  /** 0 of the first. */
  readonly depth: number;
  /** Its place in `nodes`; all below it stand from there until before `end`. */
  readonly index: number;
  readonly end: number;
}

interface MutableNode extends DirectoryNode {
  end: number;
}

export class DirectoryTree {
  readonly nodes: readonly DirectoryNode[];

  constructor(start: { id: DirectoryId; path: string }, rowOf: (id: DirectoryId) => DirectoryRow) {
    const root = { ...start, parent: null, summary: rowOf(start.id).summary };
    this.nodes = nodesBelow({ ...root, depth: 0 }, rowOf);
  }

  get root(): DirectoryNode {
    return this.nodes[0]!;
  }

  /** A directory and all below it. */
  below({ index, end }: DirectoryNode): readonly DirectoryNode[] {
    return this.nodes.slice(index, end);
  }
}

type Found = Omit<DirectoryNode, 'index' | 'end'>;

/** A stack and no recursion: a path may be a hundred thousand levels deep. */
function nodesBelow(root: Found, rowOf: (id: DirectoryId) => DirectoryRow): MutableNode[] {
  const nodes: MutableNode[] = [];
  const stack: Found[] = [root];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const node = { ...next, index: nodes.length, end: nodes.length + 1 };
    nodes.push(node);
    if (node.summary.directories === 0) continue;
    const prefix = node.path === '' ? '' : `${node.path}/`;
    for (const { id, name, summary } of rowOf(node.id).children().reverse())
      stack.push({ id, path: prefix + nameFromBytes(name), parent: node, summary, depth: node.depth + 1 });
  }
  for (let at = nodes.length - 1; at > 0; at -= 1) {
    const { parent, end } = nodes[at]!;
    const above = nodes[parent!.index]!;
    above.end = Math.max(above.end, end);
  }
  return nodes;
}
