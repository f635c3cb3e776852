/** What dups and unique are to say, worked out slowly from whole trees. */
import type { DupsQuery } from '../../../src/archive/api.js';
import { below, contentHash, sizeOf, sorted, type Folder, type Node } from './random-tree.js';

interface Directory {
  readonly path: string;
  readonly node: Folder;
}
interface File {
  readonly path: string;
  readonly content: number;
  /** What is freed with the last of its names. */
  readonly identity: string;
}

export interface TwinGroup {
  readonly kind: 'file' | 'dir' | 'contents';
  readonly size: number;
  readonly files: number;
  readonly count: number;
  readonly reclaimable: number;
  readonly paths: readonly string[];
  readonly protected?: number;
}

type Side = 'none' | 'removable' | 'protected';

export function dupsTwin(tree: Folder, query: DupsQuery): TwinGroup[] {
  const { kind, minSize = 1, all = false, sameNames = true } = query;
  const sideOf = sidesOf(query);
  const files = filesOf(tree).filter(({ path }) => sideOf(parentOf(path)) !== 'none');
  const directories = [{ path: '', node: tree }, ...directoriesBelow(tree)].filter(
    (directory) => sideOf(directory.path) !== 'none',
  );
  const gone = new Set<string>();
  const spared = new Set<string>();
  const groups: TwinGroup[] = [];
  const report = <T extends { path: string }>(
    members: readonly T[],
    about: { kind: TwinGroup['kind']; size: number; files: number },
    side: (member: T) => Side,
  ): void => {
    const isSpared = (path: string): number =>
      Number(isBelowAny(about.kind === 'file' ? parentOf(path) : path, spared));
    const there = members
      .filter(({ path }) => all || !isBelowAny(path, gone))
      .sort((a, b) => isSpared(b.path) - isSpared(a.path) || byDepth(a, b));
    const tagged = query.under !== undefined;
    const kept = tagged ? there.filter((member) => side(member) === 'protected') : there.slice(0, 1);
    const removed = there.filter((member) => !kept.includes(member));
    if (kept.length === 0 || removed.length === 0) return;
    const before = files.filter(({ path }) => all || !isBelowAny(path, gone));
    const goes = (path: string): boolean => isBelowAny(path, new Set(removed.map((member) => member.path)));
    const stay = new Set(before.filter(({ path }) => !goes(path)).map(({ identity }) => identity));
    const freed = new Map(
      before
        .filter(({ path, identity }) => goes(path) && !stay.has(identity))
        .map(({ identity, content }) => [identity, sizeOf(content)]),
    );
    if (!all) for (const { path } of removed) gone.add(path);
    if (!all && about.kind !== 'file') for (const { path } of kept) spared.add(path);
    groups.push({
      ...about,
      count: there.length,
      reclaimable: [...freed.values()].reduce((sum, size) => sum + size, 0),
      paths: [...kept, ...removed].map(({ path }) => path),
      ...(tagged ? { protected: kept.length } : {}),
    });
  };
  if (kind !== 'file') {
    const whole = directories.filter(
      ({ path, node }) =>
        bytesBelow(node) >= minSize &&
        directoriesBelow(node, path).every((inner) => sideOf(inner.path) === sideOf(path)),
    );
    const classes = [
      ...classesBy(whole, ({ node }) => withNames(node)).map((members) => ({
        kind: 'dir' as const,
        members,
      })),
      ...(sameNames ? [] : classesBy(whole, ({ node }) => withoutNames(node))).map((members) => ({
        kind: 'contents' as const,
        members,
      })),
    ];
    classes.sort((a, b) => {
      const more = below(b.members[0]!.node).length - below(a.members[0]!.node).length;
      return more || (a.kind === b.kind ? 0 : a.kind === 'dir' ? -1 : 1);
    });
    for (const { kind, members } of classes) {
      const { node } = members[0]!;
      const there = members.filter(({ path }) => all || !isBelowAny(path, gone));
      if (kind === 'contents' && new Set(there.map((member) => withNames(member.node))).size < 2) continue;
      const about = { kind, size: bytesBelow(node), files: filesOf(node).length };
      report(members, about, ({ path }) => sideOf(path));
    }
  }
  if (kind !== 'dir')
    for (const members of classesBy(files, ({ content }) => `${content}`)) {
      const size = sizeOf(members[0]!.content);
      if (size >= minSize)
        report(members, { kind: 'file', size, files: 1 }, ({ path }) => sideOf(parentOf(path)));
    }
  return groups;
}

