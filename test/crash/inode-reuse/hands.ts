/** What people do beside hkfs: in the tree, and in the folders that they take in. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';

import { below } from '../random.js';
import { hashOfBytes } from './picture.js';
import type { World } from './world.js';

/** A time that many files share, so that it never tells one from another. */
const LONG_AGO = 1_577_836_800;

type Deed = (world: World) => string | undefined;

/** @returns what was done */
export function doByHand(world: World): string {
  const choices: (readonly [number, Deed])[] = [
    ...[[3, newFile] as const, [4, editInTree] as const, [2, replaceInTree] as const],
    ...[[3, rename] as const, [1, swap] as const, [1, remove] as const],
    ...[[1, link] as const, [3, editSource] as const, [1, removeSource] as const],
  ];
  const bag = choices.flatMap(([weight, deed]) => Array<Deed>(weight).fill(deed));
  return world.pick(bag)(world) ?? 'nothing by hand';
}

/** What can happen to a file while hkfs is at work on it. */
export function editBesides(world: World): string {
  return world.pick([editSource, editSource, editInTree, replaceInTree])(world) ?? 'nothing meanwhile';
}

export function newFile(world: World): string {
  const directory = world.pick(['', ...directoriesIn(world)]);
  const path = join(directory, `by hand ${below(world.random, 100_000)}`);
  writeNew(world, join(world.root, path));
  return `new file ${path}`;
}

function editInTree(world: World): string | undefined {
  const path = world.pickPath(filesIn(world));
  return path === undefined ? undefined : `in the tree ${editInPlace(world, join(world.root, path))}`;
}

function replaceInTree(world: World): string | undefined {
  const path = world.pickPath(filesIn(world));
  if (path === undefined) return undefined;
  replace(world, join(world.root, path));
  return `replaced ${path} by a new file`;
}

function rename(world: World): string | undefined {
  const from = world.pickPath([...filesIn(world), ...directoriesIn(world)]);
  if (from === undefined) return undefined;
  const to = join(world.pick(['', ...directoriesIn(world)]), `renamed ${below(world.random, 100_000)}`);
  if (`${to}/`.startsWith(`${from}/`)) return undefined;
  fs.renameSync(join(world.root, from), join(world.root, to));
  world.remember(world.focus, to);
  return `renamed ${from} to ${to}`;
}

function swap(world: World): string | undefined {
  const [one, other] = [world.pickPath(filesIn(world)), world.pickPath(filesIn(world))];
  if (one === undefined || other === undefined || one === other) return undefined;
  const [a, b, parked] = [join(world.root, one), join(world.root, other), join(world.root, 'parked')];
  fs.renameSync(a, parked);
  fs.renameSync(b, a);
  fs.renameSync(parked, b);
  return `swapped ${one} and ${other}`;
}

function remove(world: World): string | undefined {
  const path = world.pickPath(filesIn(world));
  if (path === undefined) return undefined;
  fs.unlinkSync(join(world.root, path));
  return `removed ${path}`;
}

function link(world: World): string | undefined {
  const from = world.pickPath(filesIn(world));
  if (from === undefined) return undefined;
  const to = world.pick([join(world.root, `link ${below(world.random, 1e5)}`), newNameInSource(world)]);
  fs.linkSync(join(world.root, from), to);
  return `linked ${from} as ${to}`;
}

function editSource(world: World): string | undefined {
  const files = filesBelow(world.sources);
  if (files.length === 0) return undefined;
  const path = join(world.sources, world.pick(files));
  if (world.chance(0.6)) return `in a source ${editInPlace(world, path)}`;
  replace(world, path);
  return `replaced in a source ${path}`;
}

function removeSource(world: World): string | undefined {
  const names = fs.readdirSync(world.sources);
  if (names.length === 0) return undefined;
  const name = world.pick(names);
  fs.rmSync(join(world.sources, name), { recursive: true });
  return `removed source ${name}`;
}

/** A file or folder to take in, often a new one. */
export function pickSource(world: World): string {
  const names = fs.readdirSync(world.sources);
  const name = names.length > 0 && world.chance(0.5) ? world.pick(names) : newSource(world);
  const files = filesBelow(join(world.sources, name));
  const file = files.length > 0 && world.chance(0.2) ? world.pick(files) : '';
  return join(world.sources, name, file);
}

export function newSource(world: World, files = 1 + below(world.random, 6)): string {
  const name = `s${below(world.random, 100_000)}`;
  const directory = join(world.sources, name);
  fs.mkdirSync(directory, { recursive: true });
  for (let i = 0; i < files; i += 1) writeNew(world, join(directory, `f${i}`));
  if (world.chance(0.3)) fs.linkSync(join(directory, 'f0'), join(directory, 'hard link of f0'));
  return name;
}

function newNameInSource(world: World): string {
  const names = fs.readdirSync(world.sources);
  const name = names.length > 0 ? world.pick(names) : newSource(world);
  return join(world.sources, name, `link ${below(world.random, 1e5)}`);
}

function writeNew(world: World, path: string, bytes = world.make()): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, bytes);
  if (world.chance(0.5)) fs.utimesSync(path, LONG_AGO, LONG_AGO);
}

/** Through the file's own inode, and with it through every other name of it. */
function editInPlace(world: World, path: string): string {
  const size = world.chance(0.8) ? fs.statSync(path).size : 77;
  const isTimeKept = world.chance(0.6);
  overwrite(world, path, { size, isTimeKept });
  return isTimeKept ? `edited ${path} and set its mtime back` : `edited ${path}`;
}

/** New bytes in the same inode. */
export function overwrite(
  world: World,
  path: string,
  { size = fs.statSync(path).size, isTimeKept }: { size?: number; isTimeKept: boolean },
): void {
  const { mtimeNs } = fs.statSync(path, { bigint: true });
  const old = fs.readFileSync(path);
  if (old.length > 0) world.remember(world.suspects, hashOfBytes(old));
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, world.makeNew(size), 0, size, 0);
  fs.ftruncateSync(fd, size);
  fs.closeSync(fd);
  if (isTimeKept) setTimeBack(path, mtimeNs);
}

/** To the nanosecond, which Node's own call cannot. */
function setTimeBack(path: string, mtimeNs: bigint): void {
  const [seconds, rest] = [mtimeNs / 1_000_000_000n, mtimeNs % 1_000_000_000n];
  execFileSync('touch', ['-m', '-d', `@${seconds}.${String(rest).padStart(9, '0')}`, path]);
}

function replace(world: World, path: string): void {
  writeNew(world, `${path}.new`);
  fs.renameSync(`${path}.new`, path);
}

function filesIn(world: World): string[] {
  return filesBelow(world.root).filter((path) => !path.startsWith('.hkfs/'));
}

function directoriesIn(world: World): string[] {
  const all = fs.readdirSync(world.root, { recursive: true, withFileTypes: true });
  const directories = all.filter((entry) => entry.isDirectory());
  const paths = directories.map((entry) => join(entry.parentPath, entry.name).slice(world.root.length + 1));
  return paths.filter((path) => !`${path}/`.startsWith('.hkfs/')).sort();
}

/** Sorted, so that a seed finds the same again. */
function filesBelow(root: string): string[] {
  if (!fs.existsSync(root) || fs.statSync(root).isFile()) return [];
  const entries = fs.readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort();
}
