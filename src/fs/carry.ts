/**
 * Objects from one place to another, hashed while they are copied: what has other bytes than its name
 * says is never given a name there.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import {
  copySparse,
  finishStaged,
  inStaging,
  isStagingError,
  readAndHash,
  readSmall,
  withFile,
  withStagedFile,
  writeStaged,
  type ReadContent,
  type TaskContext,
} from './contents.js';
import { failpoint } from './failpoints.js';
import { hashBytes } from './hash.js';
import { nameObject } from './place.js';
import { lstatOrNull, toFailure } from './scan.js';
import { StatTable } from './stats.js';
import { CARRY, type CarryItem, type CarryResult, type CarryTask, type EntryFailure } from './tasks.js';

/** So much is on its way to the disk while the next is read. */
const WRITEBACK_BYTES = 16 << 20;

/** @throws errors of the file system that is written to; those of a source are in the result. */
export function carryObjects(task: CarryTask, context: TaskContext): CarryResult {
  const status = new Uint8Array(task.items.length);
  const stats = new StatTable(task.items.length);
  const failures = new Map<number, EntryFailure>();
  for (const [index, item] of task.items.entries()) {
    try {
      const outcome = carry(item, context);
      if (typeof outcome === 'number') status[index] = outcome;
      else stats.set(index, outcome);
      if (task.named && status[index] === CARRY.staged) status[index] = name(item, context);
    } catch (error) {
      if (isStagingError(error) || errnoOf(error) === 'ECANCELED') throw error;
      status[index] = errnoOf(error) === 'ENOENT' ? CARRY.missing : CARRY.failed;
      failures.set(index, toFailure(error));
    }
  }
  return { status, stats: stats.values, failures };
}

function carry(item: CarryItem, context: TaskContext): number | fs.BigIntStats {
  if (inStaging(() => lstatOrNull(item.to)) !== null) return CARRY.exists;
  return withFile(item.from, (fd) => {
    failpoint('carry.read');
    const { size, blocks, mtimeNs } = fs.fstatSync(fd, { bigint: true });
    const times = item.mtimeNs ?? mtimeNs;
    const { length } = context.block;
    if (size <= BigInt(length)) return carrySmall({ fd, item, mtimeNs: times, size: Number(size) }, context);
    const isSparse = blocks * 512n < size;
    return carryLarge({ fd, item, mtimeNs: times, size: Number(size), isSparse }, context);
  });
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
  readonly fd: number;
  readonly item: CarryItem;
  readonly mtimeNs: bigint;
  readonly size: number;
}

/** Read whole and hashed before anything is written. */
function carrySmall({ fd, item, mtimeNs, size }: OpenItem, context: TaskContext): number | fs.BigIntStats {
  const bytes = context.block.subarray(0, readSmall(fd, size, context.block));
  context.onBlock(bytes.length);
  if (hashBytes(bytes).toString('hex') !== item.hash) return CARRY.damaged;
  const stat = withStagedFile(item.staged, (target) => {
    writeStaged(target, bytes);
    return finishStaged(target, mtimeNs);
  });
  failpoint('carry.written');
  return stat;
}

function carryLarge(open: OpenItem & { isSparse: boolean }, context: TaskContext): number | fs.BigIntStats {
  const { item, mtimeNs } = open;
  const { read, stat } = withStagedFile(item.staged, (target) => {
    const content = copyLarge(open, target, context);
    return { read: content, stat: finishStaged(target, mtimeNs) };
  });
  failpoint('carry.written');
  if (read.hash.toString('hex') === item.hash) return stat;
  fs.unlinkSync(item.staged);
  return CARRY.damaged;
}

function copyLarge(
  { fd, size, isSparse }: OpenItem & { isSparse: boolean },
  target: number,
  context: TaskContext,
): ReadContent {
  const { posix } = context;
  if (isSparse && posix) return copySparse({ from: fd, to: target, size, posix }, context);
  let written = 0;
  return readAndHash(fd, context, (bytes) => {
    writeStaged(target, bytes);
    const before = written;
    written += bytes.length;
    const due = Math.floor(before / WRITEBACK_BYTES) < Math.floor(written / WRITEBACK_BYTES);
    if (due) posix?.startWriteback(target, written - WRITEBACK_BYTES, WRITEBACK_BYTES);
  });
}
