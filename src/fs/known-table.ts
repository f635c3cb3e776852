/**
 * What files hashed to when they were last read, by inode, in memory that all threads share: a record
 * is 64 bytes (inode, size, mtime, ctime, hash), an index of hashed inodes follows the records.
 */
import type { BigIntStats } from 'node:fs';
import type { FileStat } from './stats.js';

export const RECORD_BYTES = 64;
const WORDS = RECORD_BYTES / 8;
const HASH_OFFSET = 32;
const HEADER_BYTES = 16;
/** Slots a record: few probes, and 8 to 16 bytes of index a file. */
const SPREAD = 2;
const FIRST_RECORDS = 16;

type Seen = Pick<FileStat | BigIntStats, 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

export class KnownTable {
  private readonly mask: number;
  private readonly words: BigInt64Array;
  private readonly bytes: Uint8Array;
  private readonly index: Int32Array;

  /** @param memory what `shareKnown` made */
  constructor(memory: SharedArrayBuffer) {
    const header = new Int32Array(memory, 0, 2);
    const [count, mask] = [header[0]!, header[1]!];
    this.mask = mask;
    this.words = new BigInt64Array(memory, HEADER_BYTES, count * WORDS);
    this.bytes = new Uint8Array(memory, HEADER_BYTES, count * RECORD_BYTES);
    this.index = new Int32Array(memory, HEADER_BYTES + count * RECORD_BYTES, mask + 1);
  }

  /** The 32 bytes of the hash of a file that is as it was; null where it is not, or is not known. */
  find(stat: Seen): Uint8Array | null {
    const { words, index, mask } = this;
    for (let slot = slotOf(stat.ino, mask); index[slot] !== 0; slot = (slot + 1) & mask) {
      const record = index[slot]! - 1;
      const at = record * WORDS;
      if (words[at] !== stat.ino) continue;
      const isSame =
        words[at + 1] === stat.size && words[at + 2] === stat.mtimeNs && words[at + 3] === stat.ctimeNs;
      const from = record * RECORD_BYTES + HASH_OFFSET;
      return isSame ? this.bytes.subarray(from, from + 32) : null;
    }
    return null;
  }
}

/** @param records of 64 bytes each, every inode once */
export function shareKnown(records: Uint8Array): SharedArrayBuffer {
  const count = records.length / RECORD_BYTES;
  const slots = 2 ** Math.ceil(Math.log2(Math.max(2, count * SPREAD)));
  const memory = new SharedArrayBuffer(HEADER_BYTES + records.length + slots * 4);
  new Int32Array(memory, 0, 2).set([count, slots - 1]);
  new Uint8Array(memory, HEADER_BYTES, records.length).set(records);
  const words = new BigInt64Array(memory, HEADER_BYTES, count * WORDS);
  const index = new Int32Array(memory, HEADER_BYTES + records.length, slots);
  for (let record = 0; record < count; record += 1) {
    let slot = slotOf(words[record * WORDS]!, slots - 1);
    while (index[slot] !== 0) slot = (slot + 1) & (slots - 1);
    index[slot] = record + 1;
  }
  return memory;
}

/** Records that come one by one. */
export class KnownRecords {
  private bytes = new Uint8Array(RECORD_BYTES * FIRST_RECORDS);
  private count = 0;

  push(stat: Seen, hash: Uint8Array): void {
    const at = this.count * RECORD_BYTES;
    if (at === this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const words = new BigInt64Array(this.bytes.buffer, at, 4);
    words[0] = stat.ino;
    words[1] = stat.size;
    words[2] = stat.mtimeNs;
    words[3] = stat.ctimeNs;
    this.bytes.set(hash, at + HASH_OFFSET);
    this.count += 1;
  }

  take(): Uint8Array {
    return this.bytes.slice(0, this.count * RECORD_BYTES);
  }
}

/** Both, each inode once: what is newer wins. */
export function mergeKnown(older: Uint8Array, newer: Uint8Array): Uint8Array {
  const kept = new Map<bigint, Uint8Array>();
  for (const records of [older, newer]) {
    const words = new BigInt64Array(records.buffer, records.byteOffset, records.length / 8);
    for (let at = 0; at < records.length; at += RECORD_BYTES)
      kept.set(words[at / 8]!, records.subarray(at, at + RECORD_BYTES));
  }
  const merged = new Uint8Array(kept.size * RECORD_BYTES);
  let at = 0;
  for (const record of kept.values()) {
    merged.set(record, at);
    at += RECORD_BYTES;
  }
  return merged;
}

/** Inodes of one filesystem are often neighbours: they are spread over the table. */
function slotOf(inode: bigint, mask: number): number {
  const low = Number(BigInt.asUintN(32, inode ^ (inode >> 32n)));
  return (Math.imul(low, 0x9e3779b1) >>> 7) & mask;
}
