/** Recorded and found entries with what is needed to append events of them. */
import { entryKindOf } from '../../fs/attributes.js';
import type { FileStat } from '../../fs/stats.js';
import type { Attributes, EntryEvent, Hash } from '../../events/types.js';
import type { Entry } from '../../projections/namespace.js';
import type { Seal } from '../object-index.js';
import type { DirectoryRef, Found, Missing } from './differences.js';
import type { Candidate, KnownObject } from './object-lookup.js';

export interface MissingEntry extends Missing {
  readonly entry: Entry;
  readonly hash: Hash | null;
}

export interface FoundEntry extends Found {
  readonly stat: FileStat;
  /** Of the object whose inode it is, as its seal or its bytes say. */
  readonly hash: Hash | null;
  /** What it may be: to be read. */
  readonly candidate: Candidate | null;
  readonly seal: Seal | undefined;
  /** It is on an inode that its object lost: its name is to be a link to the object again. */
  readonly relink?: { readonly isDamaged: boolean };
  /** Its bytes are of no content, and only the hash tree says which it was: enough to follow a rename. */
  readonly isGuess?: boolean;
}

/** A recorded file at its place, on its object's inode, which is not as it was sealed. */
export interface TouchedFile {
  readonly path: string;
  readonly entry: Entry;
  readonly hash: Hash;
  readonly stat: FileStat;
  readonly seal: Seal | undefined;
}

export interface ChangedAttributes {
  readonly path: string;
  readonly entry: Entry;
  readonly attributes: Attributes;
}

export function missingEntry(entry: Entry, path: string): MissingEntry {
  const { event, parent, name, kind, directoryId } = entry;
  const hash = event.type === 'file.ingested' ? event.hash : null;
  return { entry, parent, name, kind, directoryId, path, hash, key: keyOfEvent(event) };
}

export function foundEntry(
  place: { parent: DirectoryRef; name: string; path: string },
  disk: { stat: FileStat; target: string | undefined; ref: DirectoryRef },
  known: KnownObject,
): FoundEntry {
  const { stat, target, ref } = disk;
  const kind = entryKindOf(stat.mode);
  const isDirectory = kind === 'directory';
  let key: string | null = null;
  if (kind === 'symlink') key = symlinkKey(target ?? '');
  else if (kind === 'file') key = known.hash === null ? emptyKey(stat) : fileKey(known.hash);
  return { ...place, kind, stat, ref: isDirectory ? ref : null, key, ...known };
}

/** A file that was read: it is a content that the log knows, and may be recognised by it. */
export function knownFile(found: FoundEntry, hash: Hash, relink?: FoundEntry['relink']): FoundEntry {
  return { ...found, hash, key: fileKey(hash), ...(relink ? { relink } : {}) };
}

function emptyKey({ size, mtimeNs }: FileStat): string | null {
  return size === 0n ? keyOfEmpty(mtimeNs) : null;
}

function keyOfEvent(event: EntryEvent): string | null {
  if (event.type === 'symlink.added') return symlinkKey(event.target);
  if (event.type !== 'file.ingested') return null;
  return event.hash === null ? keyOfEmpty(event.attributes.mtimeNs) : fileKey(event.hash);
}

function fileKey(hash: Hash): string {
  return `content ${hash}`;
}

function symlinkKey(target: string): string {
  return `link ${target}`;
}

/** The tree's times of empty files are rounded to a few hundred nanoseconds. */
function keyOfEmpty(mtimeNs: bigint): string {
  return `empty ${(mtimeNs + 500_000n) / 1_000_000n}`;
}
