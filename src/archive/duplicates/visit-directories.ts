/** The entries of many directories of one moment. */
import type { Level } from '../../events/level.js';
import type { DirectoryId, Position } from '../../events/types.js';
import type { DirectoryNode } from '../../projections/directory-tree.js';
import { EntryFacts } from '../../projections/entry-facts.js';
import { visitAllEntries, visitEntriesOf } from '../../projections/entry-scan.js';
import * as keys from '../../projections/keys.js';

/** Raw bytes of the name and what the entry is: both hold only during the call. */
export type NodeVisit = (node: DirectoryNode, name: Buffer, facts: EntryFacts) => void;

/** Listing one directory takes about as long as so many rows in one run over all of them. */
const ROWS_A_DIRECTORY = 300;

/** Directories in no order; the entries of each in byte order of their names. */
export async function visitDirectories(
  level: Level,
  { nodes, at }: { nodes: readonly DirectoryNode[]; at: Position },
  visit: NodeVisit,
): Promise<void> {
  const facts = new EntryFacts();
  const pass = (node: DirectoryNode, key: Buffer, value: Buffer): void => {
    facts.read(value, keys.readPosition(key, key.length - 8));
    visit(node, keys.nameOfEntryKey(key), facts);
  };
  // There are at most as many rows as positions.
  if (nodes.length * ROWS_A_DIRECTORY < at) {
    for (const node of nodes)
      await visitEntriesOf(level, { id: node.id, at }, (key, value) => pass(node, key, value));
    return;
  }
  const byId = new Map<DirectoryId, DirectoryNode>(nodes.map((node) => [node.id, node]));
  await visitAllEntries(level, at, (key, value) => {
    const node = byId.get(keys.parentOfEntryKey(key));
    if (node !== undefined) pass(node, key, value);
  });
}
