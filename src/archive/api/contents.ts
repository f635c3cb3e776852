/** Contents, by their hashes. */
import type { Hash } from '../../events/types.js';
import type { AtOption } from './moments.js';

/** What is read of `cat`: where the bytes are, so that the caller reads them itself. */
export interface ContentLocation {
  readonly hash: Hash | null;
  readonly size: number;
  /** Absolute paths of the object's inodes, best first; empty for an empty file. */
  readonly files: readonly string[];
  /**
   * Of each of the files: `DEVICE:INODE:SIZE:MTIME:CTIME` (times in nanoseconds), where its bytes were found right
   * when it was like that; null where they have to be hashed. Absent where an older holder answers.
   */
  readonly seals?: readonly (string | null)[];
  /** Why there are none, where they were removed on purpose. */
  readonly collected?: CollectedObject;
}

export interface LocateOptions extends AtOption {
  /** Also names in the tree that are files of their own, after those of the hash tree. */
  readonly everywhere?: boolean;
}

/** When and by which operation an object left the archive. */
export interface CollectedObject {
  readonly operation: number;
  readonly command: string;
  /** ISO time. */
  readonly time: string;
  /** The last path of the content; null where it had none or it is not known. */
  readonly lastPath: string | null;
}

/** A content that is in the archive: an entry names it, and its bytes are not known to be damaged. */
export interface FoundContent {
  readonly hash: Hash;
  /** Where, if that was asked for; sorted. */
  readonly paths: readonly string[];
}

/** Files of the real filesystem with one content. */
export interface OutsideContent {
  readonly hash: Hash;
  readonly size: number;
  readonly files: number;
}
