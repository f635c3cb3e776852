/**
 * What takes the place of damaged bytes may take a person's work from them: the bytes stay, as a further
 * link of their inode, in a directory that nobody reads.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import { toFsPath, type FsPath } from './names.js';
import { namesIn } from './scan.js';

/** How often other inodes may have had the number of this one. */
const MAX_NAMES = 1000;

/** @returns false where it could not be kept: no more than that may be lost of it, its name stays */
export function keepDamaged(directory: string, path: FsPath, hash: string): boolean {
  fs.mkdirSync(toFsPath(directory), { recursive: true });
  const { dev, ino } = fs.lstatSync(path, { bigint: true });
  for (let count = 0; count < MAX_NAMES; count += 1) {
    const kept = toFsPath(`${directory}/${hash}-${ino}${count === 0 ? '' : `.${count}`}`);
    try {
      fs.linkSync(path, kept);
      return true;
    } catch (error) {
      // No more links: then its names are many, and the next of them finds room.
      if (errnoOf(error) === 'EMLINK') return true;
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    const there = fs.lstatSync(kept, { bigint: true });
    if (there.ino === ino && there.dev === dev) return true;
  }
  return false;
}

export interface KeptInode {
  /** Of the object whose bytes it was to have. */
  readonly hash: string;
  readonly device: bigint;
  readonly inode: bigint;
}

/** All inodes with wrong bytes that were kept here. */
export function keptInodes(directory: string): KeptInode[] {
  return keptFiles(directory).map((path) => {
    const { dev: device, ino: inode } = fs.lstatSync(toFsPath(path), { bigint: true });
    return { hash: path.slice(directory.length + 1, directory.length + 65), device, inode };
  });
}

/** Their paths. */
export function keptFiles(directory: string): string[] {
  return namesIn(directory)
    .filter((name) => /^[0-9a-f]{64}-\d+(\.\d+)?$/.test(name))
    .map((name) => `${directory}/${name}`);
}

/** Those of one object. */
export function keptInodesOf(directory: string, hash: string): KeptInode[] {
  return keptInodes(directory).filter((kept) => kept.hash === hash);
}
