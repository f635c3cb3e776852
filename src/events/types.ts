/**
 * The facts of an archive, in the past tense. An event says what happened and nothing about when
 * or by whom: position, time and operation belong to the record around it.
 *
 * Names are PEP 383 strings (see fs/names.ts): each byte that is not valid UTF-8 stands as a lone
 * surrogate U+DC80–U+DCFF. Entries are placed by the id of their directory and their name, never by
 * a full path: a rename of a directory is one event, and deep trees do not cost their depth per file.
 * A directory's id is the position of its `directory.added`; the root's id is 0, the position of
 * `archive.created`.
 */

/** A count of events, or one event's place in the log, from 0. Below 2^53. */
export type Position = number;

/** The position of a directory's `directory.added` event; 0 is the archive's root. */
export type DirectoryId = number;

/** BLAKE3-256 of a content: 64 lower-case hexadecimal digits. */
export type Hash = string;

/** One extended attribute: its full name (`user.x`, `system.posix_acl_access`) and its raw value. */
export type Xattr = readonly [name: string, value: Uint8Array];

/** What an entry has besides its content. POSIX ACLs are the `system.posix_acl_*` xattrs. */
export interface Attributes {
  /** Permission bits with setuid, setgid and sticky: `st_mode & 0o7777`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Owner and group names; null where the system knows none. */
  readonly user: string | null;
  readonly group: string | null;
  /** Modification time in nanoseconds since 1970, may be negative. */
  readonly mtimeNs: bigint;
  /** Sorted by name; absent when there are none. */
  readonly xattrs?: readonly Xattr[];
  /** True when the source had holes. */
  readonly sparse?: boolean;
  /** Device and inode that names of one source inode share; absent when the source had one link. */
  readonly linkGroup?: readonly [device: bigint, inode: bigint];
}

/** The file of the outside world that was read: recognises it later without reading. */
export interface SourceIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly ctimeNs: bigint;
}

export type SpecialKind = 'fifo' | 'socket' | 'chardev' | 'blockdev';
export type EntryKind = 'file' | 'directory' | 'symlink' | SpecialKind;

/** Where an entry is: the id of its directory and its name there. */
export interface Place {
  readonly parent: DirectoryId;
  readonly name: string;
}

export interface ArchiveCreated {
  readonly type: 'archive.created';
  readonly archiveId: string;
  readonly hashAlgorithm: 'blake3-256';
}
export interface OperationStarted {
  readonly type: 'operation.started';
  readonly operation: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly user: string;
  readonly host: string;
  /** Absolute paths of what is taken in; empty where the command has no source. */
  readonly sources: readonly string[];
  /** What the clock said, where the log was ahead of it: milliseconds since 1970. */
  readonly clockMs?: number;
}
export interface OperationCompleted {
  readonly type: 'operation.completed';
  readonly operation: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly clockMs?: number;
}
export interface OperationFailed {
  readonly type: 'operation.failed';
  readonly operation: number;
  readonly reason: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly clockMs?: number;
}
export interface DirectoryAdded extends Place {
  readonly type: 'directory.added';
  readonly attributes: Attributes;
}
export interface FileIngested extends Place {
  readonly type: 'file.ingested';
  /** Null for an empty file: zero-length contents are never objects. */
  readonly hash: Hash | null;
  readonly size: number;
  readonly attributes: Attributes;
  readonly source: SourceIdentity | null;
}
export interface SymlinkAdded extends Place {
  readonly type: 'symlink.added';
  /** The link's text as a PEP 383 string. */
  readonly target: string;
  readonly attributes: Attributes;
}
export interface SpecialAdded extends Place {
  readonly type: 'special.added';
  readonly kind: SpecialKind;
  /** Major and minor number; both 0 for a fifo or a socket. */
  readonly major: number;
  readonly minor: number;
  readonly attributes: Attributes;
}
/** The entry's attributes are now these, all of them. */
export interface AttributesChanged extends Place {
  readonly type: 'attributes.changed';
  readonly attributes: Attributes;
  /** The identity under which the source now has this content; null where unknown. */
  readonly source: SourceIdentity | null;
}
export interface PathRenamed {
  readonly type: 'path.renamed';
  readonly from: Place;
  readonly to: Place;
}
export interface PathRemoved extends Place {
  readonly type: 'path.removed';
}
/** The entry that stood at this place just after the event at `at` is there again. */
export interface PathRestored extends Place {
  readonly type: 'path.restored';
  readonly at: Position;
}
/** A file, symlink or special that goes, and where what it held stays. */
export interface PrunedEntry extends Place {
  /** Null for what has no content: empty files, symlinks, specials. */
  readonly hash: Hash | null;
  /** The entry that stays; null where only history keeps the content, or there is nothing to keep. */
  readonly kept: Place | null;
}
/** The proof that the removals of the same commit lose nothing; up to 1,024 entries an event. */
export interface PathsPruned {
  readonly type: 'paths.pruned';
  readonly entries: readonly PrunedEntry[];
}
/** An inode of the hash tree holds this content: the first, or a twin at the link limit. */
export interface ObjectStored {
  readonly type: 'object.stored';
  readonly hash: Hash;
  readonly size: number;
  readonly device: bigint;
  readonly inode: bigint;
}
/** The same bytes now have this inode (an archive copied to another disk, a healed object). */
export interface ObjectRelocated {
  readonly type: 'object.relocated';
  readonly hash: Hash;
  readonly size: number;
  readonly from: { readonly device: bigint; readonly inode: bigint };
  readonly to: { readonly device: bigint; readonly inode: bigint };
}
export interface ObjectRemoved {
  readonly type: 'object.removed';
  readonly hash: Hash;
  readonly size: number;
  readonly device: bigint;
  readonly inode: bigint;
  /** Of what was collected: the last path of the content, null where it never had one. */
  readonly lastPath?: string | null;
}
export interface ObjectDamaged {
  readonly type: 'object.damaged';
  readonly hash: Hash;
  /** What is wrong: the file is gone, has other bytes, or cannot be read. */
  readonly finding: 'missing' | 'content' | 'unreadable';
}
export interface ObjectHealed {
  readonly type: 'object.healed';
  readonly hash: Hash;
  readonly from: string;
}
/** The bytes of these objects were read and match their names. */
export interface ObjectsVerified {
  readonly type: 'objects.verified';
  readonly hashes: readonly Hash[];
}
export interface TagAdded {
  readonly type: 'tag.added';
  readonly tag: string;
  readonly position: Position;
}
/** A tar was read to its end; its members are below a directory. */
export interface TarIngested {
  readonly type: 'tar.ingested';
  readonly directory: DirectoryId;
  /** The file's own name; `-` for the standard input. */
  readonly name: string;
  /** Of the tar as it was stored, compressed where it was. */
  readonly hash: Hash;
  readonly size: number;
}

