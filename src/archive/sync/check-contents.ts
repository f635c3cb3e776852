/** Files whose bytes have to be read before anything is concluded of them. */
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync } from 'node:fs';
import type { LevelPut } from '../../events/level.js';
import type { Attributes, Hash } from '../../events/types.js';
import { errnoOf } from '../../errors.js';
import { OBJECT_MODE } from '../../fs/contents.js';
import { inSource } from '../../fs/contents.js';
import { hashToHex } from '../../fs/hash.js';
import { treePath } from '../../fs/confined-path.js';
import { isSettled, nowInNs } from '../../fs/settled.js';
import { sameContentStat, StatTable, storable, type FileStat } from '../../fs/stats.js';
import type { EntryFailure } from '../../fs/tasks.js';
import { together } from '../../fs/together.js';
import type { Failure } from '../api.js';
import { sealRow, type Seal } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';

const TASK_FILES = 256;
const TASK_BYTES = 32n << 20n;

/** A file of the tree on an object's inode that is not as it was sealed. */
export interface Suspect {
  readonly path: string;
  readonly hash: Hash;
  readonly stat: FileStat;
  readonly seal: Seal | undefined;
  /** Once its bytes were read: whether a later change would show. */
  readonly isSettled?: boolean;
}

export type Verdict =
  /** `isSettled`: any later change of the file moves its times. */
  { readonly hash: Hash; readonly isSettled: boolean } | { readonly failure: EntryFailure };

/** The hashes of files of the tree, by path; each inode is read once. */
export async function hashTreeFiles(
  archive: OpenArchive,
  files: readonly { path: string; stat: FileStat }[],
): Promise<Map<string, Verdict>> {
  const byInode = new Map<bigint, string>();
  for (const { path, stat } of files) if (!byInode.has(stat.ino)) byInode.set(stat.ino, path);
  const first = files.filter(({ path, stat }) => byInode.get(stat.ino) === path);
  const read = new Map<string, Verdict>();
  await together(batchesOf(first).map((batch) => hashBatch(archive, batch, read)));
  return new Map(files.map(({ path, stat }) => [path, read.get(byInode.get(stat.ino)!)!]));
}

async function hashBatch(
  archive: OpenArchive,
  batch: readonly { path: string; stat: FileStat }[],
  into: Map<string, Verdict>,
): Promise<void> {
  const files = batch.map(({ path }) => treePath(archive.layout.root, path));
  const startedNs = nowInNs();
  const { hashes, failures, stats } = await archive.pool.run({ task: 'hash', files });
  const table = new StatTable(stats);
  for (const [index, { path, stat }] of batch.entries()) {
    const failure = failures.get(index);
    const hash = hashToHex(hashes.subarray(index * 32, index * 32 + 32));
    if (failure) into.set(path, { failure });
    else if (sameContentStat(stat, table.get(index)))
      into.set(path, { hash, isSettled: isSettled(stat, startedNs) });
    else into.set(path, { failure: { code: 'UNSTABLE', message: 'it changed while it was read' } });
  }
}

function batchesOf<T extends { stat: FileStat }>(files: readonly T[]): T[][] {
  const batches: T[][] = [];
  let bytes = TASK_BYTES;
  for (const file of files) {
    const last = batches.at(-1);
    if (last === undefined || last.length >= TASK_FILES || bytes >= TASK_BYTES) {
      batches.push([file]);
      bytes = file.stat.size;
    } else {
      last.push(file);
      bytes += file.stat.size;
    }
  }
  return batches;
}

/**
 * The attributes that a person gave an object's inode; null where they are as recorded. The mode is ours
 * unless it is not 0444, and the time is ours unless it moved since it was sealed.
 */
export function changedAttributes(
  recorded: Attributes,
  { stat, seal }: Suspect,
  ours: { uid: number; gid: number },
): Attributes | null {
  const mode = Number(stat.mode) & 0o7777;
  const uid = Number(stat.uid);
  const gid = Number(stat.gid);
  const isTouched = seal !== undefined && seal.mtimeNs !== stat.mtimeNs;
  const changed = {
    ...(mode === OBJECT_MODE || mode === recorded.mode ? {} : { mode }),
    ...(uid === ours.uid || uid === recorded.uid ? {} : { uid, user: null }),
    ...(gid === ours.gid || gid === recorded.gid ? {} : { gid, group: null }),
    ...(isTouched && stat.mtimeNs !== recorded.mtimeNs ? { mtimeNs: stat.mtimeNs } : {}),
  };
  return Object.keys(changed).length === 0 ? null : { ...recorded, ...changed };
}

/**
 * Makes a checked inode read-only again. @returns its seal; null where it changed since the check, or may
 * have without a trace: the next sync reads it again
 */
export function sealAgain(root: string, suspect: Suspect): LevelPut | Failure | null {
  const { path, stat, hash, isSettled: isTraced = false } = suspect;
  try {
    return inSource(treePath(root, path), (file) => {
      const there = storable(lstatSync(file, { bigint: true }));
      if (!sameContentStat(stat, there)) return null;
      const { size, mtimeNs, ctimeNs } = protect(file, there);
      if (!isTraced || size !== stat.size || mtimeNs !== stat.mtimeNs) return null;
      return sealRow({ device: stat.dev, inode: stat.ino }, { hash, size, mtimeNs, ctimeNs });
    });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return { path, code, message: (error as Error).message };
  }
}

function protect(
  file: string | Buffer,
  there: { ino: bigint; mode: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint },
): { size: bigint; mtimeNs: bigint; ctimeNs: bigint } {
  if ((Number(there.mode) & 0o7777) === OBJECT_MODE) return there;
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (fstatSync(fd, { bigint: true }).ino === there.ino) fchmodSync(fd, OBJECT_MODE);
    return storable(fstatSync(fd, { bigint: true }));
  } finally {
    closeSync(fd);
  }
}
