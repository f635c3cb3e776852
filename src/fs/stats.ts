/**
 * Many lstat results in one array of 64-bit numbers, so that they cross threads as one buffer.
 * Times are nanoseconds since 1970, blocks are 512 bytes.
 */
import type { BigIntStats } from 'node:fs';
import { storedTime } from '../events/stored-time.js';

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
    values[at + 8] = storedTime(stat.mtimeNs);
    values[at + 9] = storedTime(stat.ctimeNs);
    values[at + 10] = stat.blocks;
  }

  /** A view of one row; it keeps the whole table alive. */
  get(index: number): FileStat {
    return new StatView(this.values, index * STAT_FIELDS);
  }
}

/** Reads a field only when it is asked for: making eleven bigints costs more than the lstat's share. */
class StatView implements FileStat {
  private readonly values: BigInt64Array;
  private readonly at: number;

  constructor(values: BigInt64Array, at: number) {
    this.values = values;
    this.at = at;
  }

  get dev(): bigint {
    return this.values[this.at]!;
  }
  get ino(): bigint {
    return this.values[this.at + 1]!;
  }
  get mode(): bigint {
    return this.values[this.at + 2]!;
  }
  get nlink(): bigint {
    return this.values[this.at + 3]!;
  }
  get uid(): bigint {
    return this.values[this.at + 4]!;
  }
  get gid(): bigint {
    return this.values[this.at + 5]!;
  }
  get rdev(): bigint {
    return this.values[this.at + 6]!;
  }
  get size(): bigint {
    return this.values[this.at + 7]!;
  }
  get mtimeNs(): bigint {
    return this.values[this.at + 8]!;
  }
  get ctimeNs(): bigint {
    return this.values[this.at + 9]!;
  }
  get blocks(): bigint {
    return this.values[this.at + 10]!;
  }
}

/** Same inode, and no sign that its bytes changed in between. */
export function sameContentStat(a: FileStat | BigIntStats, b: FileStat | BigIntStats): boolean {
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.size === b.size &&
    storedTime(a.mtimeNs) === storedTime(b.mtimeNs) &&
    storedTime(a.ctimeNs) === storedTime(b.ctimeNs)
  );
}

/** Stats of inodes right before and after changes of ours, each under the index of what changed it. */
export class TouchedInodes {
  private readonly indexes: number[] = [];
  private readonly before: StatTable;
  private readonly after: StatTable;

  constructor(most: number) {
    this.before = new StatTable(most);
    this.after = new StatTable(most);
  }

  add(index: number, before: BigIntStats, after: BigIntStats): void {
    const row = this.indexes.push(index) - 1;
    this.before.set(row, before);
    this.after.set(row, after);
  }

  take(): { touched: Int32Array; before: BigInt64Array; after: BigInt64Array } {
    const length = this.indexes.length * STAT_FIELDS;
    return {
      touched: Int32Array.from(this.indexes),
      before: this.before.values.slice(0, length),
      after: this.after.values.slice(0, length),
    };
  }
}

/** The same stat with times as they are kept, so that it compares with those of a table, an event or a seal. */
export function storable<T extends BigIntStats | null | undefined>(stat: T): T {
  if (!stat) return stat;
  stat.mtimeNs = storedTime(stat.mtimeNs);
  stat.ctimeNs = storedTime(stat.ctimeNs);
  return stat;
}