/** A place for backups, under a name. The URL is as the user wrote it and has no credentials. */
export interface RemoteAdded {
  readonly type: 'remote.added';
  readonly name: string;
  readonly url: string;
  readonly kind: 'directory' | 's3' | 'bundle';
}
export interface RemoteRemoved {
  readonly type: 'remote.removed';
  readonly name: string;
}
/** The remote has the first `size` events and all objects that they name. */
export interface BackupCompleted {
  readonly type: 'backup.completed';
  readonly remote: string;
  readonly size: number;
  /** The log's root at `size`. */
  readonly root: Hash;
  /** What this backup sent. */
  readonly objects: number;
  readonly bytes: number;
}
/** A remote's objects were looked at: listed only (`quick`), or read and hashed. */
export interface CopiesVerified {
  readonly type: 'copies.verified';
  readonly remote: string;
  readonly quick: boolean;
  /** How many were looked at, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly Hash[];
  readonly missing: readonly Hash[];
  /** Of the damaged and missing: what was sent again. */
  readonly healed: readonly Hash[];
  /**
   * Looked at were the objects that were stored before `size`, whose hash is above `after` and not above
   * `upTo` (null: no bound), and that no event from `before` on says were read. All others: not at all.
   */
  readonly size: Position;
  readonly before: Position;
  readonly after: Hash | null;
  readonly upTo: Hash | null;
}

export type HkfsEvent =
  | ArchiveCreated
  | OperationStarted
  | OperationCompleted
  | OperationFailed
  | DirectoryAdded
  | FileIngested
  | SymlinkAdded
  | SpecialAdded
  | AttributesChanged
  | PathRenamed
  | PathRemoved
  | PathRestored
  | PathsPruned
  | ObjectStored
  | ObjectRelocated
  | ObjectRemoved
  | ObjectDamaged
  | ObjectHealed
  | ObjectsVerified
  | TagAdded
  | TarIngested
  | RemoteAdded
  | RemoteRemoved
  | BackupCompleted
  | CopiesVerified;

export type EventType = HkfsEvent['type'];

/** The events that put an entry at a place. */
export type EntryEvent = DirectoryAdded | FileIngested | SymlinkAdded | SpecialAdded;

/** An event in its place in the log. */
export interface EventRecord {
  readonly position: Position;
  /** Milliseconds since 1970, never before the commit before it (see docs/design.md, "Time"). */
  readonly timeMs: number;
  /** 0 for the archive's creation. */
  readonly operation: number;
  readonly event: HkfsEvent;
  /** The stored bytes: the leaf of the Merkle tree. */
  readonly bytes: Uint8Array;
}

/** What one atomic synced write appended. */
export interface CommitRecord {
  /** 2: its first event knows the hash of the record before it. The first commit of a log has 1. */
  readonly format: 1 | 2;
  readonly first: Position;
  readonly count: number;
  readonly timeMs: number;
  readonly operation: number;
  /** RFC 6962 compact range after the commit: roots of the perfect subtrees, largest first. */
  readonly range: readonly Uint8Array[];
}

/** The fingerprint of a whole history. */
export interface Head {
  readonly size: number;
  /** 64 lower-case hexadecimal digits. */
  readonly root: string;
}

/** With the last commit record, which nothing in the log vouches for. */
export interface CommitHead extends Head {
  /** Its SHA-256 in hexadecimal; not where no commit ends, or where an earlier hkfs signed. */
  readonly commit?: string;
}
