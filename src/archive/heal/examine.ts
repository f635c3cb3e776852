/** What the hash tree has of an object: its files, read and hashed, and what the log knows of them. */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import { objectPath } from '../../fs/stage.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull, namesIn } from '../../fs/scan.js';
import { together } from '../../fs/together.js';
import type { StoredInode, StoredObject } from '../../projections/contents.js';
import type { InodeId } from '../../projections/keys.js';
import type { OpenArchive } from '../open-archive.js';

export interface ObjectFile {
  readonly path: string;
  /** Null: there is none. */
  readonly inode: InodeId | null;
  readonly isGood: boolean;
  /** Why not. */
  readonly reason: string;
}

export interface Examined {
  readonly object: StoredObject;
  /** The object's own file first, then its twins. */
  readonly files: readonly ObjectFile[];
  /** Inodes that the log knows, as they are here, and that the hash tree has not. */
  readonly gone: readonly StoredInode[];
  /** What an earlier check told; null: nothing. */
  readonly told: string | null;
}

export function findingOf({ files }: Examined): 'missing' | 'content' | 'unreadable' {
  if (files[0]!.inode === null) return 'missing';
  return files.some(({ isGood, reason }) => !isGood && reason.startsWith(UNREADABLE))
    ? 'unreadable'
    : 'content';
}

export function reasonOf({ files }: Examined): string {
  return files.find(({ isGood }) => !isGood)!.reason;
}

const UNREADABLE = 'it cannot be read';
const TOGETHER = 128;

/** Reads all files of the objects; those that were removed are left out. */
export async function* examine(
  archive: OpenArchive,
  hashes: Iterable<Hash>,
): AsyncGenerator<readonly Examined[]> {
  let batch: Hash[] = [];
  for (const hash of hashes) {
    if (batch.push(hash) < TOGETHER) continue;
    yield await examineAll(archive, batch);
    batch = [];
  }
  if (batch.length > 0) yield await examineAll(archive, batch);
}

async function examineAll(archive: OpenArchive, hashes: readonly Hash[]): Promise<Examined[]> {
  const objects: StoredObject[] = [];
  for (const hash of hashes) {
    const object = await archive.contents().object(hash);
    if (object && object.inodes.length > 0) objects.push(object);
  }
  const paths = objects.map(({ hash }) => pathsOf(archive, hash));
  const read = await hashFiles(archive, paths.flat());
  return together(
    objects.map(async (object, index) => {
      const files = paths[index]!.map((path) => fileOf(object.hash, path, read.get(path)));
      const isThere = (inode: InodeId): boolean =>
        files.some((file) => file.inode?.inode === inode.inode && file.inode.device === inode.device);
      const gone = archive
        .contents()
        .inodesHere(object)
        .filter((inode) => !isThere(inode));
      return { object, files, gone, told: await archive.contents().finding(object.hash) };
    }),
  );
}

/** The object's own path, whether it is there or not, and its twins. */
function pathsOf(archive: OpenArchive, hash: Hash): string[] {
  return twinPaths(objectPath(archive.layout.objects, Buffer.from(hash, 'hex'))).reverse();
}

type Reading = { readonly actual: Hash } | { readonly code: string };

async function hashFiles(archive: OpenArchive, files: readonly string[]): Promise<Map<string, Reading>> {
  const read = new Map<string, Reading>();
  const { hashes, failures } = await archive.pool.run({ task: 'hash', files });
  for (const [index, file] of files.entries()) {
    const failure = failures.get(index);
    if (failure?.code === 'ECANCELED')
      throw Object.assign(new Error(failure.message), { code: failure.code });
    const actual = hashToHex(hashes.subarray(index * 32, index * 32 + 32));
    read.set(file, failure ? { code: failure.code } : { actual });
  }
  return read;
}

function fileOf(hash: Hash, path: string, reading: Reading | undefined): ObjectFile {
  const stat = lstatOrNull(path);
  if (stat === null || reading === undefined)
    return { path, inode: null, isGood: false, reason: 'its file is not in the hash tree' };
  const inode = { device: stat.dev, inode: stat.ino };
  if ('code' in reading) return { path, inode, isGood: false, reason: `${UNREADABLE}: ${reading.code}` };
  const isGood = reading.actual === hash;
  return { path, inode, isGood, reason: `${path} has other bytes than its name says (${reading.actual})` };
}

/** Objects that the log knows and whose file is not in the hash tree: names alone are looked at. */
export async function absentObjects(archive: OpenArchive): Promise<Hash[]> {
  const absent: Hash[] = [];
  for (let at = 0; at < 256; at += 1) {
    const folder = at.toString(16).padStart(2, '0');
    const names = new Set(namesIn(`${archive.layout.objects}/${folder}`));
    for await (const { hash, inodes } of archive.contents().objects(folder))
      if (inodes.length > 0 && !names.has(hash.slice(2))) absent.push(hash);
  }
  return absent;
}
