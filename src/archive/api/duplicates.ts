/** What is there more than once, and what is not. */
import type { Hash } from '../../events/types.js';
import type { OutsideContent } from './contents.js';

export interface DupsQuery {
  /** Only what is below this directory. */
  readonly path?: string | undefined;
  /** Left out: directories, and of files those that no reported directory explains. */
  readonly kind?: 'file' | 'dir' | undefined;
  /** Bytes of one member: at least these. Left out: 1, which leaves out what is empty. */
  readonly minSize?: number | undefined;
  /** Every group with every member, also below directories that are reported themselves. */
  readonly all?: boolean | undefined;
  /** What of these directories is also below `against`, which is protected. The inner of two tags wins. */
  readonly under?: readonly string[] | undefined;
  readonly against?: readonly string[] | undefined;
  /** False: also directories that hold the same contents under other names, as groups of kind `contents`. */
  readonly sameNames?: boolean | undefined;
}

/** Files of one content, or directories of one digest. */
export interface DupsRow {
  readonly kind: 'file' | 'dir' | 'contents';
  /**
   * The content's hash, null of empty files; of directories their digest, of kind `contents` one that leaves
   * names out.
   */
  readonly hash: Hash | null;
  /** Bytes of one member, with all that is below it. */
  readonly size: number;
  /** Files of one member. */
  readonly files: number;
  readonly count: number;
  /**
   * Bytes that plain copies would free if one member stayed (with `against`: the protected ones). Names of
   * one source inode count once, and only where the last of them goes.
   */
  readonly reclaimable: number;
  /** The member to keep first: one in a directory that another group keeps, else the outermost. */
  readonly paths: readonly string[];
  /** With `against`: so many of the paths, the first ones, are protected. */
  readonly protected?: number;
}

export interface UniqueRow {
  readonly path: string;
  readonly hash: Hash;
  readonly size: number;
}

/** What is to be found again elsewhere: a directory of the archive, contents of the outside, or everything. */
export type SimilarQuery = SimilarOptions &
  (
    | { readonly is: 'path'; readonly path: string }
    | { readonly is: 'outside'; readonly contents: readonly OutsideContent[] }
    | { readonly is: 'all' }
  );

export interface SimilarOptions {
  /** The least containment, 0 to 1: 0.5 unless told. */
  readonly min?: number;
  /** List the files that are not there. */
  readonly missing?: boolean;
}

/** A directory that holds much of another: empty files count nowhere. */
export interface SimilarRow {
  /** Under `all`: the directory whose files are found again. */
  readonly of?: string;
  /** The directory that holds them. */
  readonly path: string;
  /** How much of the bytes is there, 0 to 1. */
  readonly containment: number;
  readonly sharedBytes: number;
  readonly missingFiles: number;
  readonly missingBytes: number;
  readonly sharedFiles: number;
  /** How much of the files is there, 0 to 1. */
  readonly fileContainment: number;
  /** The other way round: how much of `path` is in what was asked for. */
  readonly reverseContainment: number;
  readonly reverseFileContainment: number;
  readonly missing?: readonly MissingFile[];
}

export interface MissingFile {
  readonly path: string;
  readonly hash: Hash;
  readonly size: number;
}
