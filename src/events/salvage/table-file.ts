/**
 * The entries of a LevelDB table, read without LevelDB, which opens no directory whose MANIFEST or CURRENT is
 * damaged, hands out what rotted, and may end the process by an assertion. Blocks whose checksum does not
 * hold, not even with one bit flipped back, are left out, and all others are read.
 */
import { checkOrMend, lengthByChecksum } from './crc32c.js';
import { unsnap } from './snappy.js';
import { Cursor } from './varint.js';

export type TakeEntry = (key: Buffer, value: Buffer) => void;
export type TellDamage = (reason: string, isMended: boolean) => void;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

const FOOTER = 48;
const TRAILER = 5;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
/** Position in the order of writes, and whether it is a value. */
const INTERNAL = 8;
const IS_VALUE = 1;
const MAX_HANDLE = 20;
/** A block is about 4 KiB, but for one with a large value; longer ones are found by the index alone. */
const MAX_SCANNED = 160 << 10;

export function readTable(bytes: Buffer, take: TakeEntry, tell: TellDamage): void {
  const handles = handlesOf(bytes, tell) ?? blocksInOrder(bytes);
  for (const handle of handles) {
    const block = blockAt(bytes, handle, tell);
    if (block === null) continue;
    try {
      if (isIndex(block)) continue;
      for (const [key, value] of entriesOf(block))
        if (key.length >= INTERNAL && key[key.length - INTERNAL] === IS_VALUE)
          take(key.subarray(0, key.length - INTERNAL), value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      tell(`the block at byte ${handle.offset} is none`, false);
    }
  }
}

/** Of the data blocks, as the index says; null where the index is lost. */
function handlesOf(bytes: Buffer, tell: TellDamage): Handle[] | null {
  try {
    const footer = new Cursor(bytes.subarray(Math.max(0, bytes.length - FOOTER)));
    if (!bytes.subarray(-MAGIC.length).equals(MAGIC)) throw new RangeError('no footer');
    readHandle(footer);
    const index = blockAt(bytes, readHandle(footer), tell);
    if (index === null) return null;
    return [...entriesOf(index)].map(([, value]) => readHandle(new Cursor(value)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    tell('its end is damaged or missing', false);
    return null;
  }
}

/**
 * Without an index blocks are told by their checksums: each begins where the one before ends. Behind one that is
 * damaged the next is looked for byte by byte.
 */
function* blocksInOrder(bytes: Buffer): Generator<Handle> {
  for (let offset = 0; offset < bytes.length;) {
    const end = Math.min(bytes.length - TRAILER + 1, offset + MAX_SCANNED);
    const size = lengthByChecksum(bytes, offset, end);
    if (size !== null) yield { offset, size };
    offset += size === null ? 1 : size + TRAILER;
  }
}

function blockAt(bytes: Buffer, { offset, size }: Handle, tell: TellDamage): Buffer | null {
  if (offset + size + TRAILER > bytes.length) {
    tell(`the block at byte ${offset} is cut off`, false);
    return null;
  }
  const block = Buffer.from(bytes.subarray(offset, offset + size + 1));
  const state = checkOrMend(block, bytes.readUInt32LE(offset + size + 1));
  if (state !== 'good')
    tell(`the block at byte ${offset} has other bytes than were written`, state === 'mended');
  if (state === 'damaged') return null;
  try {
    return block[size] === 1 ? unsnap(block.subarray(0, size)) : block.subarray(0, size);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    tell(`the block at byte ${offset} cannot be decompressed`, false);
    return null;
  }
}

/**
 * Found without an index, the index itself is a block like any other, whose keys are those of entries. Its values are
 * places in the file and nothing else, which no event and no commit record is.
 */
function isIndex(block: Buffer): boolean {
  for (const [, value] of entriesOf(block)) {
    const from = new Cursor(value);
    if (value.length > MAX_HANDLE) return false;
    try {
      readHandle(from);
    } catch {
      return false;
    }
    if (from.left > 0) return false;
  }
  return true;
}

/** Each key is written as what it adds to the one before. */
function* entriesOf(block: Buffer): Generator<[Buffer, Buffer]> {
  if (block.length < 4) throw new RangeError('no block');
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4);
  if (end < 0) throw new RangeError('no block');
  const from = new Cursor(block.subarray(0, end));
  let key = Buffer.alloc(0);
  while (from.left > 0) {
    const [shared, added, length] = [from.varint(), from.varint(), from.varint()];
    if (shared > key.length) throw new RangeError('a key of nothing');
    key = Buffer.concat([key.subarray(0, shared), from.take(added)]);
    yield [key, from.take(length)];
  }
}

function readHandle(from: Cursor): Handle {
  return { offset: from.varint(), size: from.varint() };
}
