/** Trees with many duplicates, made by copying parts of themselves, and the events that make them. */
import fc from 'fast-check';
import type { HkfsEvent } from '../../../src/events/types.js';
import { ATTRIBUTES, hashOf } from '../../projections/records.js';

export type Node =
  | { readonly kind: 'file'; readonly content: number; readonly link: number | null }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'fifo' }
  | Folder;

export interface Folder {
  readonly kind: 'directory';
  readonly children: ReadonlyMap<string, Node>;
}

interface Step {
  readonly deed: 'file' | 'directory' | 'symlink' | 'fifo' | 'copy' | 'remove';
  readonly picks: readonly [number, number];
  readonly name: string;
  readonly content: number;
  readonly isLinked: boolean;
}

const NAMES = ['a', 'b', 'c', 'A', 'é', '\udcff', 'a\nb', "it's"];
export const EMPTY: Folder = { kind: 'directory', children: new Map() };

const step: fc.Arbitrary<Step> = fc.record({
  deed: fc.constantFrom(
    ...(['file', 'file', 'file', 'directory', 'directory', 'symlink', 'fifo'] as const),
    ...(['copy', 'copy', 'copy', 'copy', 'remove'] as const),
  ),
  picks: fc.tuple(fc.nat(1000), fc.nat(1000)),
  name: fc.constantFrom(...NAMES),
  content: fc.nat(4),
  isLinked: fc.boolean(),
});

export const randomTree: fc.Arbitrary<Folder> = fc
  .array(step, { minLength: 1, maxLength: 25, size: 'max' })
  .map((steps) => steps.reduce(changed, EMPTY));

/** Names of one directory in the order of their bytes. */
export function sorted(folder: Folder): [name: string, node: Node][] {
  return [...folder.children].sort(([a], [b]) => Buffer.compare(bytesOf(a), bytesOf(b)));
}

/** Every path below a folder, each directory before what it holds. */
export function below(folder: Folder, prefix = ''): { path: string; node: Node }[] {
  return sorted(folder).flatMap(([name, node]) => {
    const path = prefix === '' ? name : `${prefix}/${name}`;
    return [{ path, node }, ...(node.kind === 'directory' ? below(node, path) : [])];
  });
}

export function sizeOf(content: number): number {
  return content * 10;
}

export function contentHash(content: number): string | null {
  return content === 0 ? null : hashOf(`${content}`);
}

/** Directories get their ids in the order of the tree. @param first the position of the first event */
export function eventsOf(folder: Folder, first: number): HkfsEvent[] {
  const events: HkfsEvent[] = [];
  const ids = new Map<string, number>([['', 0]]);
  for (const { path, node } of below(folder)) {
    const slash = path.lastIndexOf('/');
    const parent = ids.get(path.slice(0, Math.max(0, slash)))!;
    const place = { parent, name: path.slice(slash + 1) };
    if (node.kind === 'directory') ids.set(path, first + events.length);
    events.push(eventOf(node, place));
  }
  return events;
}

function eventOf(node: Node, place: { parent: number; name: string }): HkfsEvent {
  const attributes = ATTRIBUTES;
  switch (node.kind) {
    case 'directory':
      return { type: 'directory.added', ...place, attributes };
    case 'symlink':
      return { type: 'symlink.added', ...place, target: node.target, attributes };
    case 'fifo':
      return { type: 'special.added', ...place, kind: 'fifo', major: 0, minor: 0, attributes };
    case 'file': {
      const group = node.link === null ? {} : { linkGroup: [1n, BigInt(node.link)] as const };
      const content = { hash: contentHash(node.content), size: sizeOf(node.content), source: null };
      return { type: 'file.ingested', ...place, ...content, attributes: { ...attributes, ...group } };
    }
  }
}

function changed(tree: Folder, { deed, picks, name, content, isLinked }: Step): Folder {
  const all = below(tree);
  const folders = ['', ...all.filter(({ node }) => node.kind === 'directory').map(({ path }) => path)];
  const target = joined(folders[picks[0] % folders.length]!, name);
  const some = all.length === 0 ? undefined : all[picks[1] % all.length];
  if (deed === 'file') return placed(tree, target, { kind: 'file', content, link: null });
  if (deed === 'directory') return placed(tree, target, EMPTY);
  if (deed === 'symlink') return placed(tree, target, { kind: 'symlink', target: name });
  if (deed === 'fifo') return placed(tree, target, { kind: 'fifo' });
  if (some === undefined || all.length > 60) return tree;
  if (deed === 'remove') return placed(tree, some.path, null);
  // As `cp -al` and `cp -a` do it.
  const seed = picks[0] * 1000 + picks[1];
  return isLinked
    ? placed(placed(tree, some.path, linked(some.node, seed)), target, linked(some.node, seed))
    : placed(tree, target, unlinked(some.node));
}

/** Every file of it as one of several names; its inode's number follows from the place in it. */
function linked(node: Node, seed: number, path = ''): Node {
  if (node.kind === 'file') return { ...node, link: node.link ?? numberOf(`${seed}${path}`) };
  if (node.kind !== 'directory') return node;
  return {
    ...node,
    children: new Map(
      [...node.children].map(([name, child]) => [name, linked(child, seed, `${path}/${name}`)]),
    ),
  };
}

function unlinked(node: Node): Node {
  if (node.kind === 'file') return { ...node, link: null };
  if (node.kind !== 'directory') return node;
  return { ...node, children: new Map([...node.children].map(([name, child]) => [name, unlinked(child)])) };
}

function numberOf(text: string): number {
  let number = 7;
  for (const character of text) number = (number * 31 + character.codePointAt(0)!) % 0x7fff_ffff;
  return number;
}

function placed(folder: Folder, path: string, node: Node | null): Folder {
  const [name, ...rest] = path.split('/');
  const children = new Map(folder.children);
  const there = children.get(name!);
  if (rest.length > 0) {
    // A copy onto a file above its own place: the place is gone.
    if (there?.kind === 'directory') children.set(name!, placed(there, rest.join('/'), node));
  } else if (node === null) children.delete(name!);
  else children.set(name!, node);
  return { ...folder, children };
}

export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function bytesOf(name: string): Buffer {
  return name === '\udcff' ? Buffer.of(0xff) : Buffer.from(name);
}

/**
 * A tree written out: a path to a content's number; with a slash at its end a directory; `-> x` a link,
 * `fifo` a fifo, and `1 = 7` content 1 as a name of inode 7.
 */
export function treeOf(spec: Readonly<Record<string, number | string>>): Folder {
  let tree = EMPTY;
  for (const [path, what] of Object.entries(spec)) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth += 1) {
      const folder = names.slice(0, depth).join('/');
      if (!below(tree).some((each) => each.path === folder)) tree = placed(tree, folder, EMPTY);
    }
    if (!path.endsWith('/')) tree = placed(tree, path, nodeOf(what));
  }
  return tree;
}

function nodeOf(what: number | string): Node {
  if (typeof what === 'number') return { kind: 'file', content: what, link: null };
  if (what === 'fifo') return { kind: 'fifo' };
  if (what.startsWith('-> ')) return { kind: 'symlink', target: what.slice(3) };
  const [content, link] = what.split(' = ').map(Number);
  return { kind: 'file', content: content!, link: link! };
}
