/** Where the bytes of an object may be besides the hash tree: names in the tree that are other inodes. */
import { lstatSync, type BigIntStats } from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Hash } from '../events/types.js';
import { inSource } from '../fs/contents.js';
import { treePath } from '../fs/confined-path.js';
import { twinPaths } from '../fs/place.js';
import { lstatOrNull } from '../fs/scan.js';
import type { EntryFailure } from '../fs/tasks.js';
import type { OpenArchive } from './open-archive.js';

/** Names that are looked at: nearly all of them are links to the object itself. */
const MAX_NAMES = 256;
const MAX_COPIES = 8;

/**
 * Asked for only when the hash tree has no good copy. Nothing is said of their bytes: who reads one hashes it.
 * An object whose name in the hash tree was lost is here as well, under its names in the tree.
 */
export async function otherCopies(archive: OpenArchive, hash: Hash): Promise<string[]> {
  const { layout } = archive;
  const seen = new Set(twinPaths(pathOfObject(layout.objects, hash)).map((path) => idOf(lstatOrNull(path))));
  const copies: string[] = [];
  let names = 0;
  for await (const path of archive.contents().livePaths(hash, archive.namespace())) {
    const file = treePath(layout.root, path);
    const stat = fileAt(file);
    if (stat !== null && !seen.has(idOf(stat))) copies.push(file);
    seen.add(idOf(stat));
    names += 1;
    if (names === MAX_NAMES || copies.length === MAX_COPIES) break;
  }
  return copies;
}

/** Of many objects at once, by number; those that have none are left out. */
export async function otherCopiesOf(
  archive: OpenArchive,
  failures: ReadonlyMap<number, EntryFailure>,
  hashOf: (index: number) => Hash,
): Promise<Map<number, readonly string[]>> {
  const others = new Map<number, readonly string[]>();
  for (const [index, failure] of failures) {
    if (!isObjectProblem(failure)) continue;
    const copies = await otherCopies(archive, hashOf(index));
    if (copies.length > 0) others.set(index, copies);
  }
  return others;
}

/** The object is gone, unreadable or has other bytes, and nothing else is the matter. */
export function isObjectProblem({ code }: EntryFailure): boolean {
  return code === 'OBJECT_MISSING' || code === 'OBJECT_DAMAGED';
}

/** For a message: a bad copy was left, and what was given out is right. */
export function sayBad({ message }: Pick<EntryFailure, 'message'>): string {
  return `${message}; another copy was taken, and \`hkfs verify\` records what is damaged`;
}

export function pathOfObject(objects: string, hash: Hash): string {
  return `${objects}/${hash.slice(0, 2)}/${hash.slice(2)}`;
}

function idOf(stat: BigIntStats | null): string {
  return stat === null ? '' : `${stat.dev}:${stat.ino}`;
}

/** Null where no regular file is there, or it cannot be seen. */
function fileAt(path: string): BigIntStats | null {
  try {
    const stat = inSource(path, (file) => lstatSync(file, { bigint: true, throwIfNoEntry: false }));
    return stat?.isFile() ? stat : null;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}