/** Bytes of a tree as its source had it, and of its contents, each once. */
export function bytesOnceAndInAll(tree: Folder): { once: number; all: number } {
  const files = filesOf(tree);
  const sum = (of: (file: File) => string): number =>
    [...new Map(files.map((file) => [of(file), sizeOf(file.content)])).values()].reduce((a, b) => a + b, 0);
  return { once: sum(({ content }) => `${content}`), all: sum(({ identity }) => identity) };
}

export function uniqueTwin(
  tree: Folder,
  path: string,
  than: string | null,
): { path: string; hash: string }[] {
  const isElsewhere = (file: string): boolean =>
    than === null
      ? !isAtOrBelow(file, path)
      : isAtOrBelow(file, than) && !(isAtOrBelow(file, path) && isAtOrBelow(path, than));
  const files = filesOf(tree).filter(({ content }) => content > 0);
  const others = new Set(files.filter((file) => isElsewhere(file.path)).map(({ content }) => content));
  return files
    .filter((file) => isAtOrBelow(file.path, path) && !isElsewhere(file.path) && !others.has(file.content))
    .map((file) => ({ path: file.path, hash: contentHash(file.content)! }));
}

/** Of two tags above a directory the inner one counts. */
function sidesOf({ path = '', under, against }: DupsQuery): (path: string) => Side {
  if (under === undefined) return (each) => (isAtOrBelow(each, path) ? 'removable' : 'none');
  const tags = [
    ...under.map((tag) => ({ tag, side: 'removable' as const })),
    ...against!.map((tag) => ({ tag, side: 'protected' as const })),
  ];
  tags.sort((a, b) => b.tag.length - a.tag.length);
  return (each) => tags.find(({ tag }) => isAtOrBelow(each, tag))?.side ?? 'none';
}

function withNames(node: Node): string {
  if (node.kind === 'directory')
    return JSON.stringify(sorted(node).map(([name, each]) => [name, withNames(each)]));
  return JSON.stringify(leaf(node));
}

function withoutNames(node: Node): string {
  if (node.kind === 'directory')
    return JSON.stringify(
      sorted(node)
        .map(([, each]) => withoutNames(each))
        .sort(),
    );
  return JSON.stringify(leaf(node));
}

function leaf(node: Exclude<Node, Folder>): unknown {
  if (node.kind === 'file') return { file: node.content };
  return node.kind === 'symlink' ? { link: node.target } : 'fifo';
}

function filesOf(tree: Folder): File[] {
  return below(tree).flatMap(({ path, node }) => {
    if (node.kind !== 'file') return [];
    const identity = node.link === null ? `name ${path}` : `inode ${node.link} ${node.content}`;
    return [{ path, content: node.content, identity }];
  });
}

function directoriesBelow(tree: Folder, prefix = ''): Directory[] {
  return below(tree, prefix).filter((each): each is Directory => each.node.kind === 'directory');
}

function bytesBelow(folder: Folder): number {
  return filesOf(folder).reduce((sum, { content }) => sum + sizeOf(content), 0);
}

function classesBy<T>(all: readonly T[], keyOf: (each: T) => string): T[][] {
  const classes = new Map<string, T[]>();
  for (const each of all) classes.set(keyOf(each), [...(classes.get(keyOf(each)) ?? []), each]);
  return [...classes.values()].filter((members) => members.length > 1);
}

function byDepth(a: { path: string }, b: { path: string }): number {
  return depthOf(a.path) - depthOf(b.path);
}

function depthOf(path: string): number {
  return path === '' ? 0 : path.split('/').length;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function isBelowAny(path: string, above: ReadonlySet<string>): boolean {
  return [...above].some((each) => isAtOrBelow(path, each));
}

function isAtOrBelow(path: string, above: string): boolean {
  return above === '' || path === above || path.startsWith(`${above}/`);
}
