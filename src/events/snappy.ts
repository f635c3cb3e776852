/** Decompresses a block as Snappy wrote it: LevelDB's index blocks may be compressed. */
import { readVarint } from './varint.js';

/** @throws RangeError where it is none */
export function unsnap(bytes: Buffer): Buffer {
  const length = readVarint(bytes, 0);
  if (length.value > 64 << 20) throw new RangeError('no Snappy block');
  const into = Buffer.alloc(length.value);
  let at = length.next;
  let end = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let size = tag >>> 2;
      if (size >= 60) {
        const width = size - 59;
        size = bytes.readUIntLE(at, width);
        at += width;
      }
      end += copyOf(bytes.subarray(at, at + size + 1), into, end, size + 1);
      at += size + 1;
      continue;
    }
    const width = [0, 1, 2, 4][tag & 3]!;
    const size = (tag & 3) === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const high = (tag & 3) === 1 ? (tag >>> 5) << 8 : 0;
    const offset = high + bytes.readUIntLE(at, width);
    at += width;
    if (offset === 0 || offset > end || end + size > into.length) throw new RangeError('no Snappy block');
    for (let left = size; left > 0; left -= 1, end += 1) into[end] = into[end - offset]!;
  }
  if (end !== into.length) throw new RangeError('no Snappy block');
  return into;
}

function copyOf(from: Buffer, into: Buffer, at: number, size: number): number {
  if (from.length !== size || at + size > into.length) throw new RangeError('no Snappy block');
  return from.copy(into, at);
}
