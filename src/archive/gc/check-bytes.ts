/**
 * Whether files that are to go have the bytes of their names: what somebody wrote into an object through
 * a link may be nowhere else. Only what has no fitting seal is read.
 */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import type { FileStat } from '../../fs/stats.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import { fits } from '../trusted-stat.js';

const TASK_FILES = 64;

export interface ObjectFile {
  readonly hash: Hash;
  readonly path: string;
  readonly stat: FileStat;
}

/** @returns the objects of which a file has other bytes, or cannot be read */
export async function wrongObjects(archive: OpenArchive, files: readonly ObjectFile[]): Promise<Set<Hash>> {
  const wrong = new Set<Hash>();
  const doubtful = await withoutSeals(archive, files);
  const parts: ObjectFile[][] = [];
  for (let at = 0; at < doubtful.length; at += TASK_FILES) parts.push(doubtful.slice(at, at + TASK_FILES));
  await Promise.all(parts.map((part) => hashPart(archive, part, wrong)));
  return wrong;
}

async function withoutSeals(archive: OpenArchive, files: readonly ObjectFile[]): Promise<ObjectFile[]> {
  if (files.length === 0) return [];
  const index = new ObjectIndex(archive.views.level);
  const inodes = files.map(({ stat }) => ({ device: stat.dev, inode: stat.ino }));
  const seals = await index.seals(inodes);
  return files.filter(({ hash, stat }, at) => {
    const seal = seals[at];
    return seal === undefined || seal.hash !== hash || !fits(seal, stat);
  });
}

async function hashPart(archive: OpenArchive, part: readonly ObjectFile[], wrong: Set<Hash>): Promise<void> {
  const files = part.map(({ path }) => path);
  const { hashes, failures } = await archive.pool.run({ task: 'hash', files });
  for (const [index, { hash }] of part.entries())
    if (failures.has(index) || hashToHex(hashes.subarray(index * 32, index * 32 + 32)) !== hash)
      wrong.add(hash);
}
