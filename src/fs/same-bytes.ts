/** Whether two files have the same bytes, by reading both. */
import * as fs from 'node:fs';
import type { TaskContext } from './contents.js';
import type { FsPath } from './names.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Equal times and sizes are a hint; only this is evidence. */
export function haveSameBytes(first: FsPath, second: FsPath, { block, onBlock }: TaskContext): boolean {
  const half = block.length / 2;
  const [a, b] = [block.subarray(0, half), block.subarray(half)];
  const [one, other] = [openToCompare(first), openToCompare(second)];
  try {
    for (let at = 0; ; at += half) {
      const length = readFully(one, a, at);
      if (readFully(other, b, at) !== length || !a.subarray(0, length).equals(b.subarray(0, length)))
        return false;
      onBlock(length);
      if (length < half) return true;
    }
  } finally {
    fs.closeSync(one);
    fs.closeSync(other);
  }
}

function openToCompare(path: FsPath): number {
  return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

function readFully(fd: number, into: Buffer, position: number): number {
  let length = 0;
  while (length < into.length) {
    const read = fs.readSync(fd, into, length, into.length - length, position + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
