/** Where the rest of a log comes from: a remote, a bundle, or another directory that holds the same archive. */
import { statSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { EventLog } from '../../events/log.js';
import type { VerifierKey } from '../../events/signed-note.js';
import type { CommitHead } from '../../events/types.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { toFsPath } from '../../fs/names.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { Message, Progress } from '../api.js';
import { layoutOf, readArchiveFile } from '../layout.js';
import { importLog } from '../remote/import-log.js';
import { chooseArchive } from '../remote/choose-archive.js';
import { openRemoteStore } from '../remote/open-remote.js';
import type { RemoteArchive } from '../remote/remote-archive.js';

export interface RecoverSource {
  readonly url: string;
  readonly id: string;
  /** What it has; signed, but for a directory. */
  readonly head: CommitHead;
  /** The key that signed; null of a directory. */
  readonly key: VerifierKey | null;
  /** A key that is known here signed it, so that it is what this archive wrote. */
  readonly isOwn: boolean;
  /** Where contents are to be had. */
  readonly store: BlobStore;
  /** Appends what a log lacks of this one. @throws HkfsError REMOTE_DAMAGED, REMOTE_DIVERGED */
  bring(log: EventLog, options: BringOptions): Promise<void>;
  close(): Promise<void>;
}

export interface BringOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface SourceOptions {
  /** Null where nothing here tells it: then the source has to have one archive only. */
  readonly id: string | null;
  /** The key that has to have signed; null: the one that the source has is believed. */
  readonly key: VerifierKey | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
}

/** @throws HkfsError REMOTE_*, BAD_SIGNATURE, KEY_MISMATCH, NOT_AN_ARCHIVE, ARCHIVE_HELD */
export async function openSource(url: string, options: SourceOptions): Promise<RecoverSource> {
  if (isArchive(url)) return openDirectory(absolutePath(url), options);
  const store = await openRemoteStore(url, options);
  try {
    return await openRemote(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function isArchive(url: string): boolean {
  return isDirectory(url) && isDirectory(`${url}/.hkfs`);
}

function isDirectory(path: string): boolean {
  return statSync(toFsPath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

async function openRemote(store: BlobStore, options: SourceOptions): Promise<RecoverSource> {
  const remote = await chooseArchive(store, options.id ?? undefined);
  const key = options.key ?? (await remote.key());
  const newest = (await remote.checkpoints()).at(-1);
  if (key === null || newest === undefined)
    throw new HkfsError('REMOTE_FOREIGN', `${store.url} has no completed backup of archive ${remote.id}`, {
      hint: 'name another place that has one',
    });
  const head = await signedHead(remote, key, newest);
  return {
    ...{ url: store.url, id: remote.id, head, key, isOwn: options.key !== null, store },
    bring: (log, bring) => importLog(log, remote, { to: head, key, ...bring }),
    close: () => store.close(),
  };
}

async function signedHead(remote: RemoteArchive, key: VerifierKey, size: number): Promise<CommitHead> {
  const theirs = await remote.key();
  if (theirs !== null && Buffer.compare(theirs.publicKey, key.publicKey) !== 0)
    throw new HkfsError('KEY_MISMATCH', `${remote.store.url} has backups that another key signed`, {
      hint: 'name another place, or the key that is to be trusted with --key',
    });
  return remote.checkpoint(size, key);
}

/** What is in a directory is believed as far as it follows from what is proved here. */
async function openDirectory(root: string, { id, ...options }: SourceOptions): Promise<RecoverSource> {
  const layout = layoutOf(root);
  const file = readArchiveFile(root);
  if (id !== null && file.id !== id)
    throw new HkfsError('REMOTE_FOREIGN', `${root} is archive ${file.id}, and not ${id}`, {
      hint: 'name a clone or a copy of this archive',
    });
  const log = await EventLog.open(layout.log);
  const store = await openRemoteStore(layout.hkfs, options);
  return {
    ...{ url: root, id: file.id, head: log.head(), key: null, isOwn: false, store },
    bring: (into) => bringFrom(log, into, root),
    close: async () => {
      await log.close();
      await store.close();
    },
  };
}

async function bringFrom(from: EventLog, into: EventLog, root: string): Promise<void> {
  for await (const stored of from.readStored({ from: into.size, to: from.size }))
    if ((await into.adopt([stored])) !== 1) throw partedFrom(root, into.size);
}

export function partedFrom(url: string, position: number): HkfsError {
  return new HkfsError(
    'REMOTE_DIVERGED',
    `the log at ${url} does not go on from what is proved here: they part at or before position ${position}`,
    { hint: 'name another place; or recover without it, and keep both' },
  );
}
