/** What an export works with. */
import { HkfsError } from '../../errors.js';
import type { EntryFailure } from '../../fs/tasks.js';
import type { Message, Progress } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { sayBad } from '../other-copies.js';
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
  readonly onMessage: (message: Message) => void;
}

/** What goes out is right, and came from another copy than the first. */
export function tellBad(
  { onMessage }: ExportParts,
  path: string,
  bad: EntryFailure | null | undefined,
): void {
  if (bad) onMessage({ level: 'warning', code: bad.code, path, text: sayBad(bad) });
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
