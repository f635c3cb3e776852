/**
 * Many lstat results in one array of 64-bit numbers, so that they cross threads as one buffer.
 * Times are nanoseconds since 1970, blocks are 512 bytes.
 */
import type { BigIntStats } from 'node:fs';

export const STAT_FIELDS = 11;

export interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly blocks: bigint;
}

export class StatTable {
  readonly values: BigInt64Array;

  constructor(source: number | BigInt64Array) {
    this.values = typeof source === 'number' ? new BigInt64Array(source * STAT_FIELDS) : source;
  }

  get length(): number {
    return this.values.length / STAT_FIELDS;
  }

  set(index: number, stat: BigIntStats | FileStat): void {
    const { values } = this;
    const at = index * STAT_FIELDS;
    values[at] = stat.dev;
    values[at + 1] = stat.ino;
    values[at + 2] = stat.mode;
    values[at + 3] = stat.nlink;
    values[at + 4] = stat.uid;
    values[at + 5] = stat.gid;
    values[at + 6] = stat.rdev;
    values[at + 7] = stat.size;
    values[at + 8] = stat.mtimeNs;
    values[at + 9] = stat.ctimeNs;
    values[at + 10] = stat.blocks;
  }

  get(index: number): FileStat {
    const { values } = this;
    const at = index * STAT_FIELDS;
    return {
      dev: values[at]!,
      ino: values[at + 1]!,
      mode: values[at + 2]!,
      nlink: values[at + 3]!,
      uid: values[at + 4]!,
      gid: values[at + 5]!,
      rdev: values[at + 6]!,
      size: values[at + 7]!,
      mtimeNs: values[at + 8]!,
      ctimeNs: values[at + 9]!,
      blocks: values[at + 10]!,
    };
  }
}

/** Same inode, and no sign that its bytes changed in between. */
export function sameContentStat(a: FileStat | BigIntStats, b: FileStat | BigIntStats): boolean {
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  );
}
