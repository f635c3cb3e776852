/**
 * What an archive answers and does, as plain values: the contract between `archive/` and everyone
 * who calls it (commands, other programs, the local socket). Paths inside the archive are PEP 383
 * strings without a leading slash; '' is the root.
 */
import type { EntryKind, EventType, Hash, Head, Position } from '../events/types.js';

/** A moment as the user wrote it: `@1234`, `op:12`, `tag:NAME`, an ISO time or a phrase. */
export type MomentText = string;

/** A moment resolved: the state just after the event at `position`. */
export interface Moment {
  readonly position: Position;
  /** ISO time of the commit that holds the position. */
  readonly time: string;
}

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

export interface LogRow {
  readonly position: Position;
  readonly time: string;
  readonly operation: number;
  readonly type: EventType;
  /** The event's fields, with `path` (and `from`/`to` as paths) where it names places. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface DiffQuery {
  readonly from: MomentText;
  /** Left out: now. */
  readonly to?: MomentText;
  /** Only what is at or below this path at one of the moments. */
  readonly path?: string;
}

/** One change between two moments; an entry that was renamed and changed has two rows. */
export interface DiffRow {
  readonly change: 'added' | 'removed' | 'renamed' | 'changed' | 'attributes';
  /** As of the later of the two moments asked for; of what was removed, as of the earlier. */
  readonly path: string;
  /** Where what was renamed was before; null for everything else. */
  readonly from: string | null;
  /** Of a file's content, at the moment of `path`. */
  readonly hash: Hash | null;
}

/** An operation in full. */
export interface OperationDetail extends OperationRow {
  /** How many events of each type it has. */
  readonly types: Readonly<Partial<Record<EventType, number>>>;
  /** Its first events. */
  readonly events: readonly LogRow[];
}

export type OperationStatus = 'running' | 'completed' | 'failed' | 'interrupted';

export interface OperationRow {
  readonly operation: number;
  readonly status: OperationStatus;
  readonly command: string;
  readonly args: readonly string[];
  readonly user: string;
  readonly host: string;
  readonly sources: readonly string[];
  readonly started: string;
  readonly ended: string | null;
  readonly first: Position;
  readonly last: Position;
  readonly counts: Readonly<Record<string, number>>;
  readonly reason: string | null;
}

