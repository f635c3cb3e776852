/** Changes of the tree and their undoing, tags, prune and gc. */
import type { EntryKind, Hash, Position } from '../../events/types.js';
import type { MomentText } from './moments.js';
import type { ChangeOption, ChangeResult, Confirm } from './work.js';

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
  /** Null for one of several paths that is not there. */
  readonly kind: EntryKind | null;
  readonly hash: Hash | null;
  readonly size: number | null;
  readonly reason: string;
}

export interface PruneOptions extends ChangeOption {
  /** Of several each goes or stays for itself, and none of them keeps anything of another. */
  readonly path: string | readonly string[];
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
