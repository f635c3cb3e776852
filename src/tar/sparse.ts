/** Maps of sparse files: where in the file the bytes that are stored belong. */
import { BLOCK } from './header.js';
import { parseDecimal } from './pax.js';

/** Offset and length of each stored piece, in order. */
export type Extents = readonly number[];

/** More pieces than this are refused: a map is kept in memory. */
export const MAX_EXTENTS = 2_000_000;
const NEWLINE = 0x0a;

/** True when the pieces are in order, inside the file, and as long together as what is stored. */
export function isSoundMap(extents: Extents, size: number, stored: number): boolean {
  let end = 0;
  let sum = 0;
  if (extents.length > 2 * MAX_EXTENTS) return false;
  for (let at = 0; at < extents.length; at += 2) {
    const offset = extents[at]!;
    const length = extents[at + 1]!;
    if (!(offset >= end) || !(length >= 0) || offset + length > size) return false;
    end = offset + length;
    sum += length;
  }
  return sum === stored;
}

/** `offset,length,offset,length…` of GNU's format 0.1; null where it is not that. */
export function parseMapText(text: string): number[] | null {
  if (text === '') return [];
  const numbers = text.split(',').map(parseDecimal);
  return numbers.length % 2 === 0 && numbers.every((n) => n !== null) ? numbers : null;
}

/** The map before the data in GNU's format 1.0: a count, then pairs, a decimal number a line, padded. */
export class MapReader {
  private readonly numbers: number[] = [];
  private digits = '';
  isBroken = false;

  /** @returns whether the map is complete, or broken */
  push(block: Buffer): boolean {
    for (let at = 0; at < BLOCK; at += 1) {
      const byte = block[at]!;
      if (byte !== NEWLINE) {
        this.digits += String.fromCharCode(byte);
        if (this.digits.length > 16) return this.fail();
        continue;
      }
      const number = parseDecimal(this.digits);
      if (number === null) return this.fail();
      this.digits = '';
      this.numbers.push(number);
      if (this.numbers[0]! > MAX_EXTENTS) return this.fail();
      if (this.numbers.length === 1 + 2 * this.numbers[0]!) return true;
    }
    return false;
  }

  get extents(): number[] {
    return this.numbers.slice(1);
  }

  private fail(): true {
    this.isBroken = true;
    return true;
  }
}

/** The stored bytes of a sparse file, cut where its pieces are cut. */
export class Pieces {
  private readonly extents: Extents;
  private piece = 0;
  /** Bytes of the piece that were there before. */
  private done = 0;

  constructor(extents: Extents) {
    this.extents = extents;
  }

  *cut(bytes: Buffer): Generator<{ type: 'data'; bytes: Buffer; offset: number }> {
    for (let at = 0; at < bytes.length;) {
      const offset = this.extents[this.piece]!;
      const length = this.extents[this.piece + 1]!;
      const taken = Math.min(length - this.done, bytes.length - at);
      if (taken > 0)
        yield { type: 'data', bytes: bytes.subarray(at, at + taken), offset: offset + this.done };
      at += taken;
      this.done += taken;
      if (this.done < length) continue;
      this.piece += 2;
      this.done = 0;
    }
  }
}
