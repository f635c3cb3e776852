/**
 * A table of LevelDB, checked before LevelDB reads it: it takes no notice of the checksums of its blocks, hands
 * out what a bit flipped in, and ends the whole process (SIGABRT) where a key has become too short.
 */
import { readFileSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { crc32c, isMaskedCrc } from './crc32c.js';
import { unsnap } from './snappy.js';
import { readVarint } from './varint.js';

const FOOTER = 48;
const TRAILER = 5;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** @returns what is wrong with it; null where nothing is */
export function tableProblem(path: string): string | null {
  try {
    return problemIn(readFileSync(path));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EIO' || errno === 'EISDIR') return `it cannot be read (${errno})`;
    if (errno === 'ENOENT') return 'it is missing';
    if (error instanceof RangeError) return 'its index is damaged';
    throw error;
  }
}

function problemIn(bytes: Buffer): string | null {
  if (bytes.length < FOOTER) return 'it was cut short';
  const footer = bytes.subarray(bytes.length - FOOTER);
  if (!footer.subarray(FOOTER - MAGIC.length).equals(MAGIC)) return 'its end is missing or damaged';
  const { handle: meta, next } = readHandle(footer, 0);
  const { handle: index } = readHandle(footer, next);
  for (const block of [meta, index])
    if (!isWhole(bytes, block)) return `its block at ${block.offset} is damaged`;
  for (const root of [meta, index])
    for (const block of handlesIn(contentOf(bytes, root)))
      if (!isWhole(bytes, block)) return `its block at ${block.offset} is damaged`;
  return null;
}

function isWhole(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size;
  if (end + TRAILER > bytes.length - FOOTER) return false;
  // The checksum covers the block and its kind.
  return isMaskedCrc(bytes.readUInt32LE(end + 1), crc32c(bytes, offset, end + 1));
}

function contentOf(bytes: Buffer, { offset, size }: Handle): Buffer {
  const block = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === 1 ? unsnap(block) : block;
}

/** The values of a block of handles: entries of shared, unshared and value lengths, then restart points. */
function* handlesIn(block: Buffer): Generator<Handle> {
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4);
  for (let at = 0; at < end;) {
    const { next: second } = readVarint(block, at);
    const unshared = readVarint(block, second);
    const value = readVarint(block, unshared.next);
    const start = value.next + unshared.value;
    yield readHandle(block, start).handle;
    at = start + value.value;
  }
}

function readHandle(bytes: Buffer, at: number): { handle: Handle; next: number } {
  const offset = readVarint(bytes, at);
  const size = readVarint(bytes, offset.next);
  return { handle: { offset: offset.value, size: size.value }, next: size.next };
}
