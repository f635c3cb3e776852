/**
 * Equal directories. A group is maximal: once it is found, all but one of its members count as gone with
 * all that is below them, so that what they hold is told again only where it is still there twice.
 */
import type { DirectoryNode } from '../../projections/directory-tree.js';
import type { DupsRow } from '../api.js';
import { hexOf } from './file-table.js';
import type { LinkCounts } from './link-counts.js';
import type { Scope } from './scope.js';

export interface GroupOptions {
  readonly scope: Scope;
  readonly minSize: number;
  /** Members that are gone count all the same. */
  readonly all: boolean;
  readonly links: LinkCounts;
  /** By a directory's place in the tree. */
  readonly fates: Fates;
}

/** What the groups so far say of each directory, by its place in the tree; 1 is yes. */
export interface Fates {
  readonly gone: Uint8Array;
  /** It lies in a member that stays: what it holds is not to be taken out of it where another can go. */
  readonly kept: Uint8Array;
}

export function fatesOf(directories: number): Fates {
  return { gone: new Uint8Array(directories), kept: new Uint8Array(directories) };
}

interface Candidates {
  readonly kind: 'dir' | 'contents';
  readonly key: string;
  readonly nodes: DirectoryNode[];
}

/** @param nameless digests without names, where directories under other names count as well */
export function directoryGroups(
  options: GroupOptions,
  nameless: ReadonlyMap<number, string> | null,
): DupsRow[] {
  const { scope, minSize } = options;
  const nodes = scope.nodes.filter((node) => node.summary.bytes >= minSize && scope.isWhole(node));
  const candidates = [
    ...candidatesBy('dir', nodes, ({ summary }) => summary.digest.toString('latin1')),
    ...(nameless ? candidatesBy('contents', nodes, ({ index }) => nameless.get(index)!) : []),
  ];
  const rows: DupsRow[] = [];
  for (const each of candidates.sort(outermostFirst)) {
    const row = groupOf(each, options);
    if (row !== null) rows.push(row);
  }
  return rows;
}

function candidatesBy(
  kind: Candidates['kind'],
  nodes: readonly DirectoryNode[],
  keyOf: (node: DirectoryNode) => string,
): Candidates[] {
  const byKey = new Map<string, Candidates>();
  for (const node of nodes) {
    const key = keyOf(node);
    const candidates = byKey.get(key);
    if (candidates) candidates.nodes.push(node);
    else byKey.set(key, { kind, key, nodes: [node] });
  }
  return [...byKey.values()].filter((candidates) => candidates.nodes.length > 1);
}

/** What holds more entries cannot be inside of what holds fewer. Equal names before equal contents. */
function outermostFirst(a: Candidates, b: Candidates): number {
  const more = b.nodes[0]!.summary.entries - a.nodes[0]!.summary.entries;
  return more !== 0 ? more : a.kind === b.kind ? 0 : a.kind === 'dir' ? -1 : 1;
}

function groupOf({ kind, key, nodes }: Candidates, options: GroupOptions): DupsRow | null {
  const { scope, all, links, fates } = options;
  const { gone, kept } = fates;
  const there = all ? nodes : nodes.filter(({ index }) => gone[index] === 0);
  const split = keptAndRemovable(
    keeperFirst(there, fates, (node) => node),
    scope,
    (node) => node,
  );
  if (split === null || (kind === 'contents' && !haveOtherNames(there))) return null;
  const reclaimable = links.freedByDirectories(split.removable, all);
  if (!all) {
    for (const { index, end } of split.removable) gone.fill(1, index, end);
    for (const { index, end } of split.kept) kept.fill(1, index, end);
  }
  const members = [...split.kept, ...split.removable];
  const { bytes, files } = members[0]!.summary;
  return {
    kind,
    hash: hexOf(key),
    size: bytes,
    files,
    count: members.length,
    reclaimable,
    paths: members.map(({ path }) => path),
    ...(scope.isTagged ? { protected: split.kept.length } : {}),
  };
}

/** Without sides the first member stays; with sides the protected ones. Null where that is no group. */
export function keptAndRemovable<T>(
  members: readonly T[],
  scope: Scope,
  nodeOf: (member: T) => DirectoryNode,
): { kept: readonly T[]; removable: readonly T[] } | null {
  if (!scope.isTagged)
    return members.length < 2 ? null : { kept: members.slice(0, 1), removable: members.slice(1) };
  const kept = members.filter((member) => scope.isProtected(nodeOf(member)));
  const removable = members.filter((member) => !scope.isProtected(nodeOf(member)));
  return kept.length === 0 || removable.length === 0 ? null : { kept, removable };
}

function haveOtherNames(nodes: readonly DirectoryNode[]): boolean {
  return nodes.some(({ summary }) => !summary.digest.equals(nodes[0]!.summary.digest));
}

/** What lies in a member of another group that stays, then the outermost, then the order of the tree. */
export function keeperFirst<T>(
  members: readonly T[],
  { kept }: Fates,
  nodeOf: (member: T) => DirectoryNode,
): T[] {
  return members.toSorted((first, second) => {
    const [a, b] = [nodeOf(first), nodeOf(second)];
    return kept[b.index]! - kept[a.index]! || a.depth - b.depth || a.index - b.index;
  });
}
