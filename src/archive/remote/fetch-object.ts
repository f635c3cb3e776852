/** One object from a remote into a staged file: it is there only if its bytes are what its hash says. */
import { closeSync, createReadStream, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { errnoOf, isHkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { finishStaged, withStagedFile, writeStaged } from '../../fs/contents.js';
import { fsyncDirectory } from '../../fs/durable.js';
import { createHasher, hashBytes, hashToHex } from '../../fs/hash.js';
import { parentPath } from '../../fs/names.js';
import { renameByLink } from '../../fs/rename-no-replace.js';
import { objectPath } from '../../fs/stage.js';
import type { BlobStore, TransferOptions } from '../../store/remote/blob-store.js';
import { MAX_UNPACKED, packedBound } from '../../store/remote/bounds.js';
import { SESSION_ID } from '../../fs/session.js';
import type { Layout } from '../layout.js';
import { objectName } from './names.js';

/** Up to here an object is read in one request and never touches the disk unhashed. */
const IN_MEMORY_BYTES = 8 << 20;
const BLOCK = 1 << 20;

export type Fetched = 'fetched' | 'damaged' | 'missing';

export interface WantedObject {
  readonly hash: Hash;
  readonly size: number;
  /** What its file is to have. */
  readonly mtimeNs?: bigint;
}

/**
 * Reads an object, plain or compressed, into the new file `staged`. Where it is not `fetched`, there is
 * no such file.
 *
 * @throws HkfsError of the remote, errnos of the staging file system
 */
export async function fetchObject(
  store: BlobStore,
  wanted: WantedObject,
  { staged, ...transfer }: TransferOptions & { staged: string },
): Promise<Fetched> {
  if (wanted.size > IN_MEMORY_BYTES) return fetchLarge(store, wanted, { staged, ...transfer });
  const bytes = await readObject(store, wanted);
  if (bytes === undefined) return 'missing';
  if (bytes === null) return 'damaged';
  transfer.onBytes?.(bytes.length);
  withStagedFile(staged, (fd) => {
    writeStaged(fd, bytes);
    finishStaged(fd, wanted.mtimeNs ?? nowNs());
  });
  return 'fetched';
}

/** Fetches an object and names it in the hash tree, durably: for one at a time. */
export async function fetchIntoTree(
  store: BlobStore,
  wanted: WantedObject,
  { layout, ...transfer }: TransferOptions & { layout: Layout },
): Promise<Fetched> {
  const path = objectPath(layout.objects, Buffer.from(wanted.hash, 'hex'));
  if (existsSync(path)) return 'fetched';
  const staged = `${layout.staging}/fetch-${SESSION_ID}-${wanted.hash}`;
  rmSync(staged, { force: true });
  const outcome = await fetchObject(store, wanted, { staged, ...transfer });
  if (outcome !== 'fetched') return outcome;
  syncFile(staged);
  nameUnlessThere(staged, path);
  fsyncDirectory(parentPath(path));
  return 'fetched';
}

async function fetchLarge(
  store: BlobStore,
  wanted: WantedObject,
  { staged, ...transfer }: TransferOptions & { staged: string },
): Promise<Fetched> {
  const isPlain = await downloadPlain(store, wanted, { staged, ...transfer });
  if (isPlain !== true) {
    const packed = await downloadCompressed(store, wanted, staged);
    if (packed === undefined) return isPlain === null ? 'damaged' : 'missing';
    if (packed === null) return 'damaged';
  }
  if ((await hashFile(staged)) === wanted.hash) {
    finish(staged, wanted.mtimeNs ?? nowNs());
    return 'fetched';
  }
  rmSync(staged, { force: true });
  return 'damaged';
}

/** False where there is none; null where it is longer than the content, or cannot be read. */
async function downloadPlain(
  store: BlobStore,
  { hash, size }: WantedObject,
  { staged, ...transfer }: TransferOptions & { staged: string },
): Promise<boolean | null> {
  try {
    return await store.download(objectName(hash), staged, { ...transfer, max: size });
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    rmSync(staged, { force: true });
    return null;
  }
}

/**
 * The plain file, or where that is lost the compressed one: archives that share a remote may have sent
 * both. Undefined where neither is there; null where none has the right bytes.
 */
async function readObject(
  store: BlobStore,
  { hash, size }: WantedObject,
): Promise<Buffer | undefined | null> {
  const plain = await readBlob(store, objectName(hash), size);
  if (plain && isRight(plain, hash)) return plain;
  const packed = await readBlob(store, objectName(hash, true), packedBound(size));
  if (packed === undefined && plain === undefined) return undefined;
  const bytes = packed && (await unpack(packed, size));
  return bytes && isRight(bytes, hash) ? bytes : null;
}

/** Null where this one file cannot be read: a bad sector, something else has its name, or it is too long. */
async function readBlob(store: BlobStore, name: string, max: number): Promise<Buffer | undefined | null> {
  try {
    return await store.read(name, { max });
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

function isUnreadable(error: unknown): boolean {
  return isHkfsError(error, 'IO_ERROR') || isHkfsError(error, 'REMOTE_DAMAGED');
}

async function unpack(packed: Buffer, size: number): Promise<Buffer | null> {
  const { decompress } = await import('../../store/remote/zstd.js');
  return decompress(packed, size);
}

/** Undefined where there is none; null where it is no right one, or too large to be unpacked in memory. */
async function downloadCompressed(
  store: BlobStore,
  { hash, size }: WantedObject,
  staged: string,
): Promise<true | undefined | null> {
  const name = objectName(hash, true);
  if (size > MAX_UNPACKED) return (await store.stat(name)) === undefined ? undefined : null;
  const packed = await readBlob(store, name, packedBound(size));
  if (packed === undefined) return undefined;
  const bytes = packed && (await unpack(packed, size));
  if (bytes === null) return null;
  withStagedFile(staged, (fd) => writeStaged(fd, bytes));
  return true;
}

function isRight(bytes: Buffer, hash: Hash): boolean {
  return hashToHex(hashBytes(bytes)) === hash;
}

/** Piece by piece, so that other work and Ctrl-C have their turn between. */
async function hashFile(path: string): Promise<Hash> {
  const hasher = createHasher();
  for await (const bytes of createReadStream(path, { highWaterMark: BLOCK })) hasher.update(bytes as Buffer);
  return hashToHex(hasher.digest());
}

function finish(path: string, mtimeNs: bigint): void {
  const fd = openSync(path, 'r');
  try {
    finishStaged(fd, mtimeNs);
  } finally {
    closeSync(fd);
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Another process may have fetched the same meanwhile. */
function nameUnlessThere(staged: string, path: string): void {
  try {
    renameByLink(staged, path);
  } catch (error) {
    rmSync(staged, { force: true });
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
