/**
 * Keys of the log. Events lie under their 8-byte big-endian position, commits under `c` and their
 * first position, roots of Merkle subtrees under `h`, their height and their index; positions stay below
 * 2^53, so an event's key never starts with a letter.
 */
import type { Position } from './types.js';

export const KEY_BYTES = 8;
export const FORMAT_KEY = Buffer.from('mformat');

const COMMIT_PREFIX = 0x63;
const SUBTREE_PREFIX = 0x68;
const WORD = 2 ** 32;

export function eventKey(position: Position): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  writePosition(key, position, 0);
  return key;
}

export function eventPosition(key: Buffer): Position {
  return key.readUInt32BE(0) * WORD + key.readUInt32BE(4);
}

export function commitKey(first: Position): Buffer {
  const key = Buffer.allocUnsafe(1 + KEY_BYTES);
  key[0] = COMMIT_PREFIX;
  writePosition(key, first, 1);
  return key;
}

/** First position of the commit under this key. */
export function commitPosition(key: Buffer): Position {
  return key.readUInt32BE(1) * WORD + key.readUInt32BE(5);
}

export function subtreeKey(height: number, index: number): Buffer {
  const key = Buffer.allocUnsafe(2 + KEY_BYTES);
  key[0] = SUBTREE_PREFIX;
  key[1] = height;
  writePosition(key, index, 2);
  return key;
}

/** Index of the subtree under this key. */
export function subtreeIndex(key: Buffer): number {
  return key.readUInt32BE(2) * WORD + key.readUInt32BE(6);
}

function writePosition(key: Buffer, position: Position, offset: number): void {
  key.writeUInt32BE(Math.floor(position / WORD), offset);
  key.writeUInt32BE(position % WORD, offset + 4);
}
