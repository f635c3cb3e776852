/**
 * Objects from one place to another, hashed while they are copied: what has other bytes than its name
 * says is never given a name there.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../../errors.js';
import {
  copySparse,
  finishStaged,
  inStaging,
  isStagingError,
  readAndHash,
  readSmall,
  withStagedFile,
  writeStaged,
  type ReadContent,
  type TaskContext,
} from '../../fs/contents.js';
import { failpoint } from '../../fs/failpoints.js';
import { hashBytes } from '../../fs/hash.js';
import { nameObject } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { StatTable } from '../../fs/stats.js';
import {
  CARRY,
  type CarryItem,
  type CarryResult,
  type CarryTask,
  type EntryFailure,
} from '../../fs/tasks.js';
import {
  failureOf,
  fromGoodCopy,
  ObjectProblem,
  withCopy,
  type FromCopy,
  type ObjectCopy,
} from './object-reader.js';

/** So much is on its way to the disk while the next is read. */
const WRITEBACK_BYTES = 16 << 20;

/** @throws errors of the file system that is written to; those of a source are in the result. */
export function carryObjects(task: CarryTask, context: TaskContext): CarryResult {
  const status = new Uint8Array(task.items.length);
  const stats = new StatTable(task.items.length);
  const failures = new Map<number, EntryFailure>();
  const bad = new Map<number, EntryFailure>();
  for (const [index, item] of task.items.entries()) {
    try {
      const carried = carry(item, context);
      if (carried === null) status[index] = CARRY.exists;
      else stats.set(index, carried.value);
      if (carried?.bad) bad.set(index, carried.bad);
      if (task.named && status[index] === CARRY.staged) status[index] = name(item, context);
    } catch (error) {
      if (isStagingError(error) || errnoOf(error) === 'ECANCELED') throw error;
      status[index] = statusOf(error);
      failures.set(index, withErrno(error));
    }
  }
  return { status, stats: stats.values, failures, bad };
}

function statusOf(error: unknown): number {
  if (!(error instanceof ObjectProblem) || error.errno !== null) return CARRY.failed;
  return error.code === 'OBJECT_MISSING' ? CARRY.missing : CARRY.damaged;
}

function withErrno(error: unknown): EntryFailure {
  const failure = failureOf(error);
  return error instanceof ObjectProblem && error.errno ? { ...failure, code: error.errno } : failure;
}

/** Null: it is there already. */
function carry(item: CarryItem, context: TaskContext): FromCopy<fs.BigIntStats> | null {
  if (inStaging(() => lstatOrNull(item.to)) !== null) return null;
  const copy = (source: ObjectCopy): fs.BigIntStats => carryCopy(source, item, context);
  if (item.isObject) return fromGoodCopy({ object: item.from, others: item.others }, copy);
  return { value: withCopy(item.from, {}, copy), bad: null };
}

function carryCopy(source: ObjectCopy, item: CarryItem, context: TaskContext): fs.BigIntStats {
  failpoint('carry.read');
  const { size, blocks, mtimeNs } = source.stat();
  source.expectLength(Number(size), item.size);
  const open = { source, item, mtimeNs: item.mtimeNs ?? mtimeNs, size: Number(size) };
  if (size <= BigInt(context.block.length)) return carrySmall(open, context);
  return carryLarge({ ...open, isSparse: blocks * 512n < size }, context);
}

function name({ staged, to }: CarryItem, context: TaskContext): number {
  return inStaging(() => {
    try {
      failpoint('object.name');
      nameObject({ from: staged, to, replace: false }, context);
      failpoint('object.named');
      return CARRY.staged;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      fs.unlinkSync(staged);
      return CARRY.exists;
    }
  });
}

interface OpenItem {
  readonly source: ObjectCopy;
  readonly item: CarryItem;
  readonly mtimeNs: bigint;
  readonly size: number;
}

/** Read whole and hashed before anything is written. */
function carrySmall({ source, item, mtimeNs, size }: OpenItem, context: TaskContext): fs.BigIntStats {
  const bytes = source.reading(() => context.block.subarray(0, readSmall(source.fd, size, context.block)));
  context.onBlock(bytes.length);
  source.expectHash(hashBytes(bytes), item.hash);
  const stat = withStagedFile(item.staged, (target) => {
    writeStaged(target, bytes);
    return finishStaged(target, mtimeNs);
  });
  failpoint('carry.written');
  return stat;
}

/** Hashed while it is written: what is wrong is never more than a staged file, which goes. */
function carryLarge(open: OpenItem & { isSparse: boolean }, context: TaskContext): fs.BigIntStats {
  const { source, item, mtimeNs } = open;
  const { read, stat } = withStagedFile(item.staged, (target) => {
    const content = source.reading(() => copyLarge(open, target, context));
    return { read: content, stat: finishStaged(target, mtimeNs) };
  });
  failpoint('carry.written');
  if (read.hash.toString('hex') === item.hash) return stat;
  fs.unlinkSync(item.staged);
  throw source.damaged('has other bytes than its name says');
}

function copyLarge(
  { source, size, isSparse }: OpenItem & { isSparse: boolean },
  target: number,
  context: TaskContext,
): ReadContent {
  const { posix } = context;
  if (isSparse && posix) return copySparse({ from: source.fd, to: target, size, posix }, context);
  let written = 0;
  return readAndHash(source.fd, context, (bytes) => {
    // It grows while it is read: of a disk that somebody else serves, perhaps for ever.
    if (written + bytes.length > size) throw source.damaged(`has more bytes than ${size}`);
    writeStaged(target, bytes);
    const before = written;
    written += bytes.length;
    const due = Math.floor(before / WRITEBACK_BYTES) < Math.floor(written / WRITEBACK_BYTES);
    if (due) posix?.startWriteback(target, written - WRITEBACK_BYTES, WRITEBACK_BYTES);
  });
}
