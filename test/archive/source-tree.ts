/** A source directory that changes at random, and what plain system calls find in it. */
import * as fs from 'node:fs';
import fc from 'fast-check';
import type { EntryKind } from 'hkfs';
import { joinPath, nameFromBytes, toFsPath } from '../../src/fs/names.js';

/** Non-UTF-8 bytes, normalisation twins, a newline, quotes, a leading dash, a very long name. */
const NAMES = [
  'a',
  'b',
  'c.tmp',
  'caf\u00e9',
  'cafe\u0301',
  'caf\udce9',
  '\udcff\udcfe',
  'new\nline',
  `it's "quoted"`,
  '-rf',
  '.hidden',
  '*',
  '\u{1f600}',
  'x'.repeat(255),
];
/** By names, so that a failing case prints in a few lines. */
export const CONTENTS = {
  none: '',
  one: 'one',
  two: 'two',
  nul: '\0',
  block: 'z'.repeat(4096),
  large: 'block'.repeat(30_000),
} as const;
const FILE_MODES = [0o644, 0o600, 0o755, 0o4755, 0o444];
const DIRECTORY_MODES = [0o755, 0o700, 0o1777, 0o2750];

const DEEDS = {
  write: 6,
  mkdir: 4,
  symlink: 2,
  modify: 3,
  touch: 2,
  chmod: 2,
  remove: 3,
  rename: 3,
  duplicate: 2,
  hardLink: 2,
} as const;
type Deed = keyof typeof DEEDS;

export interface Change {
  readonly deed: Deed;
  /** Numbers that pick among what is there, whatever that is. */
  readonly picks: readonly [number, number];
  readonly name: string;
  readonly content: keyof typeof CONTENTS;
  readonly mtimeNs: bigint;
}

export const name = fc.constantFrom(...NAMES);

export const change: fc.Arbitrary<Change> = fc.record({
  deed: fc.oneof(
    ...(Object.keys(DEEDS) as Deed[]).map((deed) => ({
      weight: DEEDS[deed],
      arbitrary: fc.constant(deed),
    })),
  ),
  picks: fc.tuple(fc.nat(1000), fc.nat(1000)),
  name,
  content: fc.constantFrom(...(Object.keys(CONTENTS) as (keyof typeof CONTENTS)[])),
  mtimeNs: fc.bigInt({ min: -(10n ** 18n), max: 3n * 10n ** 18n }),
});

export interface Found {
  readonly kind: EntryKind;
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** A symlink's text, else null. */
  readonly target: string | null;
  /** A file's bytes, else null. */
  readonly content: Buffer | null;
  /** Device and inode of a file with more than one name. */
  readonly linkGroup: string | null;
}

/** Everything below a directory by its path there, each directory before what it holds; no `.hkfs`. */
export function readTree(root: string, prefix = ''): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const bytes of fs.readdirSync(toFsPath(root), { encoding: 'buffer' })) {
    const name = nameFromBytes(bytes);
    if (prefix === '' && name === '.hkfs') continue;
    const path = joinPath(prefix, name);
    const entry = readEntry(joinPath(root, name));
    found.set(path, entry);
    if (entry.kind === 'directory')
      for (const [below, each] of readTree(joinPath(root, name), path)) found.set(below, each);
  }
  return found;
}

export function readEntry(path: string): Found {
  const at = toFsPath(path);
  const stat = fs.lstatSync(at, { bigint: true });
  const kind = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'file';
  return {
    kind,
    mode: Number(stat.mode & 0o7777n),
    mtimeNs: stat.mtimeNs,
    target: kind === 'symlink' ? nameFromBytes(fs.readlinkSync(at, 'buffer')) : null,
    content: kind === 'file' ? fs.readFileSync(at) : null,
    linkGroup: kind === 'file' && stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : null,
  };
}

/** Does one thing to the directory; nothing where there is nothing to do it to. */
export function apply(root: string, change: Change): void {
  const all = [...readTree(root)].map(([path, { kind }]) => ({ path: joinPath(root, path), kind }));
  const directories = [root, ...all.filter(({ kind }) => kind === 'directory').map(({ path }) => path)];
  const files = all.filter(({ kind }) => kind === 'file').map(({ path }) => path);
  const [first, second] = change.picks;
  const target = joinPath(pick(directories, first)!, change.name);
  const some = pick(all, second)?.path;
  const file = pick(files, second);
  if (change.deed in MAKING) return MAKING[change.deed as keyof typeof MAKING](target, change);
  if (change.deed === 'modify' && file !== undefined) return modify(file, change.content);
  if (change.deed === 'duplicate' && file !== undefined && isApart(file, target)) return copy(file, target);
  if (change.deed === 'hardLink' && file !== undefined && isApart(file, target)) return link(file, target);
  if (some === undefined) return;
  if (change.deed === 'touch') setTimes(some, change.mtimeNs);
  if (change.deed === 'chmod') chmod(some, first);
  if (change.deed === 'remove') remove(some);
  if (change.deed === 'rename' && isApart(some, target)) move(some, target);
}

/** What makes an entry takes the place of whatever had the name. */
const MAKING = {
  write: (path: string, { content, mtimeNs }: Change): void => {
    remove(path);
    fs.writeFileSync(toFsPath(path), CONTENTS[content]);
    setTimes(path, mtimeNs);
  },
  mkdir: (path: string, _change: Change): void => {
    if (fs.lstatSync(toFsPath(path), { throwIfNoEntry: false })?.isDirectory()) return;
    remove(path);
    fs.mkdirSync(toFsPath(path));
  },
  symlink: (path: string, { content }: Change): void => {
    remove(path);
    fs.symlinkSync(toFsPath(content === 'none' ? '../caf\udce9' : content), toFsPath(path));
  },
};

/** In place: the inode stays. */
function modify(path: string, content: Change['content']): void {
  fs.chmodSync(toFsPath(path), 0o644);
  fs.writeFileSync(toFsPath(path), CONTENTS[content]);
}

function copy(from: string, to: string): void {
  const bytes = fs.readFileSync(toFsPath(from));
  remove(to);
  fs.writeFileSync(toFsPath(to), bytes);
}

function link(from: string, to: string): void {
  remove(to);
  fs.linkSync(toFsPath(from), toFsPath(to));
}

function move(from: string, to: string): void {
  remove(to);
  fs.renameSync(toFsPath(from), toFsPath(to));
}

export function setTimes(path: string, mtimeNs: bigint): void {
  fs.lutimesSync(toFsPath(path), new Date(), Number(mtimeNs / 1000n) / 1e6);
}

function chmod(path: string, number: number): void {
  const stat = fs.lstatSync(toFsPath(path));
  if (stat.isSymbolicLink()) return;
  fs.chmodSync(toFsPath(path), pick(stat.isDirectory() ? DIRECTORY_MODES : FILE_MODES, number)!);
}

function remove(path: string): void {
  fs.rmSync(toFsPath(path), { recursive: true, force: true });
}

/** Neither is the other or lies in it. */
function isApart(a: string, b: string): boolean {
  return a !== b && !a.startsWith(`${b}/`) && !b.startsWith(`${a}/`);
}

export function pick<T>(all: readonly T[], number: number): T | undefined {
  return all.length === 0 ? undefined : all[number % all.length];
}
