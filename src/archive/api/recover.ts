/** What `recover` takes and answers. */
import type { DamagedRow } from './verify.js';
import type { Message, Progress } from './work.js';

export interface RecoverOptions {
  /** The archive's directory, with `.hkfs` in it. */
  readonly directory: string;
  /** A remote by its name or URL, a bundle, or a directory with the same archive. */
  readonly from?: string | undefined;
  /** Where `from` has several archives and nothing here says which one this is; else it has to be this one. */
  readonly archiveId?: string | undefined;
  /** The public key that has to have signed, or its file; else the archive's, else the remote's is believed. */
  readonly key?: string | undefined;
  /** A new history of the hash tree and the tree as they stand. */
  readonly fromTree?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Asked once, with the plan, before anything is changed. */
  readonly confirm?: ((plan: readonly string[]) => Promise<boolean>) | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (message: Message) => void;
  readonly signal?: AbortSignal;
}

export interface RecoverSummary {
  readonly archive: string;
  readonly id: string;
  readonly way: 'log' | 'tree';
  /** Of the remote, bundle or directory that was asked; null: none. */
  readonly from: string | null;
  /** Whether anything was changed. */
  readonly recovered: boolean;
  /** The log as it is now, or was to be. */
  readonly size: number;
  readonly root: string;
  /** Events that are proved of the log here, and those that came from elsewhere. */
  readonly here: number;
  readonly fetched: number;
  /** Of the log here; `mended`: one bit had flipped, and was put right. */
  readonly damagedFiles: readonly { name: string; reason: string; mended: boolean }[];
  /** Events that are known to have been and could not be had: from this position, so many. */
  readonly lost: { readonly from: number; readonly events: number } | null;
  /** What else could not be recovered. */
  readonly unrecovered: readonly string[];
  /** What was moved aside, below `.hkfs`. */
  readonly kept: readonly string[];
  /** Contents that came from elsewhere, and those that could not be had. */
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedRow[];
  readonly missing: readonly DamagedRow[];
  readonly seconds: number;
  readonly dryRun?: true;
  /** One line for each thing that is done, or that was to be. */
  readonly plan: readonly string[];
}
