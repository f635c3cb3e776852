/** Following what was done by hand; replaying. */
import type { DamagedRow } from './verify.js';
import type { Failure, Message, Progress } from './work.js';

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
