/**
 * Seals: the stats by which an object's bytes are trusted without being read. A seal says of one inode
 * that bytes with this hash had this size and these times, and that every change since was ours. It is
 * made right after the bytes were hashed, and carried over each link, rename, removal and mode of ours
 * only where the inode was as sealed until then. Whatever has no fitting seal is hashed.
 */
import type { LevelDel, LevelPut } from '../events/level.js';
import type { Hash } from '../events/types.js';
import { isApart } from '../fs/settled.js';
import type { FileStat } from '../fs/stats.js';
import { sealKey, type InodeId } from '../projections/keys.js';

export interface Seal {
  readonly hash: Hash;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export type SealedInode = Seal & InodeId;

/** What of a stat tells that a file's bytes were written to. */
export type Stamp = Pick<FileStat, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** An inode right before and right after a change of ours. */
export interface OwnChange {
  readonly before: Stamp;
  readonly after: Stamp;
}

/** Nothing happened to the inode since it was sealed. */
export function fits(seal: Omit<Seal, 'hash'>, stat: Omit<Stamp, 'dev' | 'ino'>): boolean {
  return seal.size === stat.size && seal.mtimeNs === stat.mtimeNs && seal.ctimeNs === stat.ctimeNs;
}

/** The same inode, whose bytes nobody seems to have written to; its ctime may have moved. */
export function hasSameBytes(a: Stamp, b: Stamp): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/**
 * What an inode is trusted by after a change of ours; null where it is in doubt from then on: somebody else
 * changed it since it was trusted, or while we did, or could do so next without moving a time.
 */
export function carryOver(trusted: Stamp, { before, after }: OwnChange): Stamp | null {
  const isAsTrusted = before.ctimeNs === trusted.ctimeNs && hasSameBytes(trusted, before);
  return isAsTrusted && hasSameBytes(before, after) && isApart(after) ? after : null;
}

export function sealOf(hash: Hash, stat: Stamp): SealedInode {
  const { dev: device, ino: inode, size, mtimeNs, ctimeNs } = stat;
  return { device, inode, hash, size, mtimeNs, ctimeNs };
}

export function stampOf({ device: dev, inode: ino, size, mtimeNs, ctimeNs }: SealedInode): Stamp {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

export function sealRow(inode: InodeId, seal: Seal): LevelPut {
  const value = Buffer.allocUnsafe(56);
  value.writeBigInt64BE(seal.size, 0);
  value.writeBigInt64BE(seal.mtimeNs, 8);
  value.writeBigInt64BE(seal.ctimeNs, 16);
  value.write(seal.hash, 24, 'hex');
  return { type: 'put', key: sealKey(inode), value };
}

/** The inode is in doubt: its seal goes. */
export function unsealed(inode: InodeId): LevelDel {
  return { type: 'del', key: sealKey(inode) };
}

export function parseSeal(value: Buffer): Seal {
  return {
    size: value.readBigInt64BE(0),
    mtimeNs: value.readBigInt64BE(8),
    ctimeNs: value.readBigInt64BE(16),
    hash: value.toString('hex', 24, 56),
  };
}
