/**
 * What a remote is made of: a place of named blobs, each made once and never changed. The kinds (a
 * directory, S3, a bundle) implement this and nothing else, and one conformance suite holds them to it.
 *
 * A blob's name is a relative path of plain ASCII (`objects/ab/cdef…`): segments of letters, digits, `.`,
 * `-` and `_`, joined with `/`, none of them `.` or `..`.
 */
import type { Hash } from '../../events/types.js';
import type { Throttle } from './throttle.js';

/** The bytes of a blob: in memory, or a file that does not change meanwhile. */
export type BlobBody = Uint8Array | FileBody;

export interface FileBody {
  readonly file: string;
  readonly size: number;
  /**
   * The BLAKE3 that the bytes must have: they are hashed as they go over, and where it is another, OBJECT_DAMAGED
   * is thrown and there is no such blob.
   */
  readonly hash?: Hash;
}

export interface BlobInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

export interface TransferOptions {
  /** Stops the transfer; what was half done is invisible or swept later. */
  readonly signal?: AbortSignal;
  /** Told the bytes that have gone over since the last call. */
  readonly onBytes?: (bytes: number) => void;
  /** A download stops at a blob that is longer. */
  readonly max?: number;
  /** Bytes of a blob that is created go no faster than this lets them. */
  readonly throttle?: Throttle | undefined;
}

export interface ReadRange {
  readonly offset?: number;
  readonly length?: number;
  /** A read to the end of a blob is refused where that is further away; {@link MAX_READ} when left out. */
  readonly max?: number;
}

/** Renames files, replacing none. */
export type Namer = (items: readonly { from: string; to: string }[]) => Promise<readonly number[]>;

/**
 * A kind whose blobs are files of a mounted file system: worker threads read and write them with their own
 * calls, many times faster than one blob after the other through {@link BlobStore.create}.
 */
export interface BlobFiles {
  /** The file of a blob, whether it is there or not. */
  path(name: string): string;
  /** A path for a new file on the same file system, to be written by whoever asks. */
  newTemporary(): string;
  /**
   * Who gives contents their names from now on: threads do it beside the one that asks.
   * Resolves to the indexes of those whose names were taken.
   */
  nameBy(namer: Namer): void;
  /** A content that is written whole gets its name, once it is on the disk; never replaces one. */
  keep(name: string, temporary: string, size: number): Promise<void>;
}

export interface BlobStore {
  /** As the user wrote it, without credentials. */
  readonly url: string;
  readonly kind: 'directory' | 's3' | 'bundle';
  /** How many transfers at once this kind is best used with. */
  readonly concurrency: number;
  readonly files?: BlobFiles;

  /**
   * Makes a blob, whole or not at all; never overwrites. When it returns, the blob is as durable as the
   * kind can make it, or will be after {@link flush} (a directory syncs once for many).
   */
  create(name: string, body: BlobBody, options?: TransferOptions): Promise<'created' | 'exists'>;
  /** Makes durable all that was created before. */
  flush(): Promise<void>;
  /**
   * The bytes from `offset` on, `length` of them or to the end; undefined where there is no such blob.
   * @throws HkfsError REMOTE_DAMAGED where there are more than `max`
   */
  read(name: string, range?: ReadRange): Promise<Buffer | undefined>;
  /**
   * Writes a blob into a new file in chunks, without holding it in memory; false where there is none.
   * @throws HkfsError REMOTE_DAMAGED where it is longer than `max`
   */
  download(name: string, file: string, options?: TransferOptions): Promise<boolean>;
  /** The size, or undefined where there is no such blob. */
  stat(name: string): Promise<BlobInfo | undefined>;
  /** All blobs whose names begin with `prefix`, in the order of their names' bytes, from after `after` on. */
  list(prefix: string, after?: string): AsyncIterable<BlobInfo>;
  /** Only `remote compact` and tests ask for it. No error where there is no such blob. */
  remove(name: string): Promise<void>;
  /** Bytes that may still be written, where the kind can tell. */
  free(): Promise<number | undefined>;
  close(): Promise<void>;
}
