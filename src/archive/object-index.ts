/**
 * Which objects may be trusted without reading them. An object is good when its inode is as it was
 * sealed (trusted-stat.ts); anything else is doubt, and doubt is settled by hashing.
 */
import type { Level } from '../events/level.js';
import type { Hash } from '../events/types.js';
import type { FileStat } from '../fs/stats.js';
import { sealKey, type InodeId } from '../projections/keys.js';
import { fits, parseSeal, type Seal, type SealedInode } from './trusted-stat.js';

export { sealRow, type Seal } from './trusted-stat.js';

export type Trust = 'good' | 'doubt' | 'unknown';

/** Objects linked lately: their ctime moves while their seals are on the way to the disk. */
const RECENT = 32_768;

export class ObjectIndex {
  private readonly level: Level;
  /** Stored by this operation, not yet in the views. */
  private readonly pending = new Map<Hash, InodeId>();
  /** With the seal that was written last, where one was. */
  private readonly recent = new Map<Hash, SealedInode | null>();
  /** Objects whose inodes somebody else changed while this operation was at work. */
  private readonly doubted = new Set<Hash>();
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
    this.doubted.delete(hash);
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
  touch(hash: Hash, seal: SealedInode | null): void {
    this.recent.delete(hash);
    this.recent.set(hash, seal);
    if (seal !== null) this.doubted.delete(hash);
    if (this.recent.size <= RECENT) return;
    for (const oldest of this.recent.keys()) {
      this.recent.delete(oldest);
      return;
    }
  }

  /** Its inode was changed by somebody else: no moved ctime of it is taken for our own doing. */
  doubt(hash: Hash): void {
    this.touch(hash, null);
    this.doubted.add(hash);
  }

  /**
   * `unknown`: no seal of this inode, which tells nothing about whether the log knows the object. Of an
   * object that this operation is linking at this moment a moved ctime is taken for our own doing: enough
   * to name it once more, not to give anything up for it.
   */
  judge(hash: Hash, stat: FileStat, seal: Seal | undefined): Trust {
    if (this.pending.has(hash)) return 'good';
    if (seal === undefined || seal.hash !== hash) return 'unknown';
    if (this.suspects.has(hash) || this.doubted.has(hash)) return 'doubt';
    if (fits(seal, stat)) return 'good';
    const isWritten = seal.size !== stat.size || seal.mtimeNs !== stat.mtimeNs;
    return !isWritten && this.recent.has(hash) ? 'good' : 'doubt';
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
