/** Entries of the tree as they are listed. */
import type { EntryKind, Hash } from '../../events/types.js';

export interface EntryRow {
  readonly path: string;
  readonly kind: EntryKind;
  /** Null for everything that is no file; 0 for an empty file. */
  readonly size: number | null;
  /** Null for everything but non-empty files. */
  readonly hash: Hash | null;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | null;
  readonly group: string | null;
  /** Nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
  /** A symlink's text; null for others. */
  readonly target: string | null;
  /** Attribute name to base64 of its value. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** `major:minor` of a device; absent for others. */
  readonly device?: string;
  readonly sparse?: true;
  /** `device:inode` that the names of one source inode share; absent where there was one name. */
  readonly linkGroup?: string;
  /** Of a directory that was found by the content of a tar: the operation that made it from the tar. */
  readonly ingestedBy?: number;
}

export interface InodeRow {
  readonly device: string;
  readonly inode: string;
}

export interface StatRow {
  readonly hash: Hash | null;
  readonly size: number | null;
  readonly inodes: readonly InodeRow[];
  /** Names in the hash tree and the tree that the inodes have on disk now. */
  readonly links: number;
  /** Where the content (or, for what has no content, the entry) is named at the moment. */
  readonly paths: readonly string[];
  /** Where it was named before and is no more. */
  readonly pastPaths: readonly string[];
  /** ISO times; null where unknown or never. */
  readonly firstStored: string | null;
  readonly lastVerified: string | null;
  /** Its copies at remotes, in the order of their names. */
  readonly copies: readonly CopyRow[];
  /** The entry itself when the target was a path. */
  readonly entry?: EntryRow;
}

export interface FindQuery {
  readonly path?: string;
  readonly hash?: string;
  /** Shell glob over the entry's name, or over its path when the glob has a slash. */
  readonly name?: string;
  /** Bytes: at least, at most. */
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly kind?: EntryKind;
}

export interface DuRow {
  readonly path: string;
  /** Sum of the sizes of all files below. */
  readonly bytes: number;
  /** Bytes of distinct contents that are named nowhere outside of the path. */
  readonly uniqueBytes: number;
  /** Bytes of distinct contents that are named outside of the path as well. */
  readonly sharedBytes: number;
  readonly files: number;
}

/** Where else a content is. */
export interface CopyRow {
  readonly remote: string;
  /** `stored`: sent there and not read since; `damaged` and `missing`: told by the last check. */
  readonly state: 'stored' | 'verified' | 'damaged' | 'missing';
  /** ISO time at which its bytes were last read there; null: never. */
  readonly verified: string | null;
}
