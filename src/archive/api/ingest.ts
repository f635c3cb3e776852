/** Taking in. */
import type { Failure, Message, Progress } from './work.js';

export type IngestMode = 'copy' | 'link' | 'assimilate' | 'move';

export interface IngestOptions {
  /** Paths of the real filesystem, as PEP 383 strings; `-` is a tar that comes as `input`. */
  readonly sources: readonly string[];
  readonly input?: AsyncIterable<Uint8Array>;
  readonly to?: string;
  readonly mode?: IngestMode;
  readonly mirror?: boolean;
  /** Let `mirror` remove also more than half of what the archive has of a source. */
  readonly yes?: boolean;
  /** Asked, where there is somebody to ask, before that is done without `yes`. */
  readonly confirm?: ((plan: string) => Promise<boolean>) | undefined;
  readonly checksum?: boolean;
  readonly exclude?: readonly string[];
  /** Tars are kept as the files that they are. */
  readonly asFile?: boolean;
  /** The files are tars, also where their beginning does not say so. */
  readonly asTar?: boolean;
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
