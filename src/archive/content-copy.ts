/** One copy of a content, opened to be given out: only if its bytes are right, as far as that can be known before. */
import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { errnoOf, HkfsError, counted } from '../errors.js';
import type { Hash } from '../events/types.js';
import { createHasher, hashBytes, hashToHex } from '../fs/hash.js';
import { toFsPath } from '../fs/names.js';
import { sameContentStat, type FileStat } from '../fs/stats.js';

/** Up to here a content is read whole, and hashed, before anything of it goes out. */
export const IN_MEMORY_BYTES = 8 << 20;
const CHUNK = 1 << 20;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

export interface Copy {
  readonly file: string;
  /** What `sealText` gives while its inode is as when its bytes were last hashed; null: nobody knows. */
  readonly seal: string | null;
}

export interface WantedContent {
  readonly hash: Hash;
  readonly size: number;
  /** Of the bytes that are asked for, at least one. */
  readonly range: { readonly start: number; readonly end: number };
}

type Bytes = AsyncGenerator<Uint8Array>;

/** A seal as text, so that it crosses a socket; the inode is that of the name it was asked for. */
export function sealText({ dev, ino, size, mtimeNs, ctimeNs }: FileStat): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** @returns the bytes of the range, or why this copy is no good */
export async function openContent(copy: Copy, wanted: WantedContent): Promise<Bytes | HkfsError> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(toFsPath(copy.file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const bytes = await opened(handle, copy, wanted);
    if (bytes instanceof HkfsError) await handle.close();
    return bytes;
  } catch (error) {
    await handle?.close();
    return inWords(error, copy);
  }
}

async function opened(handle: FileHandle, copy: Copy, wanted: WantedContent): Promise<Bytes | HkfsError> {
  const stat = await handle.stat({ bigint: true });
  if (!stat.isFile() || Number(stat.size) !== wanted.size)
    return damaged(copy, `has ${counted(Number(stat.size), 'byte')} instead of ${wanted.size}`);
  const open = { handle, copy, wanted, stat };
  if (wanted.size <= IN_MEMORY_BYTES) return inMemory(open);
  if (sealText(stat) !== copy.seal && !(await isRight(copy, wanted.hash))) return wrongBytes(copy);
  const isWhole = wanted.range.start === 0 && wanted.range.end === wanted.size;
  return isWhole ? hashed(open) : unchanged(open);
}

interface OpenCopy {
  readonly handle: FileHandle;
  readonly copy: Copy;
  readonly wanted: WantedContent;
  /** From before anything was read. */
  readonly stat: BigIntStats;
}

async function inMemory({ handle, copy, wanted }: OpenCopy): Promise<Bytes | HkfsError> {
  const pieces: Buffer[] = [];
  for await (const bytes of readRange(handle, { start: 0, end: wanted.size })) pieces.push(bytes);
  const bytes = Buffer.concat(pieces);
  if (hashToHex(hashBytes(bytes)) !== wanted.hash) return wrongBytes(copy);
  await handle.close();
  return (async function* given(): Bytes {
    yield bytes.subarray(wanted.range.start, wanted.range.end);
  })();
}

/** A thread reads it: this one may have queries of others to answer. */
async function isRight({ file }: Copy, hash: Hash): Promise<boolean> {
  const { WorkerPool } = await import('../fs/pool.js');
  const pool = new WorkerPool(1);
  try {
    const { hashes, failures } = await pool.run({ task: 'hash', files: [file] });
    return failures.size === 0 && hashToHex(hashes) === hash;
  } finally {
    await pool.close();
  }
}

/** Whole: hashed as it goes, and its last piece only goes when the hash is right. */
async function* hashed({ handle, copy, wanted }: OpenCopy): Bytes {
  const hasher = createHasher();
  yield* holdingBack(handle, { copy, wanted, see: (bytes) => hasher.update(bytes) }, async () =>
    hasher.digest().toString('hex') === wanted.hash ? null : wrongBytes(copy),
  );
}

/** A part: its file is the one that was sealed or hashed, and is so still when the last piece goes. */
async function* unchanged({ handle, copy, wanted, stat }: OpenCopy): Bytes {
  yield* holdingBack(handle, { copy, wanted, see: () => {} }, async () =>
    sameContentStat(stat, await handle.stat({ bigint: true })) ? null : damaged(copy, 'changed meanwhile'),
  );
}

interface Passing {
  readonly copy: Copy;
  readonly wanted: WantedContent;
  readonly see: (bytes: Buffer) => void;
}

async function* holdingBack(
  handle: FileHandle,
  { copy, wanted, see }: Passing,
  judge: () => Promise<HkfsError | null>,
): Bytes {
  let held: Buffer | null = null;
  try {
    for await (const bytes of readRange(handle, wanted.range)) {
      if (held) yield held;
      see(bytes);
      held = bytes;
    }
    const problem = await judge();
    if (problem) throw brokenOff(problem);
  } catch (error) {
    const problem = inWords(error, copy);
    throw problem === error ? error : brokenOff(problem);
  } finally {
    await handle.close();
  }
  if (held) yield held;
}

async function* readRange(
  handle: FileHandle,
  { start, end }: { start: number; end: number },
): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const bytes = Buffer.allocUnsafe(Math.min(CHUNK, end - at));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
    if (bytesRead === 0) return; // the hash or the stat will show it
    yield bytes.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** @throws what is no single copy's trouble */
function inWords(error: unknown, { file }: Copy): HkfsError {
  if (error instanceof HkfsError) return error;
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  if (errno === 'ENOENT') return copyProblem('OBJECT_MISSING', `${file} is not there`, error);
  return copyProblem('OBJECT_DAMAGED', `${file} cannot be read: ${errno}`, error);
}

function wrongBytes(copy: Copy): HkfsError {
  return damaged(copy, 'has other bytes than its name says');
}

function damaged({ file }: Copy, what: string): HkfsError {
  return copyProblem('OBJECT_DAMAGED', `${file} ${what}`);
}

function brokenOff(problem: HkfsError): HkfsError {
  return copyProblem(
    'OBJECT_DAMAGED',
    `${problem.message}; the output is broken off before its end`,
    problem,
  );
}

export function copyProblem(
  code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED',
  message: string,
  cause?: unknown,
): HkfsError {
  return new HkfsError(code, message, {
    hint: 'run `hkfs heal`, which looks for good bytes in the tree and at remotes; or ingest the file again',
    ...(cause === undefined ? {} : { cause }),
  });
}
