/** Decompression of Snappy blocks (https://github.com/google/snappy/blob/main/format_description.txt). */
import { Cursor } from './varint.js';

/** LevelDB's blocks are a few KiB, but for a single large value. */
const MAX_BYTES = 1 << 28;

/** @throws RangeError where the bytes are no whole Snappy block */
export function unsnap(compressed: Buffer): Buffer {
  const from = new Cursor(compressed);
  const length = from.varint();
  if (length > MAX_BYTES) throw new RangeError('a block that is too large');
  const into = Buffer.alloc(length);
  let at = 0;
  while (from.left > 0) {
    const tag = from.take(1)[0]!;
    if ((tag & 3) === 0) {
      const literal = from.take(literalLength(from, tag));
      if (at + literal.length > length) throw new RangeError('more bytes than were announced');
      at += literal.copy(into, at);
    } else at = copyBack(into, at, copyOf(from, tag));
  }
  if (at !== length) throw new RangeError('fewer bytes than were announced');
  return into;
}

function literalLength(from: Cursor, tag: number): number {
  const short = tag >>> 2;
  return (short < 60 ? short : from.take(short - 59).readUIntLE(0, short - 59)) + 1;
}

function copyOf(from: Cursor, tag: number): { offset: number; length: number } {
  if ((tag & 3) === 1)
    return { length: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) | from.take(1)[0]! };
  const size = (tag & 3) === 2 ? 2 : 4;
  return { length: (tag >>> 2) + 1, offset: from.take(size).readUIntLE(0, size) };
}

/** What is copied may overlap with where it goes: then it repeats. */
function copyBack(into: Buffer, at: number, { offset, length }: { offset: number; length: number }): number {
  if (offset === 0 || offset > at || at + length > into.length) throw new RangeError('a copy of nothing');
  for (let done = 0; done < length; done += 1) into[at + done] = into[at + done - offset]!;
  return at + length;
}
