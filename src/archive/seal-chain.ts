/** Seals of one batch's inodes, from their staged files or their rows in the views over each change of ours. */
import type { LevelChange } from '../events/level.js';
import type { Hash } from '../events/types.js';
import { StatTable } from '../fs/stats.js';
import type { ObjectIndex } from './object-index.js';
import { carryOver, sealOf, sealRow, stampOf, unsealed, type OwnChange, type Stamp } from './trusted-stat.js';

/** What worker threads tell of inodes that they changed, in the order in which they did. */
export interface Touched {
  readonly before: BigInt64Array;
  readonly after: BigInt64Array;
}

interface Link {
  readonly hash: Hash;
  readonly device: bigint;
  /** Null: in doubt. */
  readonly stamp: Stamp | null;
}

/**
 * All changes of one inode have to come in the order in which they were made: threads that work at the
 * same time must not have the same inode.
 */
export class SealChain {
  private readonly index: ObjectIndex;
  /** By inode: all objects are on one file system. */
  private readonly byInode = new Map<bigint, Link>();

  constructor(index: ObjectIndex) {
    this.index = index;
  }

  /** A staged file got its name. @param staged as it was when the bytes in it were hashed */
  named(hash: Hash, staged: Stamp, change: OwnChange): void {
    this.carry({ hash, device: staged.dev, stamp: staged }, change);
  }

  /** Changes of inodes that are objects, or that may be: of one without a seal nothing is known, nor told. */
  async touched(tables: Touched): Promise<void> {
    const before = new StatTable(tables.before);
    const after = new StatTable(tables.after);
    await this.lookUp(before);
    for (let row = 0; row < before.length; row += 1) {
      const change = { before: before.get(row), after: after.get(row) };
      const known = this.byInode.get(change.before.ino);
      if (!known?.stamp) continue;
      const stamp = this.carry(known, change);
      if (stamp !== null) this.index.touch(known.hash, sealOf(known.hash, stamp));
    }
  }

  rows(): LevelChange[] {
    return Array.from(this.byInode, ([inode, { hash, device, stamp }]) =>
      stamp === null ? unsealed({ device, inode }) : sealRow({ device, inode }, { hash, ...timesOf(stamp) }),
    );
  }

  private carry({ hash, device, stamp }: Link, change: OwnChange): Stamp | null {
    const carried = carryOver(stamp!, change);
    this.byInode.set(stamp!.ino, { hash, device, stamp: carried });
    if (carried === null) this.index.doubt(hash);
    return carried;
  }

  private async lookUp(before: StatTable): Promise<void> {
    const open = new Map<bigint, bigint>();
    for (let row = 0; row < before.length; row += 1) {
      const { ino, dev } = before.get(row);
      if (!this.byInode.has(ino)) open.set(ino, dev);
    }
    if (open.size === 0) return;
    const inodes = Array.from(open, ([inode, device]) => ({ device, inode }));
    for (const [at, seal] of (await this.index.seals(inodes)).entries())
      if (seal !== undefined) {
        const { device, inode } = inodes[at]!;
        this.byInode.set(inode, { hash: seal.hash, device, stamp: stampOf({ ...seal, device, inode }) });
      }
  }
}

function timesOf({ size, mtimeNs, ctimeNs }: Stamp): Omit<Stamp, 'dev' | 'ino'> {
  return { size, mtimeNs, ctimeNs };
}
