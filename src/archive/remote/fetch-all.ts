/** Every content that the log knows, or those of some paths, from a remote. */
import type { Hash, Position } from '../../events/types.js';
import { together } from '../../fs/together.js';
import type { Contents } from '../../projections/contents.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { DamagedRow, Progress } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { damagedRow } from './damaged-row.js';
import { fetchObjects, type FetchOutcome } from './fetch-objects.js';
import { ObjectList } from './object-list.js';
import { TransferMeter } from './transfer-meter.js';

export interface FetchAllOptions {
  /** See FetchOptions. */
  readonly unsynced?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What came, and what could not be had. */
export interface Lost {
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
}

export async function fetchAll(
  archive: OpenArchive,
  store: BlobStore,
  options: FetchAllOptions,
): Promise<Lost> {
  return fetchList(archive, store, { ...options, list: await listAll(archive) });
}

/** Every content that was stored and not removed. */
export async function listAll(archive: OpenArchive): Promise<ObjectList> {
  const list = new ObjectList();
  for await (const { hash, size, inodes } of archive.contents().objects())
    if (inodes.length > 0) list.add(Buffer.from(hash, 'hex'), size);
  return list;
}

export async function fetchList(
  archive: OpenArchive,
  store: BlobStore,
  { list, signal, onProgress, unsynced = false }: FetchAllOptions & { list: ObjectList },
): Promise<Lost> {
  const meter = new TransferMeter('fetching', { files: list.length, bytes: list.bytes }, onProgress);
  const contents = archive.contents();
  const mtimeNs = (hash: Hash): Promise<bigint | undefined> => firstMtime(archive, contents, hash);
  try {
    const outcome = await fetchObjects(archive, store, { list, meter, signal, mtimeNs, unsynced });
    return await lostRows(archive, store, outcome);
  } finally {
    meter.stop();
  }
}

/** What could not be had, with the names that it has. */
export async function lostRows(
  archive: OpenArchive,
  store: Pick<BlobStore, 'url'>,
  { objects, bytes, damaged, missing }: FetchOutcome,
): Promise<Lost> {
  const rows = (hashes: readonly Hash[], reason: string): Promise<DamagedRow[]> =>
    together(hashes.map((hash) => damagedRow(archive, hash, `${reason} at ${store.url}`)));
  return {
    objects,
    bytes,
    damaged: await rows(damaged, 'it has other bytes than its name says'),
    missing: await rows(missing, 'it is not there'),
  };
}

/** As the file had it that brought the content. */
export async function firstMtime(
  archive: OpenArchive,
  contents: Contents,
  hash: Hash,
): Promise<bigint | undefined> {
  let first: Position | undefined;
  for await (const { position } of contents.postings(hash))
    if (first === undefined || position < first) first = position;
  if (first === undefined) return undefined;
  const event = archive.log.getSync(first);
  return event.type === 'file.ingested' ? event.attributes.mtimeNs : undefined;
}
