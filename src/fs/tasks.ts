/** What worker threads do, as messages: one batch of file-system work in, one packed answer out. */
import type { Attributes, SpecialKind, Xattr } from '../events/types.js';

export interface ScanTask {
  readonly task: 'scan';
  readonly directory: string;
  /** Entries to stat with the listing; the rest is asked for with `lstat`. */
  readonly limit: number;
  /** Leave extended attributes alone. */
  readonly bare?: boolean;
  /** Entries of which only these cannot be read are `unread`, and not among the failures. */
  readonly lenient?: boolean;
}

/** Directories whose listings are wanted only where they are not as they were. */
export interface SurveyTask {
  readonly task: 'survey';
  readonly directories: readonly string[];
  /** 32 bytes a directory: the digest of its last listing, or zeros. */
  readonly expected: Uint8Array;
}

export interface SurveyResult {
  /** 32 bytes a directory. */
  readonly digests: Uint8Array;
  /** Of those whose digest is another, by index; names in the order of the directory. */
  readonly listings: ReadonlyMap<number, Listing>;
  /** Those that cannot be listed. */
  readonly failures: ReadonlyMap<number, EntryFailure>;
}

export interface LstatTask {
  readonly task: 'lstat';
  readonly directory: string;
  readonly names: readonly string[];
  readonly lenient?: boolean;
}

export interface EntryFailure {
  readonly code: string;
  readonly message: string;
}

/** Stats of names in order, and what only some of them have, by index. */
export interface Listing {
  readonly names: readonly string[];
  /** A StatTable of the first `values.length / STAT_FIELDS` names. */
  readonly stats: BigInt64Array;
  readonly targets: ReadonlyMap<number, string>;
  readonly xattrs: ReadonlyMap<number, readonly Xattr[]>;
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** Of a lenient listing: entries whose extended attributes are not known. */
  readonly unread?: ReadonlyMap<number, EntryFailure>;
}

/**
 * How the bytes of a new content come into staging: `link` makes the source's own inode the staged
 * file (and copies where the file system refuses that), `none` only hashes.
 */
export type StageMethod = 'copy' | 'reflink' | 'link' | 'none';

export interface StageTask {
  readonly task: 'stage';
  readonly files: readonly string[];
  /** StatTable of what the scan saw: a file that differs after the read was unstable. */
  readonly expected: BigInt64Array;
  readonly method: StageMethod;
  readonly objects: string;
  readonly staging: string;
  /** Staged files are named by number, from here. */
  readonly firstId: number;
  /** Stage also what is already in the hash tree. */
  readonly force: boolean;
  /** Of `link`: 1 for each file that has names which are nobody's to share; it is copied. */
  readonly shared?: Uint8Array;
}

/** Why a file was copied and not linked. */
export type Refusal =
  /** Another process has it open for writing. */
  | 'busy'
  /** Nobody can tell whether one has: no leases here, or none for this user. */
  | 'untold'
  /** It has names outside of the source. */
  | 'shared'
  /** It changed so lately that its times could not tell of another change. */
  | 'fresh';

export const STAGE = {
  staged: 0,
  present: 1,
  changed: 2,
  failed: 3,
  /** The same as an earlier one of the task, which was staged. */
  repeated: 4,
  /** Read, and there was nothing. */
  empty: 5,
} as const;

export interface StageResult {
  /** One of STAGE per file. */
  readonly status: Uint8Array;
  /** 32 bytes per file. */
  readonly hashes: Uint8Array;
  /** StatTable: of the staged file, or of the object that was there. */
  readonly objects: BigInt64Array;
  /** Bytes of the files that have more or fewer than their stat says. */
  readonly unsized: ReadonlyMap<number, number>;
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** False once the file system refused to share blocks. */
  readonly reflink: boolean;
  /** Of `link`: staged files that are copies, by index. */
  readonly refused?: ReadonlyMap<number, Refusal>;
}

