/**
 * Hashes of what is in directories of the outside world. A file whose inode, size and times are as
 * they were at an earlier reading is not read again; nothing is written and no symlink is followed.
 */
import * as fs from 'node:fs';
import type { ReadContent, TaskContext } from './contents.js';
import { failpoint } from './failpoints.js';
import { KnownRecords, KnownTable } from './known-table.js';
import { openAnchor } from './long-path.js';
import { joinPath, readDirectoryNames, toFsPath, type FsPath } from './names.js';
import { toFailure } from './scan.js';
import { isSettled, nowInNs } from './settled.js';
import { hashOpenFile } from './stage.js';
import { sameContentStat } from './stats.js';
import {
  OUTSIDE,
  type EntryFailure,
  type OutsideFound,
  type OutsideResult,
  type OutsideTask,
  type OutsideUnit,
} from './tasks.js';

/** Names that are looked at in one go; the rest of a larger directory is for other threads as well. */
export const UNIT_NAMES = 2048;
/** Bytes read in one task: beyond them files are left for tasks of their own, so that threads share them. */
export const TASK_BYTES = 32 << 20;
const ATTEMPTS = 3;
/** Files with more names than one that this thread has read: inode → stat and hash. */
const MAX_LINKED = 100_000;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

interface Linked {
  readonly stat: fs.BigIntStats;
  readonly hash: Uint8Array;
  /** When the reading began. */
  readonly nowNs: bigint;
}

const linked = new Map<string, Linked>();

export function hashOutside(task: OutsideTask, context: TaskContext): OutsideResult {
  let budget = TASK_BYTES;
  const units = task.units.map((unit) => {
    const reader = new UnitReader(unit, context, unit.names === null ? budget : Infinity);
    const found = reader.read();
    if (unit.names === null) budget = reader.budget;
    return found;
  });
  return { units };
}

class UnitReader {
  private readonly unit: OutsideUnit;
  private readonly context: TaskContext;
  private readonly known: KnownTable | null;
  private readonly names: string[] = [];
  private readonly sizes: number[] = [];
  private readonly status: number[] = [];
  private readonly hashes: Uint8Array[] = [];
  private readonly records = new KnownRecords();
  private readonly directories: string[] = [];
  private readonly places: bigint[] = [];
  private readonly failures = new Map<string, EntryFailure>();
  private others = 0;
  /** Bytes that may still be read. */
  budget: number;

  constructor(unit: OutsideUnit, context: TaskContext, budget: number) {
    this.unit = unit;
    this.context = context;
    this.budget = budget;
    this.known = unit.known && new KnownTable(unit.known);
  }

  read(): OutsideFound {
    let names: readonly string[] = [];
    try {
      const anchor = openAnchor(this.unit.directory);
      try {
        names = this.unit.names ?? readDirectoryNames(anchor.path).sort();
        for (const name of names.slice(0, UNIT_NAMES)) this.entry(anchor.path, name);
      } finally {
        anchor.close();
      }
    } catch (error) {
      this.failures.set('', toFailure(error));
    }
    return this.found(names.slice(UNIT_NAMES));
  }

  private entry(directory: string, name: string): void {
    const path = toFsPath(joinPath(directory, name));
    try {
      const stat = fs.lstatSync(path, { bigint: true });
      if (stat.isFile()) this.file(path, name, stat);
      else if (stat.isDirectory()) {
        this.directories.push(name);
        this.places.push(stat.dev, stat.ino);
      } else this.others += 1;
    } catch (error) {
      this.failures.set(name, toFailure(error));
    }
  }

  private file(path: FsPath, name: string, stat: fs.BigIntStats): void {
    const size = Number(stat.size);
    const isOurs = stat.dev === this.unit.device;
    const known = size === 0 ? null : ((isOurs ? this.known?.find(stat) : null) ?? knownLink(stat));
    if (known) return this.push(name, { size, status: OUTSIDE.known, hash: known });
    if (size > this.budget) return this.push(name, { size, status: OUTSIDE.postponed, hash: NO_HASH });
    this.budget -= size;
    const read = hashStable(path, stat, this.context);
    if (read === null) {
      this.failures.set(name, { code: 'UNSTABLE', message: 'it changes while it is read' });
      return;
    }
    const { length } = read;
    if (length === 0) return this.push(name, { size: 0, status: OUTSIDE.known, hash: NO_HASH });
    // A stat that does not tell the size tells of no change either.
    if (length === Number(read.stat.size)) {
      if (isOurs && isSettled(read.stat, read.nowNs)) this.records.push(read.stat, read.hash);
      rememberLink(read);
    }
    this.push(name, { size: length, status: OUTSIDE.read, hash: read.hash });
  }

  private push(name: string, file: { size: number; status: number; hash: Uint8Array }): void {
    this.names.push(name);
    this.sizes.push(file.size);
    this.status.push(file.status);
    this.hashes.push(file.hash);
  }

  private found(rest: readonly string[]): OutsideFound {
    const hashes = new Uint8Array(this.hashes.length * 32);
    for (const [index, hash] of this.hashes.entries()) hashes.set(hash, index * 32);
    return {
      names: this.names,
      sizes: Float64Array.from(this.sizes),
      status: Uint8Array.from(this.status),
      hashes,
      records: this.records.take(),
      directories: this.directories,
      places: BigInt64Array.from(this.places),
      rest,
      others: this.others,
      failures: this.failures,
    };
  }
}

const NO_HASH = new Uint8Array(32);

/** Null when it never stood still. Where the stat has another size than was read, two readings have to agree. */
function hashStable(path: FsPath, seen: fs.BigIntStats, context: TaskContext): (Linked & ReadContent) | null {
  let before = seen;
  let last: ReadContent | null = null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    failpoint('outside.read');
    const nowNs = nowInNs();
    const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      if (attempt > 0) before = fs.fstatSync(fd, { bigint: true });
      if (!before.isFile()) return null;
      const read = hashOpenFile(fd, Number(before.size), context);
      const after = fs.fstatSync(fd, { bigint: true });
      const isSame = sameContentStat(before, after);
      const isSized = read.length === Number(after.size);
      if (isSame && (isSized || last?.hash.equals(read.hash))) return { stat: after, nowNs, ...read };
      last = isSame ? read : null;
    } finally {
      fs.closeSync(fd);
    }
  }
  return null;
}

function knownLink(stat: fs.BigIntStats): Uint8Array | null {
  const seen = stat.nlink > 1n ? linked.get(`${stat.dev}:${stat.ino}`) : undefined;
  return seen && sameContentStat(seen.stat, stat) ? seen.hash : null;
}

function rememberLink(read: Linked): void {
  if (read.stat.nlink < 2n || !isSettled(read.stat, read.nowNs)) return;
  if (linked.size >= MAX_LINKED) linked.clear();
  linked.set(`${read.stat.dev}:${read.stat.ino}`, read);
}
