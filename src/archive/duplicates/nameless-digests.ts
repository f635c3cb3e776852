/**
 * Digests that leave names out: of two directories they are equal when both hold the same contents in the
 * same layout, whatever the names. As in directory-digest.ts, without the names and sorted by what is left.
 */
import type { Level } from '../../events/level.js';
import { nameToBytes } from '../../events/names.js';
import type { Position } from '../../events/types.js';
import { hashBytes } from '../../fs/hash.js';
import type { DirectoryNode } from '../../projections/directory-tree.js';
import type { EntryFacts } from '../../projections/entry-facts.js';
import { visitDirectories } from './visit-directories.js';

/** By the directory's place in the tree: 32 bytes as Latin-1. @param scope.nodes with all below each of them */
export async function namelessDigests(
  level: Level,
  scope: { nodes: readonly DirectoryNode[]; at: Position },
): Promise<Map<number, string>> {
  const held = new Map<number, string[]>(scope.nodes.map(({ index }) => [index, []]));
  await visitDirectories(level, scope, (node, _name, facts) => {
    if (facts.kind !== 'directory') held.get(node.index)!.push(recordOf(facts));
  });
  const digests = new Map<number, string>();
  for (const { index, parent } of scope.nodes.toReversed()) {
    const records = held.get(index)!.sort(byCodeUnits).join('');
    const digest = hashBytes(Buffer.from(records, 'latin1')).toString('latin1');
    digests.set(index, digest);
    if (parent !== null) held.get(parent.index)?.push(`d${digest}`);
    held.delete(index);
  }
  return digests;
}

/** No record is the beginning of another. */
function recordOf({ kind, hash, target, major, minor }: EntryFacts): string {
  switch (kind) {
    case 'file':
      return `f${hash === null ? '\0'.repeat(32) : hash.toString('latin1')}`;
    case 'symlink':
      return `l${Buffer.from(nameToBytes(target)).toString('latin1')}\0`;
    case 'chardev':
    case 'blockdev':
      return `${kind[0]}${major}:${minor}\0`;
    case 'fifo':
      return 'p';
    case 'socket':
      return 's';
    case 'directory':
      throw new Error('a directory is told by its digest');
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
