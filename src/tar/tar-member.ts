/** What a tar says, one member after the other: plain values, nothing of any filesystem. */
import type { Xattr } from '../events/types.js';

export type TarKind = 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'chardev' | 'blockdev';

export interface TarMember {
  /** The byte of the unpacked tar where its first header begins. */
  readonly at: number;
  readonly kind: TarKind;
  /** The path as it is written: raw bytes, may be absolute or end with a slash. */
  readonly name: Uint8Array;
  /** Of symlinks and hard links. */
  readonly target: Uint8Array;
  /** Of the file's content, holes among it. */
  readonly size: number;
  readonly sparse: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | null;
  readonly group: string | null;
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
  /** By name; ACLs are kept apart, because their text may name users. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly accessAcl: string | null;
  readonly defaultAcl: string | null;
  /** Device and inode of a source that had several names, where the tar tells them. */
  readonly inode: readonly [device: bigint, inode: bigint] | null;
  /** What the tar says of it and cannot be read or kept, in words. */
  readonly lost: readonly string[];
}

export interface TarProblem {
  /**
   * `damaged`: not what a tar has there; `truncated`: it ends too early; `more`: members follow the end;
   * `unsupported`: a member that cannot be taken; `odd`: nothing is lost.
   */
  readonly kind: 'damaged' | 'truncated' | 'more' | 'unsupported' | 'odd';
  /** The byte of the unpacked tar. */
  readonly at: number;
  readonly text: string;
  /** The member it is about, where one is known. */
  readonly name?: Uint8Array;
}

export type TarEvent =
  | { readonly type: 'member'; readonly member: TarMember }
  /** A piece of the member's content; the bytes are only valid until the next call of the parser. */
  | { readonly type: 'data'; readonly bytes: Buffer; readonly offset: number }
  /** The member is whole. */
  | { readonly type: 'end' }
  /** The tar ended inside the member. */
  | { readonly type: 'broken' }
  | { readonly type: 'problem'; readonly problem: TarProblem };

/** Sorted as attributes keep them. */
export function sortedXattrs(xattrs: ReadonlyMap<string, Uint8Array>): Xattr[] {
  return [...xattrs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
