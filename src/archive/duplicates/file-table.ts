/** The files of many directories by their contents. Empty files are left out: they have no content. */
import type { Level } from '../../events/level.js';
import { nameFromBytes } from '../../events/names.js';
import type { Hash, Position } from '../../events/types.js';
import type { DirectoryNode } from '../../projections/directory-tree.js';
import { visitDirectories } from './visit-directories.js';

export interface FileName {
  readonly node: DirectoryNode;
  /** Raw bytes as Latin-1: half as large as other strings, and most are never shown. */
  readonly name: string;
  /** What the names of one source inode share; null where the source had one name. */
  readonly linkGroup: string | null;
}

export interface Content {
  /** 32 bytes as Latin-1; '' for what all empty files hold. */
  readonly key: string;
  readonly size: number;
  /** Those of one directory in byte order. */
  readonly names: FileName[];
}

/** @param scope.minSize smaller files are left out; with 0, all empty files are one content */
export async function readContents(
  level: Level,
  scope: { nodes: readonly DirectoryNode[]; at: Position; minSize: number },
): Promise<Content[]> {
  const contents = new Map<string, Content>();
  await visitDirectories(level, scope, (node, name, { kind, hash, size, linkGroup }) => {
    if (kind !== 'file' || size < scope.minSize) return;
    const key = hash === null ? '' : hash.toString('latin1');
    const file = { node, name: name.toString('latin1'), linkGroup };
    const content = contents.get(key);
    if (content) content.names.push(file);
    else contents.set(key, { key, size, names: [file] });
  });
  return [...contents.values()];
}

export function pathOfFile({ node, name }: FileName): string {
  const text = nameFromBytes(Buffer.from(name, 'latin1'));
  return node.path === '' ? text : `${node.path}/${text}`;
}

/** Hexadecimal digits of bytes that are kept as Latin-1. */
export function hexOf(key: string): Hash {
  return Buffer.from(key, 'latin1').toString('hex');
}
