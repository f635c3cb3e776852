/** A content that goes to the output by itself, piece by piece. */
import type { FileHandle } from 'node:fs/promises';
import { HkfsError } from '../../errors.js';
import { createHasher } from '../../fs/hash.js';
import { paddingOf } from '../../tar/write-block.js';
import type { DataRange } from '../../tar/write-sparse.js';

const CHUNK = 1 << 20;
const NO_BYTES = Buffer.alloc(0);

export interface LargeContent {
  readonly path: string;
  readonly ranges: readonly DataRange[];
  /** Of the bytes of the ranges. */
  readonly dataHash: string;
}

/**
 * Reads again, and hashes again, what was checked before: it is out of our hands between. The last piece is
 * held back until the hash is right, so that wrong bytes never make a whole member.
 * @param write is given the padding as well
 * @throws HkfsError OBJECT_DAMAGED
 */
export async function copyContent(
  file: FileHandle,
  { path, ranges, dataHash }: LargeContent,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const hasher = createHasher();
  let held: Buffer = NO_BYTES;
  let length = 0;
  for await (const bytes of readRanges(file, ranges)) {
    await write(held);
    hasher.update(bytes);
    length += bytes.length;
    held = bytes;
  }
  if (hasher.digest().toString('hex') !== dataHash) throw changed(path);
  await write(held);
  await write(Buffer.alloc(paddingOf(length)));
}

async function* readRanges(file: FileHandle, ranges: readonly DataRange[]): AsyncGenerator<Buffer> {
  for (const [start, length] of ranges)
    for (let at = start; at < start + length;) {
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK, start + length - at));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      if (bytesRead === 0) return; // the hash will show it
      yield bytes.subarray(0, bytesRead);
      at += bytesRead;
    }
}

function changed(path: string): HkfsError {
  return new HkfsError('OBJECT_DAMAGED', `${path} changed while it was exported; the output is broken off`, {
    hint: 'run `hkfs verify`, and the command again',
  });
}
