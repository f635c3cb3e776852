/** One archive at a remote: its key, checkpoints, claims and log segments. Nothing here is believed unchecked. */
import { HkfsError, isHkfsError } from '../../errors.js';
import { verifyCheckpoint, originOf, type Checkpoint } from '../../events/checkpoint.js';
import { parseVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import type { Head, Position } from '../../events/types.js';
import type { BlobInfo, BlobStore } from '../../store/remote/blob-store.js';
import { MAX_ARCHIVES, MAX_NAMES, MAX_SMALL_FILE } from '../../store/remote/bounds.js';
import {
  ARCHIVES,
  checkpointName,
  checkpointPrefix,
  claimName,
  claimPrefix,
  keyName,
  logPrefix,
  parseCheckpointName,
  parseClaimName,
  parseSegmentName,
  type SegmentSpan,
} from './names.js';

export interface NamedSegment extends SegmentSpan {
  readonly name: string;
  readonly bytes: number;
}

/** The ids of the archives that a remote has anything of. */
export async function archivesOf(store: BlobStore): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  for (;;) {
    const next = await firstOf(store.list(ARCHIVES, after));
    const id = next?.name.slice(ARCHIVES.length).split('/')[0];
    if (id === undefined) return ids;
    ids.push(id);
    if (ids.length > MAX_ARCHIVES) throw tooMany(store, ARCHIVES);
    // '0' comes right after '/': behind everything of this archive.
    after = `${ARCHIVES}${id}0`;
  }
}

export class RemoteArchive {
  readonly store: BlobStore;
  readonly id: string;

  constructor(store: BlobStore, id: string) {
    this.store = store;
    this.id = id;
  }

  /** What a file of the remote is called in errors. */
  describe(name: string): string {
    return `${name} of ${this.store.url}`;
  }

  /** The key that signed here first; null where nothing is. @throws HkfsError REMOTE_DAMAGED */
  async key(): Promise<VerifierKey | null> {
    const name = keyName(this.id);
    const bytes = await this.readSmall(name);
    if (bytes === undefined) return null;
    try {
      const key = parseVerifierKey(bytes.toString().trim());
      if (key.name === originOf(this.id)) return key;
    } catch (error) {
      if (!isHkfsError(error)) throw error;
    }
    throw this.damaged(name, 'it is not the public key of this archive');
  }

  /** Sizes of the checkpoints that are there, from above `after` on, in order. */
  async checkpoints(after?: Position): Promise<Position[]> {
    const from = after === undefined ? undefined : checkpointName(this.id, after);
    return this.listNames(checkpointPrefix(this.id), ({ name }) => parseCheckpointName(name), from);
  }

  /**
   * A checkpoint whose signature was checked.
   * @throws HkfsError BAD_SIGNATURE; REMOTE_DAMAGED where it is not there
   */
  async checkpoint(size: Position, key: VerifierKey): Promise<Checkpoint> {
    const name = checkpointName(this.id, size);
    const bytes = await this.readSmall(name);
    if (bytes === undefined) throw this.damaged(name, 'it is not there');
    let checkpoint: Checkpoint;
    try {
      checkpoint = verifyCheckpoint(bytes.toString(), key, originOf(this.id));
    } catch (error) {
      if (!isHkfsError(error)) throw error;
      throw this.unsigned(name, error);
    }
    if (checkpoint.size !== size) throw this.damaged(name, `it is of size ${checkpoint.size}`);
    return checkpoint;
  }

  /** What somebody said to append from `first` on. @throws HkfsError REMOTE_DAMAGED */
  async claim(first: Position): Promise<Head | null> {
    const name = claimName(this.id, first);
    const bytes = await this.readSmall(name);
    if (bytes === undefined) return null;
    const match = /^(\d{1,16}) ([0-9a-f]{64})\n$/.exec(bytes.toString('latin1'));
    if (!match) throw this.damaged(name, 'it is no size and root');
    const size = Number(match[1]);
    if (!Number.isSafeInteger(size)) throw this.damaged(name, 'its size is none that a log can have');
    return { size, root: match[2]! };
  }

  /** In the order of the log. */
  async listSegments(): Promise<NamedSegment[]> {
    return this.listNames(logPrefix(this.id), ({ name, size }) => {
      const span = parseSegmentName(name);
      return span && { ...span, name, bytes: size };
    });
  }

  /** In the order of the log. */
  async listClaims(): Promise<Position[]> {
    return this.listNames(claimPrefix(this.id), ({ name }) => parseClaimName(name));
  }

  /** @throws HkfsError REMOTE_DAMAGED where there are more than any archive makes */
  private async listNames<T>(
    prefix: string,
    parse: (info: BlobInfo) => T | null,
    after?: string,
  ): Promise<T[]> {
    const found: T[] = [];
    for await (const info of this.store.list(prefix, after)) {
      const item = parse(info);
      if (item !== null) found.push(item);
      if (found.length > MAX_NAMES) throw tooMany(this.store, prefix);
    }
    return found;
  }

  /** Of a file that tells of the log and is none. @throws HkfsError REMOTE_DAMAGED for a longer one */
  private readSmall(name: string): Promise<Buffer | undefined> {
    return this.store.read(name, { max: MAX_SMALL_FILE });
  }

  damaged(name: string, what: string, cause?: unknown): HkfsError {
    return new HkfsError('REMOTE_DAMAGED', `${this.describe(name)} is damaged: ${what}`, {
      hint: 'bring it back from a copy of the remote; what an archive still has, `hkfs backup NAME --mend` sends again once the damaged file is gone',
      cause,
    });
  }

  private unsigned(name: string, cause: HkfsError): HkfsError {
    return new HkfsError(
      'BAD_SIGNATURE',
      `${this.describe(name)} is not signed by the key of the archive: ${cause.message}`,
      {
        hint: 'the file was damaged or forged; compare the key with the one that you noted, and move the file away to go back to the checkpoint before it',
        cause,
      },
    );
  }
}

export function claimText({ size, root }: Head): string {
  return `${size} ${root}\n`;
}

function tooMany(store: BlobStore, prefix: string): HkfsError {
  return new HkfsError('REMOTE_DAMAGED', `${store.url} has more files in ${prefix} than hkfs makes`, {
    hint: 'see who else writes there; what does not belong there has to go',
  });
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
