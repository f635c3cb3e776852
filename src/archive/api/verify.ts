/** Verifying, healing, and where copies are. */
import type { Hash } from '../../events/types.js';
import type { Message, Progress } from './work.js';

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
