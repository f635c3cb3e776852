/** Exporting. */
import type { MomentText } from './moments.js';
import type { Failure, Message, Progress } from './work.js';

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
  readonly onMessage?: (message: Message) => void;
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
