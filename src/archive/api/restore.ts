/** Restoring. */
import type { MomentText } from './moments.js';
import type { Failure, Message, Progress } from './work.js';

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
  /** What is read is always hashed: this is accepted, and changes nothing. */
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
  /** Under `link`, where there are any: files of their own, whose objects take no more links or are damaged. */
  readonly copied?: number;
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

export interface MaterializeOptions {
  readonly at: MomentText;
  /** An empty directory, or one that is made. */
  readonly into: string;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}