/** What is read of `cat`: where the bytes are, so that the caller reads them itself. */
export interface ContentLocation {
  readonly hash: Hash | null;
  readonly size: number;
  /** Absolute paths of the object's inodes, best first; empty for an empty file. */
  readonly files: readonly string[];
  /** Why there are none, where they were removed on purpose. */
  readonly collected?: CollectedObject;
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

export interface AtOption {
  readonly at?: MomentText;
}

/** A head for others, in the form that the rest of the world signs and checks. */
export interface SignedHead extends Head {
  /** A C2SP checkpoint: text and signature. */
  readonly checkpoint: string;
}

/** A head that somebody wrote down: a position stands for the head just after its event. */
export type KnownHead = Head | { readonly position: Position } | { readonly checkpoint: string };

/** An event, to be proved part of the history; or a head, to be proved a beginning of it. */
export type ProofQuery = { readonly position: Position } | { readonly since: KnownHead };

export interface Proof extends SignedHead {
  readonly kind: 'inclusion' | 'consistency';
  /** Of an inclusion proof. */
  readonly position?: Position;
  /** Of a consistency proof: the older head. */
  readonly since?: Head;
  /** The file that `check-proof` reads (docs/proofs.md). */
  readonly proof: string;
}

/** What a proof says, once it was checked. */
export interface CheckedProof {
  /** False: whoever made the file was wrong, or it was altered. */
  readonly holds: boolean;
  /** Why it does not hold. */
  readonly reason?: string;
  readonly kind: 'inclusion' | 'consistency' | 'checkpoint';
  /** `hkfs/` and the id of the archive. */
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly position?: Position;
  /** The event that was proved; null where this hkfs cannot read it. */
  readonly event?: { readonly type: EventType; readonly data: Readonly<Record<string, unknown>> } | null;
  readonly since?: Head;
}

/** Everything that only reads. A local archive and a connection to its holder both answer it. */
export interface ArchiveReader {
  readonly root: string;
  resolveMoment(at: MomentText | undefined): Promise<Moment>;
  ls(path: string, options?: AtOption & { recursive?: boolean }): AsyncIterable<EntryRow>;
  stat(target: string, options?: AtOption): Promise<StatRow>;
  find(query: FindQuery, options?: AtOption): AsyncIterable<EntryRow>;
  locate(target: string, options?: AtOption): Promise<ContentLocation>;
  du(path: string, options?: AtOption & { depth?: number }): AsyncIterable<DuRow>;
  /** Duplicate files and maximal duplicate directories, the largest gain first. */
  dups(query: DupsQuery, options?: AtOption): AsyncIterable<DupsRow>;
  /**
   * Files at or below a path whose content is nowhere else; empty files are everywhere.
   *
   * @param options.than "elsewhere" is only below this directory
   */
  unique(path: string, options?: AtOption & { than?: string | undefined }): AsyncIterable<UniqueRow>;
  log(query?: { path?: string; operation?: number; from?: Position; limit?: number }): AsyncIterable<LogRow>;
  ops(query?: { operation?: number }): AsyncIterable<OperationRow>;
  diff(query: DiffQuery): AsyncIterable<DiffRow>;
  /** @param options.limit how many of its events to give: 20 unless told */
  show(operation: number, options?: { limit?: number }): Promise<OperationDetail>;
  /** Those of the contents that are in the archive; `paths` asks where. */
  lookUp(hashes: readonly Hash[], options?: AtOption & { paths?: boolean }): AsyncIterable<FoundContent>;
  /** Every content that the tree has, once. */
  contents(options?: AtOption): AsyncIterable<{ hash: Hash; size: number }>;
  /** Best first. */
  similar(query: SimilarQuery, options?: AtOption): AsyncIterable<SimilarRow>;
  head(): Promise<Head>;
  /** The head, signed with the archive's key. */
  signedHead(): Promise<SignedHead>;
  /** @throws HkfsError BAD_MOMENT for a position beyond the log, HEAD_DIFFERS for a head that it never had */
  prove(query: ProofQuery): Promise<Proof>;
  /** In the order of their names. */
  tags(): AsyncIterable<TagRow>;
  /** Objects that no entry names, in the order of their hashes. */
  orphans(options?: AtOption): AsyncIterable<OrphanRow>;
  /** In the order of their names. */
  remotes(): AsyncIterable<RemoteRow>;
  /** Files and how many copies their contents have. @throws HkfsError NOT_FOUND */
  copies(query?: CopiesQuery): AsyncIterable<CopiesRow>;
}

export type IngestMode = 'copy' | 'link' | 'assimilate' | 'move';

export interface IngestOptions {
  /** Paths of the real filesystem, as PEP 383 strings; `-` is a tar that comes as `input`. */
  readonly sources: readonly string[];
  readonly input?: AsyncIterable<Uint8Array>;
  readonly to?: string;
  readonly mode?: IngestMode;
  readonly mirror?: boolean;
  readonly checksum?: boolean;
  readonly exclude?: readonly string[];
  /** Tars are kept as the files that they are. */
  readonly asFile?: boolean;
  /** Of tars: blocks of zeros are no end, what follows them is read as well. */
  readonly ignoreZeros?: boolean;
  readonly dryRun?: boolean;
  /** Called on each step of the work; cheap to call, throttled by the renderer. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called for each thing worth a line: skipped, failed, conflicting. */
  readonly onMessage?: (message: Message) => void;
  /** Count the sources first, for a percentage and the time left. */
  readonly estimate?: boolean;
  /** Stops cleanly after the commit under way. */
  readonly signal?: AbortSignal;
}

export interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface IngestSummary {
  /** Null for a dry run. */
  readonly operation: number | null;
  readonly files: number;
  readonly bytes: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly specials: number;
  readonly newObjects: number;
  readonly newBytes: number;
  readonly duplicateFiles: number;
  readonly duplicateBytes: number;
  readonly unchangedFiles: number;
  readonly removed: number;
  readonly failed: readonly Failure[];
  readonly seconds: number;
  readonly dryRun?: true;
}

/** How far a long piece of work is. Totals are null while unknown. */
export interface Progress {
  readonly phase: string;
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number | null;
  readonly totalBytes: number | null;
  readonly current?: string;
}

export interface Message {
  readonly level: 'note' | 'warning';
  readonly code: string;
  readonly path?: string;
  readonly text: string;
}

export interface VerifyOptions {
  readonly quick?: boolean;
  /** Bring what is damaged or missing back from remotes. */
  readonly heal?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Only objects last verified (or stored) before this, milliseconds since 1970. */
  readonly olderThanMs?: number;
  /** Stop after about this many seconds of hashing. */
  readonly budgetSeconds?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface DamagedRow {
  readonly hash: Hash;
  readonly reason: string;
  readonly paths: readonly string[];
  /** From where its bytes came again, where they did: a remote's name, or a path. */
  readonly healedFrom?: string;
}

export interface VerifyRemoteOptions {
  /** The name of a remote. */
  readonly remote: string;
  /** Compare what is listed there with the log, and read no contents. */
  readonly quick?: boolean | undefined;
  /** Send what is missing or damaged there again from here. */
  readonly heal?: boolean | undefined;
  /** Stop after about this many seconds; the next run goes on with what was read longest ago. */
  readonly budgetSeconds?: number | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface RemoteVerifySummary {
  /** Null where nothing was recorded: a clone that only follows. */
  readonly operation: number | null;
  readonly remote: string;
  readonly url: string;
  /** How many events of the log the remote is to have. */
  readonly size: number;
  /** Of those there: listed, or read. */
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
  /** Log segments, checkpoints and the like that are damaged or missing. */
  readonly files: readonly { name: string; reason: string; healed: boolean }[];
  /** Objects left for the next run. */
  readonly remaining: number;
  readonly seconds: number;
}

export interface HealOptions {
  /** Inside the archive: all contents at and below them are read. Left out: what is known to be wrong or is gone. */
  readonly paths?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HealSummary {
  /** Null where nothing was wrong. */
  readonly operation: number | null;
  /** How many were looked at. */
  readonly objects: number;
  /** `healedFrom` says from where. */
  readonly healed: readonly DamagedRow[];
  /** No remote has them. */
  readonly lost: readonly DamagedRow[];
  readonly seconds: number;
}

/** Where else a content is. */
export interface CopyRow {
  readonly remote: string;
  /** `stored`: sent there and not read since; `damaged` and `missing`: told by the last check. */
  readonly state: 'stored' | 'verified' | 'damaged' | 'missing';
  /** ISO time at which its bytes were last read there; null: never. */
  readonly verified: string | null;
}

export interface CopiesQuery {
  readonly path?: string | undefined;
  /** Contents that have fewer copies, the archive's own good one counted. Left out: all. */
  readonly min?: number | undefined;
}

/** A name of a content, and how many good copies that has. */
export interface CopiesRow {
  readonly path: string;
  readonly hash: Hash;
  readonly size: number;
  /** Good ones, as far as is known: here and at remotes. */
  readonly copies: number;
}

export interface VerifySummary {
  readonly operation: number | null;
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
  /** Tree entries that are absent or no link to their object. */
  readonly unlinked: readonly { path: string; reason: string }[];
  /** Files in the tree or the hash tree that no event names. */
  readonly untracked: readonly { path: string; reason: string }[];
  /** What the views or the log got wrong; empty when they agree. */
  readonly views: readonly string[];
  /** Objects left for the next run because the budget was used up. */
  readonly remaining: number;
  readonly seconds: number;
}

export interface SyncOptions {
  /** Tells what would be done, and changes nothing. */
  readonly dryRun?: boolean;
  /** Adopt also that more than half of the tree is gone. */
  readonly yes?: boolean;
  /** Asked, where there is somebody to ask, before that is adopted without `yes`. */
  readonly confirm?: ((plan: string) => Promise<boolean>) | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

/** One thing that was done by hand in the tree. */
export interface SyncStep {
  readonly change: 'renamed' | 'added' | 'removed' | 'changed' | 'attributes' | 'relinked';
  readonly path: string;
  /** Of what was renamed: where it was. */
  readonly from?: string;
}

export interface SyncSummary {
  /** Null when there was nothing to do, and for a dry run. */
  readonly operation: number | null;
  /** Entries that have another place; a directory counts once, whatever is below. */
  readonly renamed: number;
  readonly added: number;
  /** Entries that are gone, with all that was below them. */
  readonly removed: number;
  /** New versions of contents and link targets, and changed attributes. */
  readonly changed: number;
  /** Names that had the right bytes in a file of their own, and are links to their objects again. */
  readonly relinked: number;
  /** Objects whose bytes were changed through a link. */
  readonly damaged: readonly DamagedRow[];
  readonly failed: readonly Failure[];
  readonly seconds: number;
  /** Only of a dry run. */
  readonly dryRun?: true;
  readonly steps?: readonly SyncStep[];
}

export interface ReplaySummary {
  readonly events: number;
  readonly seconds: number;
  /** For `--check`: whether the views equal what the log says; null for a plain replay. */
  readonly equal: boolean | null;
  readonly differences: readonly string[];
  /** For `--into`: the files that were linked, and what could not be. */
  readonly files?: number;
  readonly failed?: readonly Failure[];
}

export type RestoreOverwrite = 'never' | 'if-different' | 'always';

export interface RestoreOptions {
  /** Paths inside the archive; with a slash at its end, what a directory holds. */
  readonly paths: readonly string[];
  /** A directory of the real filesystem, made where it is not there. */
  readonly to: string;
  readonly at?: MomentText | undefined;
  /** Hard links to the objects instead of copies. */
  readonly link?: boolean | undefined;
  /** What becomes of what is there already; `never` by default, with `delete` `if-different`. */
  readonly overwrite?: RestoreOverwrite | undefined;
  /** Also remove from where a path lands what it did not hold. */
  readonly delete?: boolean | undefined;
  /** Hash what is read. */
  readonly verify?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Asked once before anything is overwritten or deleted; not asked where nothing is. */
  readonly confirm?: ((plan: RestorePlan) => Promise<boolean>) | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  /** Count first, for a percentage and the time left. */
  readonly estimate?: boolean;
  readonly signal?: AbortSignal;
}

/** What a restore would take from the target. */
export interface RestorePlan {
  readonly overwritten: number;
  readonly deleted: number;
  /** The first of them, or all in a dry run. */
  readonly losses: readonly { change: 'overwrite' | 'delete'; path: string }[];
}

export interface RestoreSummary {
  /** Restored, further names of one inode among them. */
  readonly files: number;
  /** Of the files that were written; a hard link has none. */
  readonly bytes: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly specials: number;
  /** Hard links, to objects or to other restored files. */
  readonly links: number;
  /** Already as they should be. */
  readonly skipped: number;
  /** Something else is there, and stays: `overwrite` is `never`. */
  readonly differing: number;
  readonly overwritten: number;
  readonly deleted: number;
  readonly failed: readonly Failure[];
  readonly seconds: number;
  /** Of a dry run: everything that would be overwritten or deleted. */
  readonly plan?: RestorePlan['losses'];
  readonly dryRun?: true;
}

export interface ExportOptions {
  /** Paths inside the archive; with a slash at its end, what a directory holds. */
  readonly paths: readonly string[];
  /** A file of the real filesystem, compressed by its ending; or what takes the bytes as they come. */
  readonly to: string | ((bytes: Uint8Array) => Promise<void>);
  readonly at?: MomentText | undefined;
  /** `pax` unless told. */
  readonly format?: 'pax' | 'gnu' | 'ustar' | undefined;
  /** A manifest instead of a tar. */
  readonly manifest?: 'b3sum' | 'hashdeep' | 'mtree' | undefined;
  /** Asked before a file that is there is replaced. */
  readonly confirm?: ((path: string) => Promise<boolean>) | undefined;
  readonly onProgress?: (progress: Progress) => void;
  /** Count first, for a percentage and the time left. */
  readonly estimate?: boolean;
  readonly signal?: AbortSignal;
}

export interface ExportSummary {
  /** Written, hard links among them. */
  readonly files: number;
  /** Of their contents; a hard link has none. */
  readonly bytes: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly specials: number;
  readonly links: number;
  /** The file; null where the bytes went elsewhere. */
  readonly output: string | null;
  /** Entries that were left out; and, once for each reason, what the format did not hold of others. */
  readonly failed: readonly Failure[];
  readonly seconds: number;
}

export interface MaterializeOptions {
  readonly at: MomentText;
  /** An empty directory, or one that is made. */
  readonly into: string;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface OutsideOptions extends AtOption {
  /** Directories and files of the real filesystem. */
  readonly paths: readonly string[];
  /** Read files also where inode, size and times say that they are unchanged. */
  readonly checksum?: boolean | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
  /** Stops cleanly; what was read until then is not read again. */
  readonly signal?: AbortSignal | undefined;
}

export interface ContainsOptions extends OutsideOptions {
  /** What came on standard input: a list of paths, or a manifest. */
  readonly input?: Uint8Array | undefined;
  /** What hashes are of whose kind the manifest says nothing; BLAKE3 unless told. */
  readonly algorithm?: ManifestAlgorithm | undefined;
  /** Also the files that are in the archive, with their paths there. */
  readonly where?: boolean | undefined;
  /** Ask all archives of this remote; paths are then `<archive id>:<path>`. */
  readonly remote?: string | undefined;
  /** Of the remote only what was seen of it before. */
  readonly offline?: boolean | undefined;
}

export type ManifestAlgorithm = 'blake3' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** A file of the outside world. */
export interface OutsideRow {
  /** As it was given, or below a directory that was given; in a manifest as it stands there. */
  readonly path: string;
  /** BLAKE3; null for an empty file. Of a manifest of another kind `sha256:…`. */
  readonly hash: string | null;
  /** Null where a manifest does not say. */
  readonly size: number | null;
  /** Where it is in the archive; absent where it is not. */
  readonly paths?: readonly string[];
}

export interface ContainsResult {
  /** Files, those that could not be read among them. */
  readonly total: number;
  readonly archived: number;
  readonly missing: number;
  /** Symlinks and special files: they have no content and are counted nowhere else. */
  readonly others: number;
  readonly failed: readonly Failure[];
  /** Of the archives of a remote: what was wrong. */
  readonly troubles: readonly AcrossTrouble[];
  /** The missing files in order; with `where` the others as well. */
  rows(): Iterable<OutsideRow>;
}

export interface SimilarOutsideResult {
  readonly failed: readonly Failure[];
  readonly rows: AsyncIterable<SimilarRow>;
}

/** Asked with the plan, a line a step, before anything is removed or replaced. */
export type Confirm = (plan: readonly string[]) => Promise<boolean>;

interface ChangeOption {
  readonly dryRun?: boolean | undefined;
  /** Called for each thing worth a line: what stays on the disk, for one. */
  readonly onMessage?: ((message: Message) => void) | undefined;
}

interface ChangeResult {
  /** Null where nothing was appended: nothing to do, a dry run, or not confirmed. */
  readonly operation: number | null;
  readonly dryRun?: true;
  /** Of a dry run: what would happen, a line a step. */
  readonly plan?: readonly string[];
}

export interface MoveOptions extends ChangeOption {
  readonly from: string;
  readonly to: string;
  /** Replace a file that has the name; it stays in history. */
  readonly force?: boolean | undefined;
}

export interface MoveSummary extends ChangeResult {
  readonly from: string;
  readonly to: string;
}

export interface RemoveOptions extends ChangeOption {
  readonly paths: readonly string[];
  readonly confirm?: Confirm | undefined;
}

export interface RemoveSummary extends ChangeResult {
  /** Outermost paths, one event each. */
  readonly removed: readonly string[];
}

export interface TagOptions {
  readonly name: string;
  /** Left out: now. */
  readonly at?: MomentText | undefined;
  /** Take the name from another moment. */
  readonly force?: boolean | undefined;
}

export interface TagRow {
  readonly tag: string;
  readonly position: Position;
  /** ISO time of the commit that holds the position. */
  readonly time: string;
}

export interface UndoOptions extends ChangeOption {
  /** Left out: the last that changed names. */
  readonly operation?: number | undefined;
  readonly confirm?: Confirm | undefined;
}

export interface SkippedRow {
  readonly path: string;
  readonly reason: string;
}

export interface UndoSummary extends ChangeResult {
  /** The operation that was reversed. */
  readonly undone: number;
  /** Events of each kind; one for a directory, whatever is below it. */
  readonly restored: number;
  readonly removed: number;
  readonly renamed: number;
  /** What later operations changed: it was left alone. */
  readonly skipped: readonly SkippedRow[];
}

/** A file, symlink or special that is pruned, and the path at which what it held stays. */
export interface ProofRow {
  readonly path: string;
  /** Null for what has no content. */
  readonly hash: Hash | null;
  /** Null where only history keeps the content, or there is nothing to keep. */
  readonly kept: string | null;
}

/** What stands in the way of a prune. */
export interface RefusalRow {
  readonly path: string;
  readonly kind: EntryKind;
  readonly hash: Hash | null;
  readonly size: number | null;
  readonly reason: string;
}

export interface PruneOptions extends ChangeOption {
  readonly path: string;
  /** It is enough that history keeps the content as an object. */
  readonly toHistory?: boolean | undefined;
  /** Only contents that were found right after this moment count as kept. */
  readonly verifiedSince?: MomentText | undefined;
  /** Take what is held elsewhere, and leave the rest. */
  readonly keepUnique?: boolean | undefined;
  readonly confirm?: Confirm | undefined;
}

export interface PruneSummary extends ChangeResult {
  /** Outermost paths, one event each. */
  readonly removed: readonly string[];
  readonly removedFiles: number;
  readonly removedBytes: number;
  readonly proof: readonly ProofRow[];
  /** What stands in the way; with `keepUnique` what was left. */
  readonly refusing: readonly RefusalRow[];
}

/** An object that no entry names. */
export interface OrphanRow {
  readonly hash: Hash;
  readonly size: number;
  /** Null where nothing ever named it. */
  readonly lastPath: string | null;
  /** ISO time at which its last name went; of what never had one, at which it was stored. */
  readonly since: string;
}

export interface GcOptions extends ChangeOption {
  /** Only what lost its last name before this, milliseconds since 1970; 30 days ago unless told. */
  readonly olderThanMs?: number | undefined;
  readonly confirm?: Confirm | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why an orphan stays (docs/design.md, "Collecting"). */
export type OrphanStay = 'recent' | 'undo' | 'tagged' | 'linked' | 'unverified';

export interface GcSummary extends ChangeResult {
  /** What went, or of a dry run would go. */
  readonly collected: readonly OrphanRow[];
  readonly objects: number;
  readonly bytes: number;
  /** Orphans that stay, by the reason. */
  readonly kept: Readonly<Record<OrphanStay, number>>;
}

export interface AddRemoteOptions {
  readonly name: string;
  /** A directory, `s3://BUCKET/PREFIX?endpoint=URL`, or a bundle's file. */
  readonly url: string;
  /** Where credentials and the like come from; by default the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
}

export interface AddRemoteSummary {
  readonly operation: number;
  readonly name: string;
  readonly kind: 'directory' | 's3' | 'bundle';
  readonly url: string;
  /** Whether the place refuses to overwrite; null where nothing is written to it. */
  readonly conditionalWrites: boolean | null;
}

export interface RemoveRemoteSummary {
  readonly operation: number;
  readonly name: string;
  readonly url: string;
}

export interface RemoteRow {
  readonly name: string;
  readonly kind: 'directory' | 's3' | 'bundle';
  readonly url: string;
  /** ISO time. */
  readonly added: string;
  /** What is complete there, since when; null before the first backup. */
  readonly lastBackup: { readonly size: number; readonly root: string; readonly time: string } | null;
}

export interface BackupOptions {
  /** The name of a remote. */
  readonly remote: string;
  readonly dryRun?: boolean | undefined;
  /** Bytes a second, on average. */
  readonly limitRate?: number | undefined;
  /** Objects as zstd where that is smaller. */
  readonly compress?: boolean | undefined;
  /** Look for all that the remote had and has lost, and send it again. */
  readonly mend?: boolean | undefined;
  /** Where credentials and the like come from; by default the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface BackupSummary {
  readonly remote: string;
  readonly url: string;
  /** Null where nothing was new, and for a dry run. */
  readonly operation: number | null;
  /** What the remote has now: the head that its newest checkpoint states. */
  readonly size: number;
  readonly root: string;
  /** Sent now; of a dry run: to be sent. */
  readonly events: number;
  readonly objects: number;
  readonly bytes: number;
  readonly segments: number;
  /** Objects that could not be sent, because they are damaged here. */
  readonly damaged: readonly DamagedRow[];
  /** Nothing was new. */
  readonly upToDate: boolean;
  readonly seconds: number;
  readonly dryRun?: true;
}

export interface CloneOptions {
  /** Of a remote, or the path of a bundle. */
  readonly url: string;
  /** New or empty, or one in which the same clone was begun. */
  readonly directory: string;
  /** Only what the archive was then. */
  readonly at?: MomentText | undefined;
  /** Names only: contents are fetched when they are asked for. */
  readonly catalogue?: boolean | undefined;
  /** Where the remote has several archives: which. */
  readonly archiveId?: string | undefined;
  /** The public key that has to have signed, or its file (`.hkfs/keys/archive.pub`); else the remote's is believed. */
  readonly key?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface CloneSummary {
  /** The clone's directory. */
  readonly archive: string;
  readonly id: string;
  /** Its head. */
  readonly size: number;
  readonly root: string;
  /** The public key that signed it. */
  readonly key: string;
  /** Fetched by this run. */
  readonly objects: number;
  readonly bytes: number;
  /** Contents that the remote has with other bytes, or has not. */
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
  /** Other files of the remote that are not what they should be. */
  readonly damagedFiles: readonly { name: string; reason: string }[];
  readonly catalogue: boolean;
  readonly seconds: number;
}

export interface PullOptions {
  /** A remote's URL or a bundle; left out: where the clone came from. */
  readonly url?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface PullSummary {
  readonly url: string;
  /** The head afterwards. */
  readonly size: number;
  readonly root: string;
  /** New ones. */
  readonly events: number;
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
  readonly upToDate: boolean;
  readonly seconds: number;
}

export interface FetchPathsOptions {
  readonly paths: readonly string[];
  readonly at?: MomentText | undefined;
  /** A remote's URL or a bundle; left out: where the clone came from. */
  readonly url?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchSummary {
  readonly objects: number;
  readonly bytes: number;
  /** Objects that were here before. */
  readonly already: number;
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
  readonly seconds: number;
}

export interface CompactOptions {
  /** The name of a remote. */
  readonly remote: string;
  readonly dryRun?: boolean | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface CompactSummary {
  readonly remote: string;
  readonly url: string;
  /** Log segments. */
  readonly before: number;
  readonly after: number;
  readonly made: number;
  /** Files, claims of finished backups among them. */
  readonly removed: number;
  readonly seconds: number;
  readonly dryRun?: true;
}

export interface BundleOptions {
  /** A new file. */
  readonly file: string;
  /** Only what came after this head; left out: everything. */
  readonly since?: KnownHead | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface BundleSummary {
  readonly file: string;
  /** What whoever takes it needs to have. */
  readonly since: Head;
  readonly size: number;
  readonly root: string;
  readonly events: number;
  readonly objects: number;
  readonly bytes: number;
  readonly segments: number;
  readonly damaged: readonly DamagedRow[];
  readonly seconds: number;
}

/** A question to all archives of a remote. */
export interface AcrossOptions {
  /** The name of a remote of the present archive. */
  readonly remote: string;
  /** Ask only what was seen of it before. */
  readonly offline?: boolean | undefined;
  readonly wait?: boolean | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

/** An entry of one of the archives of a remote. */
export interface AcrossRow extends EntryRow {
  /** The id of the archive. */
  readonly archive: string;
  /** Where its newest operation ran. */
  readonly host: string | null;
}

/** A content in one of the archives of a remote. */
export interface AcrossContent {
  readonly archive: string;
  readonly host: string | null;
  readonly hash: Hash;
  readonly paths: readonly string[];
}

/** An archive of the remote that answers by what was seen before, or not at all. */
export interface AcrossTrouble {
  readonly archive: string;
  readonly code: string;
  readonly reason: string;
}

/** All archives of a remote, the present one among them. */
export interface AcrossReader {
  /** What was wrong, as far as it was asked. */
  readonly troubles: readonly AcrossTrouble[];
  find(query: FindQuery): AsyncIterable<AcrossRow>;
  /** In which archives contents are, and where; a content that none has gives no row. */
  lookUp(hashes: readonly Hash[]): AsyncIterable<AcrossContent>;
  /** Contents with more than one name in all archives together, largest gain first; paths are `<archive id>:<path>`. */
  dups(query: { readonly minSize?: number | undefined }): AsyncIterable<DupsRow>;
  close(): Promise<void>;
}
