/** What an export works with. */
import { HkfsError } from '../../errors.js';
import type { Progress } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import type { Output } from './output.js';
import type { ExportTally } from './tally.js';

export interface ExportParts {
  readonly archive: OpenArchive;
  readonly output: Output;
  readonly tally: ExportTally;
  /** For the progress; null where nobody counted. */
  readonly totals: { readonly files: number; readonly bytes: number } | null;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: Progress) => void;
}

export function report({ tally, totals, onProgress }: ExportParts): void {
  onProgress({
    phase: 'exporting',
    files: tally.files,
    bytes: tally.bytes,
    totalFiles: totals?.files ?? null,
    totalBytes: totals?.bytes ?? null,
  });
}

export function stopWhereAsked({ signal }: ExportParts): void {
  if (signal?.aborted) throw stopped();
}

export function stopped(): HkfsError {
  return new HkfsError('INTERRUPTED', 'stopped; no file was written', {
    hint: 'what went to a pipe is broken off so that no reader takes it for whole',
  });
}