/** Contents that lie in shared memory one after the other: hashed, and staged where they are new. */
export interface DepositTask {
  readonly task: 'deposit';
  readonly bytes: SharedArrayBuffer;
  readonly offset: number;
  readonly sizes: readonly number[];
  /** Nanoseconds since 1970, a content. */
  readonly mtimes: BigInt64Array;
  readonly objects: string;
  readonly staging: string;
  readonly firstId: number;
  /** Stage also what is already in the hash tree. */
  readonly force: boolean;
  /** False: only hash. */
  readonly write: boolean;
}

export interface HashTask {
  readonly task: 'hash';
  readonly files: readonly string[];
}

export interface HashResult {
  readonly hashes: Uint8Array;
  /** StatTable, each row from before its file was read. */
  readonly stats: BigInt64Array;
  /** 1 for each file whose stat was the same after the reading, and would tell of any later change. */
  readonly settled: Uint8Array;
  readonly failures: ReadonlyMap<number, EntryFailure>;
}

/** Lists a folder of the hash tree and hashes every file of it. */
export interface CheckTask {
  readonly task: 'check';
  readonly directory: string;
  /** The first two digits of the hashes whose files are in the folder. */
  readonly prefix: string;
}

export const CHECK = {
  /** No regular file that is named as an object: not read. */
  unread: 0,
  /** Its bytes are those of its name. */
  good: 1,
  /** It has other bytes, or could not be read. */
  bad: 2,
} as const;

export interface CheckResult {
  /** Sorted. */
  readonly names: readonly string[];
  /** One of CHECK per name. */
  readonly status: Uint8Array;
  /** StatTable, each row from before its file was read. */
  readonly stats: BigInt64Array;
  /** 1 per name whose stat was the same after it was read. */
  readonly steady: Uint8Array;
  /** What the bytes of a bad file hash to, by index. */
  readonly actual: ReadonlyMap<number, string>;
  readonly failures: ReadonlyMap<number, EntryFailure>;
}

/** Objects copied to another file system, or from it, each under a staged name. */
export interface CarryTask {
  readonly task: 'carry';
  readonly items: readonly CarryItem[];
  /** Also give each its name at once: only where nobody trusts names before all is synced. */
  readonly named: boolean;
}

export interface CarryItem {
  readonly from: string;
  readonly staged: string;
  /** Where it is to get its name: what is there already is not copied. */
  readonly to: string;
  readonly hash: string;
  /** A source of another size is damaged, and not read. */
  readonly size: number;
  /** Null: as the source has it. */
  readonly mtimeNs: bigint | null;
  /** `from` is an object of the hash tree, whose twins have its bytes as well. */
  readonly isObject?: boolean;
  /** Further files that may have the bytes, where `from` has them not. */
  readonly others?: readonly string[];
}

export const CARRY = {
  staged: 0,
  exists: 1,
  /** It has other bytes than its name says. */
  damaged: 2,
  missing: 3,
  failed: 4,
} as const;

export interface CarryResult {
  /** One of CARRY per item. */
  readonly status: Uint8Array;
  /** StatTable of the staged files. */
  readonly stats: BigInt64Array;
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** Of what is staged: why a copy was left for the next. */
  readonly bad: ReadonlyMap<number, EntryFailure>;
}

export interface NameTask {
  readonly task: 'name';
  readonly items: readonly NameItem[];
}

export interface NameItem {
  readonly from: string;
  readonly to: string;
  /** A damaged object that the new file takes the place of. */
  readonly replace: boolean;
}

export interface NameResult {
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** StatTables of each item's inode right before and after it was named. */
  readonly before: BigInt64Array;
  readonly after: BigInt64Array;
}

/** What stood at a tree path before, so that only that is replaced and never a person's own file. */
export type Previous =
  | { readonly kind: 'object'; readonly object: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'symlink'; readonly target: string }
  /** A person's own file whose bytes were found in the archive: it has to be as it was then. */
  | { readonly kind: 'adopted'; readonly stat: BigInt64Array };

/** What is moved. */
export type Moved = Previous | 'directory';

