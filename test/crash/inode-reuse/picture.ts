/** What is on a disk, every byte of it read: nothing that a stat says counts here. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { hashBytes, hashToHex } from '../../../src/fs/hash.js';

export interface Seen {
  /** Null of an empty file, as in the log. */
  readonly hash: string | null;
  /** Device, number and, where the file system has it, time of birth: a number that came again is another inode. */
  readonly inode: string;
  readonly links: number;
}

export type Files = ReadonlyMap<string, Seen>;

export interface Picture {
  /** By the path inside the archive. */
  readonly tree: Files;
  /** By the name below `.hkfs/objects`. */
  readonly objects: Files;
  /** Bytes that hkfs set aside. */
  readonly damaged: Files;
  /** Everything on the disk that is not the archive, by its path on the disk. */
  readonly outside: Files;
}

export function hashOfBytes(bytes: Uint8Array): string {
  return hashToHex(hashBytes(bytes));
}

export function pictureOf(disk: string, archive: string): Picture {
  const hidden = join(archive, '.hkfs');
  return {
    tree: filesBelow(archive, hidden),
    objects: filesBelow(join(hidden, 'objects')),
    damaged: filesBelow(join(hidden, 'damaged')),
    outside: filesBelow(disk, archive),
  };
}

/** Every regular file below a directory, but for what is below `without`. */
function filesBelow(root: string, without?: string): Map<string, Seen> {
  const files = new Map<string, Seen>();
  const pending = [root];
  for (let at = pending.pop(); at !== undefined; at = pending.pop())
    for (const entry of list(at)) {
      const path = join(at, entry.name);
      if (path === without) continue;
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) files.set(path.slice(root.length + 1), see(path));
    }
  return files;
}

function list(directory: string): ReturnType<typeof readAll> {
  try {
    return readAll(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const readAll = (directory: string) => readdirSync(directory, { withFileTypes: true });

function see(path: string): Seen {
  const { dev, ino, nlink, birthtimeNs } = lstatSync(path, { bigint: true });
  const bytes = readFileSync(path);
  return {
    hash: bytes.length === 0 ? null : hashOfBytes(bytes),
    inode: `${dev}:${ino}:${birthtimeNs}`,
    links: Number(nlink),
  };
}

/** All contents that are anywhere. What is in staging is nobody's yet: the next writer removes it. */
export function contentsOf(picture: Picture): Set<string> {
  const all = new Set<string>();
  for (const files of [picture.tree, picture.objects, picture.damaged, picture.outside])
    for (const { hash } of files.values()) if (hash !== null) all.add(hash);
  return all;
}

/** The content that an object's file is named after; its twins have a number behind it. */
export function nameOfObject(file: string): string {
  return file.replace('/', '').replace(/\.\d+$/, '');
}

/** Contents of which an object has the right bytes. */
export function goodObjects(picture: Picture): Set<string> {
  const good = new Set<string>();
  for (const [file, { hash }] of picture.objects) if (nameOfObject(file) === hash) good.add(hash);
  return good;
}

/** Contents of which an object has other bytes, a twin's too. */
export function badObjects(picture: Picture): Set<string> {
  const bad = new Set<string>();
  for (const [file, { hash }] of picture.objects) {
    const name = nameOfObject(file);
    if (name !== hash) bad.add(name);
  }
  return bad;
}
