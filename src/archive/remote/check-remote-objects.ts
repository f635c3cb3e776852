/** The contents of a remote against the log: listed, and read and hashed, those read longest ago first. */
import { isHkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { createHasher, hashBytes, hashToHex } from '../../fs/hash.js';
import { eachAtOnce, together } from '../../fs/together.js';
import type { RemoteCopies } from '../../projections/copies.js';
import { MAX_UNPACKED, packedBound } from '../../store/remote/bounds.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { OpenArchive } from '../open-archive.js';
import { objectName, OBJECTS, parseObjectName } from './names.js';

/** Read in one request; of larger ones a part at a time. */
const PART_BYTES = 8 << 20;
const CHUNK_OBJECTS = 1024;
const CHUNK_BYTES = 128 << 20;
const TASK_FILES = 128;

const OTHER_SIZE = 'it has another size';
const DIFFERS = 'it has other bytes than its name says';

/** An object that is to be at the remote. */
export interface Candidate {
  readonly hash: Hash;
  readonly size: number;
  /** The event that says that it was read there; -1: it never was. */
  readonly readAt: Position;
  readonly wasMissing: boolean;
  /** The names that it has there. */
  readonly names: readonly string[];
  /** Those of another size than they can have, as the listing tells: they are not read. */
  readonly misfits: readonly string[];
}

export interface ObjectFinding {
  readonly hash: Hash;
  readonly size: number;
  readonly finding: 'damaged' | 'missing';
  readonly reason: string;
  /** The files that are wrong. */
  readonly names: readonly string[];
}

/** All contents that events of the span have stored, in the order of their hashes, and what is there of them. */
export async function listCandidates(
  archive: OpenArchive,
  store: BlobStore,
  { copies, from, size }: { copies: RemoteCopies; from: Position; size: Position },
): Promise<Candidate[]> {
  const there = store.list(OBJECTS)[Symbol.asyncIterator]();
  let next = await there.next();
  const candidates: Candidate[] = [];
  for await (const object of archive.contents().objects()) {
    const { hash, firstStored } = object;
    if (object.inodes.length === 0 || firstStored < from || firstStored >= size) continue;
    const names: string[] = [];
    const misfits: string[] = [];
    for (; next.done !== true; next = await there.next()) {
      const { name, size: bytes } = next.value;
      const found = parseObjectName(name);
      if (found && found.hash > hash) break;
      if (found?.hash !== hash) continue;
      names.push(name);
      if (!isSizeOf(object.size, bytes, found.compressed)) misfits.push(name);
    }
    const copy = copies.of(hash, firstStored);
    const known = { readAt: copy?.readAt ?? -1, wasMissing: copy?.state === 'missing' };
    candidates.push({ hash, size: object.size, ...known, names, misfits });
  }
  return candidates;
}

function isSizeOf(size: number, bytes: number, isCompressed: boolean): boolean {
  return isCompressed ? bytes > 0 && bytes <= packedBound(size) : bytes === size;
}

/** What is wrong by the listing. */
export function listedFinding(candidate: Candidate): ObjectFinding | null {
  const { hash, size, names, misfits } = candidate;
  if (names.length === 0) return { hash, size, finding: 'missing', reason: 'it is not there', names };
  if (misfits.length > 0) return { hash, size, finding: 'damaged', reason: OTHER_SIZE, names };
  return null;
}

/** In groups that were read at the same time, longest ago first; each in the order of the hashes. */
export function groupsByAge(candidates: readonly Candidate[]): Candidate[][] {
  const groups = new Map<Position, Candidate[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.readAt);
    if (group) group.push(candidate);
    else groups.set(candidate.readAt, [candidate]);
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Parts of a group that are read before the next decision to go on. */
export function* chunksOf(group: readonly Candidate[]): Generator<readonly Candidate[]> {
  let chunk: Candidate[] = [];
  let bytes = 0;
  for (const candidate of group) {
    chunk.push(candidate);
    bytes += candidate.size;
    if (chunk.length < CHUNK_OBJECTS && bytes < CHUNK_BYTES) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Reads and hashes every file of the candidates. @throws HkfsError of the remote */
export async function readCandidates(
  archive: OpenArchive,
  store: BlobStore,
  candidates: readonly Candidate[],
): Promise<ObjectFinding[]> {
  const wrong = new Map<Hash, Map<string, string>>();
  const tell = (hash: Hash, name: string, reason: string): void => {
    const names = wrong.get(hash) ?? new Map<string, string>();
    wrong.set(hash, names.set(name, reason));
  };
  for (const { hash, misfits } of candidates) for (const name of misfits) tell(hash, name, OTHER_SIZE);
  const blobs = candidates.flatMap(({ hash, size, names, misfits }) =>
    names.filter((name) => !misfits.includes(name)).map((name) => ({ hash, size, name })),
  );
  const isPlain = ({ hash, name }: Blob): boolean => name === objectName(hash);
  const byThreads = store.files ? blobs.filter(isPlain) : [];
  const byRequests = store.files ? blobs.filter((blob) => !isPlain(blob)) : blobs;
  await together([hashFiles(archive, store, byThreads, tell), readBlobs(store, byRequests, tell)]);
  return candidates.flatMap((candidate) => {
    const listed = listedFinding(candidate);
    const names = wrong.get(candidate.hash);
    if (listed?.finding === 'missing' || names === undefined) return listed ?? [];
    const { hash, size } = candidate;
    return [{ hash, size, ...findingOf(names, candidate), names: [...names.keys()] }];
  });
}

interface Blob {
  readonly hash: Hash;
  readonly size: number;
  readonly name: string;
}

type Tell = (hash: Hash, name: string, reason: string) => void;

const GONE = 'it is not there';

/** Where all files of it went since they were listed, it is missing. */
function findingOf(
  names: ReadonlyMap<string, string>,
  candidate: Candidate,
): { finding: 'damaged' | 'missing'; reason: string } {
  const reasons = [...names.values()];
  const isGone = reasons.every((reason) => reason === GONE) && names.size === candidate.names.length;
  if (isGone) return { finding: 'missing', reason: GONE };
  return { finding: 'damaged', reason: reasons.find((reason) => reason !== GONE) ?? GONE };
}

async function hashFiles(
  archive: OpenArchive,
  store: BlobStore,
  blobs: readonly Blob[],
  tell: Tell,
): Promise<void> {
  const batches: Blob[][] = [];
  for (let at = 0; at < blobs.length; at += TASK_FILES) batches.push(blobs.slice(at, at + TASK_FILES));
  const work = batches.map(async (batch) => {
    const files = batch.map(({ name }) => store.files!.path(name));
    const { hashes, failures } = await archive.pool.run({ task: 'hash', files });
    for (const [index, { hash, name }] of batch.entries()) {
      const failure = failures.get(index);
      if (failure?.code === 'ECANCELED') throw interrupted(failure);
      if (failure) tell(hash, name, failure.code === 'ENOENT' ? GONE : `it cannot be read: ${failure.code}`);
      else if (hashToHex(hashes.subarray(index * 32, index * 32 + 32)) !== hash) tell(hash, name, DIFFERS);
    }
  });
  await together(work);
}

async function readBlobs(store: BlobStore, blobs: readonly Blob[], tell: Tell): Promise<void> {
  await eachAtOnce(blobs, store.concurrency, async (blob) => {
    try {
      const actual = await hashOfBlob(store, blob);
      if (actual !== blob.hash) tell(blob.hash, blob.name, actual === undefined ? GONE : DIFFERS);
    } catch (error) {
      if (!isHkfsError(error, 'REMOTE_DAMAGED')) throw error;
      tell(blob.hash, blob.name, error.message);
    }
  });
}

/** Undefined where it is not there; null where it does not decompress. */
async function hashOfBlob(store: BlobStore, { hash, size, name }: Blob): Promise<Hash | null | undefined> {
  if (name !== objectName(hash)) {
    const packed = await store.read(name, { max: packedBound(size) });
    if (packed === undefined) return undefined;
    if (size > MAX_UNPACKED) return null;
    const { decompress } = await import('../../store/remote/zstd.js');
    const bytes = await decompress(packed, size);
    return bytes && hashToHex(hashBytes(bytes));
  }
  if (size <= PART_BYTES) {
    const bytes = await store.read(name, { max: size });
    return bytes && hashToHex(hashBytes(bytes));
  }
  const hasher = createHasher();
  for (let offset = 0; offset < size; offset += PART_BYTES) {
    const part = await store.read(name, { offset, length: Math.min(PART_BYTES, size - offset) });
    if (part === undefined) return undefined;
    hasher.update(part);
  }
  return hashToHex(hasher.digest());
}

function interrupted({ code, message }: { code: string; message: string }): Error {
  return Object.assign(new Error(message), { code });
}