export type TreeOperation =
  | { readonly op: 'mkdir'; readonly path: string }
  | {
      readonly op: 'link';
      readonly path: string;
      readonly object: string;
      readonly previous: Previous | null;
    }
  | {
      readonly op: 'empty';
      readonly path: string;
      readonly mtimeNs: bigint;
      readonly previous: Previous | null;
    }
  | {
      readonly op: 'symlink';
      readonly path: string;
      readonly target: string;
      readonly previous: Previous | null;
    }
  | { readonly op: 'unlink'; readonly path: string; readonly previous: Previous }
  | { readonly op: 'rmdir'; readonly path: string }
  | {
      readonly op: 'rename';
      readonly from: string;
      readonly to: string;
      /** What the archive has at the old name; undefined: whatever is there goes. */
      readonly moved?: Moved | undefined;
      /** What the new name held: it makes room. */
      readonly previous: Previous | null;
    }
  /** A name of an object that was healed: it is a link to the good inode again. */
  | {
      readonly op: 'relink';
      readonly path: string;
      readonly object: string;
      /** The inodes that were damaged or lost: a name of another is left alone. */
      readonly inodes: readonly { readonly device: bigint; readonly inode: bigint }[];
      /** Also where there is no such name any more. */
      readonly mayMake: boolean;
      /** Where bytes go that are not the object's; null: a name with such bytes is left alone. */
      readonly aside: string | null;
    }
  /** Of a directory whose mode a person changed: it is the former one again, where it is still theirs. */
  | { readonly op: 'chmod'; readonly path: string; readonly from: number; readonly to: number }
  | {
      readonly op: 'discard';
      /** Of the object's first inode. */
      readonly path: string;
      readonly device: bigint;
      readonly inode: bigint;
    };

export interface TreeTask {
  readonly task: 'tree';
  /** The archive's directory; every path of an operation is below it. */
  readonly root: string;
  readonly staging: string;
  readonly operations: readonly TreeOperation[];
}

export interface TreeResult {
  /** Operations that found something else than expected, or failed, by index. */
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** Links that met the link limit of every inode of their object, by index. */
  readonly full: readonly number[];
  /** Names whose bytes were kept aside before they became links again, by index. */
  readonly kept: readonly number[];
  /**
   * Operations that gave an inode of a file a name, took one or moved one, and StatTables of each such
   * inode right before and after: an operation that changed nothing has the same twice.
   */
  readonly touched: Int32Array;
  readonly before: BigInt64Array;
  readonly after: BigInt64Array;
}

export interface TwinTask {
  readonly task: 'twin';
  readonly object: string;
  readonly hash: string;
  readonly staged: string;
}

export interface TwinResult {
  readonly path: string;
  readonly stat: BigInt64Array;
}

export interface ReleaseTask {
  readonly task: 'release';
  readonly staging: string;
  readonly items: readonly ReleaseItem[];
}

/** A source that goes (`move`) or becomes a link to its object (`assimilate`) after the commit. */
export interface ReleaseItem {
  readonly path: string;
  /** Has its content by now; null: it has no bytes. */
  readonly object: string | null;
  readonly relink: boolean;
  /** StatTable row of what was ingested: anything else is left alone. */
  readonly expected: BigInt64Array;
  /** The run linked the source's inode, so its ctime has moved since. */
  readonly adopted: boolean;
}

export interface ReleaseResult {
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** Sources that stay because it is the object that has other bytes than its name says, by index. */
  readonly wrong: readonly number[];
  /** Items that changed the names of an object's inode, and StatTables of it right before and after. */
  readonly touched: Int32Array;
  readonly before: BigInt64Array;
  readonly after: BigInt64Array;
}

