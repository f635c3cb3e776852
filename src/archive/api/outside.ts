/** Questions about files of the outside world. */
import type { SimilarRow } from './duplicates.js';
import type { AtOption } from './moments.js';
import type { AcrossTrouble } from './remotes.js';
import type { Failure, Message, Progress } from './work.js';

export interface OutsideOptions extends AtOption {
  /** Directories and files of the real filesystem. */
  readonly paths: readonly string[];
  /** Read files also where inode, size and times say that they are unchanged. */
  readonly checksum?: boolean | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
  /** Stops cleanly; what was read until then is not read again. */
  readonly signal?: AbortSignal | undefined;
}

export interface ContainsOptions extends OutsideOptions {
  /** What came on standard input: a list of paths, or a manifest. */
  readonly input?: Uint8Array | undefined;
  /** What hashes are of whose kind the manifest says nothing; unless told, what the archive knows them as. */
  readonly algorithm?: ManifestAlgorithm | undefined;
  /** Also the files that are in the archive, with their paths there. */
  readonly where?: boolean | undefined;
  /** Ask all archives of this remote; paths are then `<archive id>:<path>`. */
  readonly remote?: string | undefined;
  /** Of the remote only what was seen of it before. */
  readonly offline?: boolean | undefined;
}

export type ManifestAlgorithm = 'blake3' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** A file of the outside world. */
export interface OutsideRow {
  /** As it was given, or below a directory that was given; in a manifest as it stands there. */
  readonly path: string;
  /** BLAKE3; null for an empty file. Of a manifest of another kind `sha256:…`. */
  readonly hash: string | null;
  /** Null where a manifest does not say. */
  readonly size: number | null;
  /** Where it is in the archive; absent where it is not. */
  readonly paths?: readonly string[];
}

export interface ContainsResult {
  /** Files, those that could not be read among them. */
  readonly total: number;
  readonly archived: number;
  readonly missing: number;
  /** Symlinks and special files: they have no content and are counted nowhere else. */
  readonly others: number;
  readonly failed: readonly Failure[];
  /** Of the archives of a remote: what was wrong. */
  readonly troubles: readonly AcrossTrouble[];
  /** The missing files in order; with `where` the others as well. */
  rows(): Iterable<OutsideRow>;
}

export interface SimilarOutsideResult {
  readonly failed: readonly Failure[];
  readonly rows: AsyncIterable<SimilarRow>;
}
