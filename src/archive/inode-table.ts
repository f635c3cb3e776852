/** Inodes of the hash tree with the hashes that they are named by. */
import type { Hash } from '../events/types.js';
import type { FileStat } from '../fs/stats.js';

const HASH_BYTES = 32;

/** About 100 bytes an inode. */
export class InodeTable {
  private device: bigint | null = null;
  private readonly rows = new Map<number, number>();
  private hashes = Buffer.alloc(1024 * HASH_BYTES);

  /** Objects are on one device; an inode of another, or a number beyond 2^53, is not remembered. */
  add({ dev, ino }: FileStat, hash: Hash): void {
    this.device ??= dev;
    const inode = Number(ino);
    if (dev !== this.device || !Number.isSafeInteger(inode)) return;
    const row = this.rows.size;
    if ((row + 1) * HASH_BYTES > this.hashes.length)
      this.hashes = Buffer.concat([this.hashes, Buffer.alloc(this.hashes.length)]);
    this.hashes.write(hash, row * HASH_BYTES, 'hex');
    this.rows.set(inode, row);
  }

  /** Null for an inode that is none of the hash tree's. */
  hashOf({ dev, ino }: FileStat): Hash | null {
    const row = dev === this.device ? this.rows.get(Number(ino)) : undefined;
    return row === undefined ? null : this.hashes.toString('hex', row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }

  /** Whether the inode is named by this hash. */
  holds({ dev, ino }: FileStat, hash: Buffer): boolean {
    if (dev !== this.device) return false;
    const row = this.rows.get(Number(ino));
    if (row === undefined) return false;
    const at = row * HASH_BYTES;
    return hash.compare(this.hashes, at, at + HASH_BYTES) === 0;
  }
}
