/**
 * Which objects may be trusted without reading them. An object is good when its inode has the size,
 * mtime and ctime that it had when we last linked or verified it (its seal); anything else is doubt,
 * and doubt is settled by hashing.
 */
import type { Level, LevelPut } from '../events/level.js';
import type { Hash } from '../events/types.js';
import type { FileStat } from '../fs/stats.js';
import { sealKey, type InodeId } from '../projections/keys.js';

export interface Seal {
  readonly hash: Hash;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export type Trust = 'good' | 'doubt' | 'unknown';

/** Objects linked lately: their ctime moves while their seals are on the way to the disk. */
const RECENT = 32_768;

export class ObjectIndex {
  private readonly level: Level;
  /** Stored by this operation, not yet in the views. */
  private readonly pending = new Map<Hash, InodeId>();
  /** With the seal that was written last, where one was. */
  private readonly recent = new Map<Hash, (Seal & InodeId) | null>();
  /** Objects that an earlier check found wrong: no seal speaks for them. */
  suspects: ReadonlyMap<Hash, string> = new Map();

  constructor(level: Level) {
    this.level = level;
  }

  isPending(hash: Hash): boolean {
    return this.pending.has(hash);
  }

  /** The inode itself is to become this object: its ctime moves with each of our links. */
  isPendingInode(hash: Hash, stat: FileStat): boolean {
    const inode = this.pending.get(hash);
    return inode?.inode === stat.ino && inode.device === stat.dev;
  }

  addPending(hash: Hash, inode: InodeId): void {
    this.pending.set(hash, inode);
  }

  settle(hashes: Iterable<Hash>): void {
    for (const hash of hashes) {
      this.pending.delete(hash);
      if (!this.recent.has(hash)) this.touch(hash, null);
    }
  }

  /** Stored or linked lately by this operation. */
  isRecent(hash: Hash): boolean {
    return this.recent.has(hash);
  }

  /** From now on until many others were linked, a moved ctime of this object is our own doing. */
  touch(hash: Hash, seal: (Seal & InodeId) | null): void {
    this.recent.delete(hash);
    this.recent.set(hash, seal);
    if (this.recent.size <= RECENT) return;
    for (const oldest of this.recent.keys()) {
      this.recent.delete(oldest);
      return;
    }
  }

  /** `unknown`: no seal of this inode, which tells nothing about whether the log knows the object. */
  judge(hash: Hash, stat: FileStat, seal: Seal | undefined): Trust {
    if (this.pending.has(hash)) return 'good';
    if (seal === undefined || seal.hash !== hash) return 'unknown';
    if (this.suspects.has(hash)) return 'doubt';
    if (seal.size !== stat.size || seal.mtimeNs !== stat.mtimeNs) return 'doubt';
    return seal.ctimeNs === stat.ctimeNs || this.recent.has(hash) ? 'good' : 'doubt';
  }

  /** The seal of an inode that was written lately: no need to look it up. */
  recentSeal(hash: Hash, { dev, ino }: FileStat): Seal | undefined {
    const seal = this.recent.get(hash);
    return seal?.inode === ino && seal.device === dev ? seal : undefined;
  }

  async seals(inodes: readonly InodeId[]): Promise<(Seal | undefined)[]> {
    const values = await this.level.getMany(inodes.map(sealKey));
    return values.map((value) => (value === undefined ? undefined : parseSeal(value)));
  }
}

export function sealRow(inode: InodeId, seal: Seal): LevelPut {
  const value = Buffer.allocUnsafe(56);
  value.writeBigInt64BE(seal.size, 0);
  value.writeBigInt64BE(seal.mtimeNs, 8);
  value.writeBigInt64BE(seal.ctimeNs, 16);
  value.write(seal.hash, 24, 'hex');
  return { type: 'put', key: sealKey(inode), value };
}

function parseSeal(value: Buffer): Seal {
  return {
    size: value.readBigInt64BE(0),
    mtimeNs: value.readBigInt64BE(8),
    ctimeNs: value.readBigInt64BE(16),
    hash: value.toString('hex', 24, 56),
  };
}
