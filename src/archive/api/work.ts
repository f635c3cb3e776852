/** What all long work tells while it goes on, and what all changes ask and answer. */

/** An archive that was made. */
export interface InitSummary {
  /** Its absolute path. */
  readonly archive: string;
  readonly id: string;
  /** Whether others than its owner may enter the folder, and so read what is in it. */
  readonly openToOthers: boolean;
}

export interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
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
  /** A part of what was asked for is not done, because the file system refused it: exit code 3. */
  readonly undone?: true;
}

/** Asked with the plan, a line a step, before anything is removed or replaced. */
export type Confirm = (plan: readonly string[]) => Promise<boolean>;

export interface ChangeOption {
  readonly dryRun?: boolean | undefined;
  /** Called for each thing worth a line: what stays on the disk, for one. */
  readonly onMessage?: ((message: Message) => void) | undefined;
}

export interface ChangeResult {
  /** Null where nothing was appended: nothing to do, a dry run, or not confirmed. */
  readonly operation: number | null;
  /** What the log has and the disk refused, where there is any of it. */
  readonly failed?: readonly Failure[];
  readonly dryRun?: true;
  /** Of a dry run: what would happen, a line a step. */
  readonly plan?: readonly string[];
}
