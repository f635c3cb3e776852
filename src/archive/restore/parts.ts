/** What one pass of a restore works with. */
import { HkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import type { WrittenFilesystems } from '../../fs/durable.js';
import type { Message, Progress } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import type { Rules } from './judge.js';
import type { Tally } from './tally.js';

export interface RestorerParts {
  readonly archive: OpenArchive;
  readonly at: Position;
  readonly rules: Rules;
  readonly link: boolean;
  readonly dry: boolean;
  readonly tally: Tally;
  /** Those that are written to. */
  readonly filesystems: WrittenFilesystems;
  readonly suspects: ReadonlyMap<Hash, string>;
  /** For the progress; null where nobody counted. */
  readonly totals: { readonly entries: number; readonly bytes: number } | null;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly onMessage: (message: Message) => void;
}

export function stopped(): HkfsError {
  return new HkfsError('INTERRUPTED', 'stopped; what was restored up to here is complete', {
    hint: 'the same command again goes on from here',
  });
}
