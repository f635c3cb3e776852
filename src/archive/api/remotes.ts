/** Remotes: backup, clone, bundles, and questions across archives. */
import type { Hash, Head } from '../../events/types.js';
import type { DupsRow } from './duplicates.js';
import type { EntryRow, FindQuery } from './entries.js';
import type { MomentText } from './moments.js';
import type { KnownHead } from './proofs.js';
import type { DamagedRow } from './verify.js';
import type { Message, Progress } from './work.js';

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
  /** Objects that the remote lacks: damaged here, so that they could not be sent, or damaged there. */
  readonly damaged: readonly DamagedRow[];
  /** Nothing was new, and nothing had to be sent again. */
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
  /** The directory becomes its owner's alone, as its `.hkfs` always is. */
  readonly private?: boolean | undefined;
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
  /** Whether others than its owner may enter the directory, and so read what is in it. */
  readonly openToOthers: boolean;
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
  readonly onMessage?: (message: Message) => void;
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