/** While an inode is so, its bytes are those that were hashed when its seal was made. */
export interface TrustedStat {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Where the bytes of a restored file come from. */
export interface RestoredContent {
  /** The object's first inode; null: no bytes at all. */
  readonly object: string | null;
  readonly size: number;
  /** What the bytes have to hash to; null: no bytes at all. */
  readonly hash: string | null;
  /** The first inode needs no reading while it is so. */
  readonly trusted?: TrustedStat | null;
  /** Files outside of the hash tree that may have the bytes. */
  readonly others?: readonly string[];
}

interface RestoreAt {
  readonly path: string;
  /** Whether what stands at the path, and is no directory, makes room. */
  readonly replace: boolean;
}

export type RestoreStep =
  | (RestoreAt & {
      readonly op: 'file';
      readonly content: RestoredContent;
      readonly attributes: Attributes;
    })
  /** A hard link to the object itself. */
  | (RestoreAt & {
      readonly op: 'object';
      readonly content: RestoredContent;
      /** Of the file of its own that it becomes where the object takes no more links. */
      readonly attributes: Attributes;
    })
  /** A further name of a file that was restored before. */
  | (RestoreAt & {
      readonly op: 'hardlink';
      readonly to: string;
      /** A file of its own is there: it makes room if it has the same bytes, and only then. */
      readonly join: boolean;
    })
  | (RestoreAt & { readonly op: 'symlink'; readonly target: string; readonly attributes: Attributes })
  | (RestoreAt & {
      readonly op: 'special';
      readonly kind: SpecialKind;
      readonly major: number;
      readonly minor: number;
      readonly attributes: Attributes;
    })
  /** A complete directory. */
  | { readonly op: 'attributes'; readonly path: string; readonly attributes: Attributes }
  /** A file that waited under a temporary name beside the path takes its place there. */
  | { readonly op: 'name'; readonly path: string; readonly temporary: string }
  /** With all that is below. */
  | { readonly op: 'remove'; readonly path: string };

export interface RestoreTask {
  readonly task: 'restore';
  /** Every path of a step is below it, and no symlink between is followed. */
  readonly root: string;
  readonly steps: readonly RestoreStep[];
  /** Whether sharing blocks is worth trying. */
  readonly reflink: boolean;
}

export interface RestoreResult {
  /** By step; codes are errno names, or OBJECT_MISSING and OBJECT_DAMAGED. */
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** What could not be set, by `what: code`, with the step of the first and how many there are. */
  readonly unset: ReadonlyMap<string, { readonly first: number; readonly count: number }>;
  /** Temporary names, by step, of files that are to replace others once their bytes are on the disk. */
  readonly waiting: ReadonlyMap<number, string>;
  /** Links that met the link limit of every inode of their object, by step. */
  readonly full: readonly number[];
  /** Steps that made a link to an object; index in the tables of its inode's stats. */
  readonly linked: Int32Array;
  readonly before: BigInt64Array;
  readonly after: BigInt64Array;
  /** Why a copy of an object was left for the next, by step. */
  readonly bad: ReadonlyMap<number, EntryFailure>;
  /** Further names in whose place a file with other bytes stays. */
  readonly differing: readonly number[];
  /** False once the file system refused to share blocks. */
  readonly reflink: boolean;
}

/** Contents of objects into shared memory, checked. */
export interface FillTask {
  readonly task: 'fill';
  readonly objects: string;
  readonly image: SharedArrayBuffer;
  /** 32 bytes a content. */
  readonly hashes: Uint8Array;
  /** Where in the image each begins, and its size. */
  readonly places: Float64Array;
  /** Files outside of the hash tree that may have the bytes, by content. */
  readonly others?: ReadonlyMap<number, readonly string[]>;
}

export interface FillResult {
  /** By content; codes are errno names, or OBJECT_MISSING and OBJECT_DAMAGED. */
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** Of those that are there: why a copy was left for the next. */
  readonly bad: ReadonlyMap<number, EntryFailure>;
}

/** One large content, read and checked before it is read to be passed on. */
export interface SurveyObjectTask {
  readonly task: 'survey-object';
  readonly objects: string;
  readonly hash: string;
  readonly size: number;
  /** Whether to look for where it has data. */
  readonly sparse: boolean;
  /** Files outside of the hash tree that may have the bytes. */
  readonly others?: readonly string[];
}

export type SurveyObjectResult =
  | { readonly failure: EntryFailure }
  | {
      /** The inode whose bytes are right. */
      readonly path: string;
      /** Begin and end of each stretch of data; null: all of it. */
      readonly stretches: Float64Array | null;
      /** Of the data without what is between. */
      readonly dataHash: string;
      /** Why a copy was left for this one. */
      readonly bad: EntryFailure | null;
    };

/** Digests that other programs know. */
export interface DigestObjectsTask {
  readonly task: 'digest-objects';
  readonly objects: string;
  readonly hashes: readonly string[];
  readonly algorithms: readonly string[];
  /** Files outside of the hash tree that may have the bytes, by content. */
  readonly others?: ReadonlyMap<number, readonly string[]>;
}

export interface DigestObjectsResult {
  /** By content, in the order of the algorithms; empty where there is a failure. */
  readonly digests: readonly (readonly string[])[];
  readonly failures: ReadonlyMap<number, EntryFailure>;
  /** Of those that have digests: why a copy was left for the next. */
  readonly bad: ReadonlyMap<number, EntryFailure>;
}

export interface StatObjectsTask {
  readonly task: 'stat-objects';
  readonly files: readonly string[];
}

export interface StatObjectsResult {
  /** StatTable; zeros for what is not there. */
  readonly stats: BigInt64Array;
}

/** Totals of directories, for a progress bar. */
export interface CountTask {
  readonly task: 'count';
  readonly paths: readonly string[];
}

export interface CountResult {
  readonly files: number;
  readonly bytes: number;
}

/** A directory of the outside world, or some names of it, whose files are to be hashed. */
export interface OutsideUnit {
  readonly directory: string;
  /** Null: all that are in it. */
  readonly names: readonly string[] | null;
  /** A KnownTable of files of the device; null: every file is read. */
  readonly known: SharedArrayBuffer | null;
  readonly device: bigint;
}

export interface OutsideTask {
  readonly task: 'outside';
  readonly units: readonly OutsideUnit[];
}

export const OUTSIDE = {
  /** Empty, or unchanged since an earlier reading. */
  known: 0,
  read: 1,
  /** Not read yet, because the task was large enough without it. */
  postponed: 2,
} as const;

export interface OutsideFound {
  /** Regular files, sorted; those that failed are left out. */
  readonly names: readonly string[];
  readonly sizes: Float64Array;
  /** One of OUTSIDE per file. */
  readonly status: Uint8Array;
  /** 32 bytes a file; zeros for an empty one. */
  readonly hashes: Uint8Array;
  /** Records (known-table.ts) of what was read and may be trusted later. */
  readonly records: Uint8Array;
  readonly directories: readonly string[];
  /** Device and inode of each directory. */
  readonly places: BigInt64Array;
  /** Names that were not looked at yet. */
  readonly rest: readonly string[];
  /** Symlinks, fifos, sockets and devices. */
  readonly others: number;
  /** By name; '' is the directory itself. */
  readonly failures: ReadonlyMap<string, EntryFailure>;
}

export interface OutsideResult {
  readonly units: readonly OutsideFound[];
}

export interface TaskResults {
  count: CountResult;
  scan: Listing;
  survey: SurveyResult;
  lstat: Listing;
  stage: StageResult;
  deposit: StageResult;
  hash: HashResult;
  check: CheckResult;
  carry: CarryResult;
  name: NameResult;
  tree: TreeResult;
  twin: TwinResult;
  release: ReleaseResult;
  restore: RestoreResult;
  outside: OutsideResult;
  fill: FillResult;
  'survey-object': SurveyObjectResult;
  'digest-objects': DigestObjectsResult;
  'stat-objects': StatObjectsResult;
}

export type Task =
  | CountTask
  | ScanTask
  | SurveyTask
  | LstatTask
  | StageTask
  | DepositTask
  | HashTask
  | CheckTask
  | CarryTask
  | NameTask
  | TreeTask
  | TwinTask
  | ReleaseTask
  | RestoreTask
  | OutsideTask
  | FillTask
  | SurveyObjectTask
  | DigestObjectsTask
  | StatObjectsTask;
