/** Whether two files hold the same bytes, read through open descriptors. */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import { READ_FAILURES } from './errors.js';
import type { FsPath } from './names.js';
import { sameContentStat } from './stats.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const BLOCK_BYTES = 1 << 20;

/**
 * False as well where one of them is no regular file, changes meanwhile, or has bytes that cannot be read.
 * Errors of opening pass through.
 */
export function hasSameBytes(path: FsPath, other: FsPath): boolean {
  const left = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const right = fs.openSync(other, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return isEqual(left, right);
    } finally {
      fs.closeSync(right);
    }
  } catch (error) {
    if (READ_FAILURES.has(errnoOf(error) ?? '')) return false;
    throw error;
  } finally {
    fs.closeSync(left);
  }
}

function isEqual(left: number, right: number): boolean {
  const before = [left, right].map((fd) => fs.fstatSync(fd, { bigint: true }));
  const [a, b] = before as [fs.BigIntStats, fs.BigIntStats];
  if (!a.isFile() || !b.isFile() || a.size !== b.size) return false;
  if (!hasEqualBytes(left, right)) return false;
  return [left, right].every((fd, index) =>
    sameContentStat(before[index]!, fs.fstatSync(fd, { bigint: true })),
  );
}

export interface Blocks {
  readonly ours: Buffer;
  readonly theirs: Buffer;
}

/** Reads both descriptors from their beginnings, without moving them. @param onBlock told of the bytes read */
export function hasEqualBytes(
  left: number,
  right: number,
  { ours, theirs }: Blocks = newBlocks(),
  onBlock: (bytes: number) => void = () => {},
): boolean {
  for (let at = 0; ;) {
    const length = readBlock(left, ours, at);
    if (readBlock(right, theirs, at) !== length) return false;
    if (length === 0) return true;
    if (ours.compare(theirs, 0, length, 0, length) !== 0) return false;
    onBlock(length);
    at += length;
  }
}

function newBlocks(): Blocks {
  return { ours: Buffer.allocUnsafe(BLOCK_BYTES), theirs: Buffer.allocUnsafe(BLOCK_BYTES) };
}

/** A whole block, or all that is left. */
export function readBlock(fd: number, block: Buffer, at: number): number {
  let length = 0;
  while (length < block.length) {
    const read = fs.readSync(fd, block, length, block.length - length, at + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
