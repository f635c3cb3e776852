/** Files with holes: where their data is, in the forms of pax (GNU sparse 1.0) and of GNU tar's own format. */
import { BLOCK, paddingOf, sumUp, writeNumber } from './write-block.js';
import { toBuffer } from './write-bytes.js';

/** A stretch of data; all outside of such is zeros. */
export type DataRange = readonly [offset: number, length: number];

/** Of GNU's own format: so many in the header, so many in each block after it. */
const IN_HEADER = 4;
const IN_BLOCK = 21;
const ENTRY_BYTES = 24;

export function dataBytes(ranges: readonly DataRange[]): number {
  return ranges.reduce((sum, [, length]) => sum + length, 0);
}

/** What stands before the data: their number, then offset and length of each, in decimal lines. */
export function sparseMap(ranges: readonly DataRange[], size: number): Buffer {
  const entries = closed(ranges, size);
  const text = toBuffer(`${entries.length}\n${entries.map(([at, length]) => `${at}\n${length}\n`).join('')}`);
  return Buffer.concat([text, Buffer.alloc(paddingOf(text.length))]);
}

/** Fills the fields of a block of type `S`, and gives it with the blocks that follow it. */
export function oldSparseHeader(block: Buffer, ranges: readonly DataRange[], size: number): Buffer {
  const entries = closed(ranges, size);
  writeEntries(block, 386, entries.slice(0, IN_HEADER));
  block[482] = entries.length > IN_HEADER ? 1 : 0;
  writeNumber(block, { at: 483, width: 12, value: size, gnu: true });
  const blocks = [sumUp(block)];
  for (let from = IN_HEADER; from < entries.length; from += IN_BLOCK) {
    const next = Buffer.alloc(BLOCK);
    writeEntries(next, 0, entries.slice(from, from + IN_BLOCK));
    next[IN_BLOCK * ENTRY_BYTES] = from + IN_BLOCK < entries.length ? 1 : 0;
    blocks.push(next);
  }
  return Buffer.concat(blocks);
}

/** A hole at the end shows by an empty stretch there: GNU tar reads the length from it. */
function closed(ranges: readonly DataRange[], size: number): readonly DataRange[] {
  const [offset, length] = ranges.at(-1) ?? [0, 0];
  return offset + length === size && ranges.length > 0 ? ranges : [...ranges, [size, 0]];
}

function writeEntries(block: Buffer, from: number, entries: readonly DataRange[]): void {
  for (const [index, [offset, length]] of entries.entries()) {
    const at = from + index * ENTRY_BYTES;
    writeNumber(block, { at, width: 12, value: offset, gnu: true });
    writeNumber(block, { at: at + 12, width: 12, value: length, gnu: true });
  }
}
