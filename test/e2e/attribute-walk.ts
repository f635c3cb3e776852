/** Everything that two trees could differ in, as values: for comparing a restored one with its original. */
import * as fs from 'node:fs';
import { joinPath, readDirectoryNames, toFsPath } from '../../src/fs/names.js';
import { loadPosix } from '../../src/fs/posix.js';
import { readTarget } from '../../src/fs/scan.js';
import { hashOfFile } from '../crash/source-tree.js';

const posix = loadPosix();

export interface Walked {
  readonly mode: string;
  readonly owner: string;
  readonly mtimeNs: bigint;
  readonly content: string;
  readonly xattrs: Readonly<Record<string, string>>;
  /** The first name of the inode. */
  readonly inodeOf: string;
  readonly sparse: boolean;
}

export interface WalkOptions {
  /** As an ordinary user nobody is given a file. */
  readonly owners?: boolean;
}

/** By path; the directory itself is `.`. */
export function walkAttributes(root: string, { owners = true }: WalkOptions = {}): Record<string, Walked> {
  const found: Record<string, Walked> = {};
  const firstNames = new Map<bigint, string>();
  const stack = ['.'];
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    const real = joinPath(root, path);
    const stat = fs.lstatSync(toFsPath(real), { bigint: true });
    found[path] = { ...walked(real, stat, owners), inodeOf: firstNames.get(stat.ino) ?? path };
    if (stat.isFile() && !firstNames.has(stat.ino)) firstNames.set(stat.ino, path);
    if (!stat.isDirectory()) continue;
    for (const name of readDirectoryNames(real).sort().reverse())
      stack.push(path === '.' ? name : joinPath(path, name));
  }
  return found;
}

function walked(path: string, stat: fs.BigIntStats, owners: boolean): Omit<Walked, 'inodeOf'> {
  const xattrs = (posix?.readXattrs(toFsPath(path)) ?? []).map(([name, value]) => [
    name,
    Buffer.from(value).toString('hex'),
  ]);
  return {
    mode: stat.mode.toString(8),
    owner: owners ? `${stat.uid}:${stat.gid}` : '',
    mtimeNs: stat.mtimeNs,
    content: contentOf(path, stat),
    xattrs: Object.fromEntries(xattrs) as Record<string, string>,
    sparse: stat.isFile() && stat.blocks * 512n < stat.size,
  };
}

function contentOf(path: string, stat: fs.BigIntStats): string {
  if (stat.isSymbolicLink()) return readTarget(toFsPath(path));
  if (stat.isFile()) return stat.size === 0n ? '' : hashOfFile(path);
  return String(stat.rdev);
}
