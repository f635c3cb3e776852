/** The header block of a member: fixed fields of 512 bytes (POSIX ustar, and what GNU made of it). */
import type { ByteString } from './write-bytes.js';

export const BLOCK = 512;
/** What tars are filled up to with zeros: 20 blocks, as every tar does it. */
const RECORD = 20 * BLOCK;

export const NAME_BYTES = 100;
export const PREFIX_BYTES = 155;
/** One byte of 32 ends the text. */
export const ACCOUNT_BYTES = 31;
/** Largest octal numbers of 7 and of 11 digits. */
export const MAX_ID = 0o7777777;
export const MAX_SIZE = 0o77777777777;
/** Where fields of every header stand. */
export const SIZE = { at: 124, width: 12 };
export const MTIME = { at: 136, width: 12 };
export const CHECKSUM = { at: 148, width: 8 };

/** Files, hard links, symlinks, character and block devices, directories, fifos; then those of the formats. */
export type TypeFlag = '0' | '1' | '2' | '3' | '4' | '5' | '6' | 'x' | 'L' | 'K' | 'S';

export interface Block {
  readonly type: TypeFlag;
  readonly name: ByteString;
  /** What stands before the name and a slash; POSIX only. */
  readonly prefix?: ByteString;
  readonly target?: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  readonly user?: ByteString;
  readonly group?: ByteString;
  readonly major?: number;
  readonly minor?: number;
  /** GNU's magic, and numbers in base 256 where octal digits do not do. */
  readonly gnu?: boolean;
}

/** A block whose fields fit; GNU's own fields are for the caller, who sums up again with `sumUp`. */
export function headerBlock(block: Block): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  const gnu = block.gnu ?? false;
  bytes.write(block.name, 0, NAME_BYTES, 'latin1');
  writeNumber(bytes, { at: 100, width: 8, value: block.mode, gnu });
  writeNumber(bytes, { at: 108, width: 8, value: block.uid, gnu });
  writeNumber(bytes, { at: 116, width: 8, value: block.gid, gnu });
  writeNumber(bytes, { ...SIZE, value: block.size, gnu });
  writeNumber(bytes, { ...MTIME, value: block.mtime, gnu });
  bytes.write(block.type, 156, 1, 'latin1');
  if (block.target) bytes.write(block.target, 157, NAME_BYTES, 'latin1');
  bytes.write(gnu ? 'ustar  \0' : 'ustar\x0000', 257, 8, 'latin1');
  if (block.user) bytes.write(block.user, 265, 32, 'latin1');
  if (block.group) bytes.write(block.group, 297, 32, 'latin1');
  writeNumber(bytes, { at: 329, width: 8, value: block.major ?? 0, gnu });
  writeNumber(bytes, { at: 337, width: 8, value: block.minor ?? 0, gnu });
  if (block.prefix) bytes.write(block.prefix, 345, PREFIX_BYTES, 'latin1');
  return sumUp(bytes);
}

/** Puts the checksum in: the sum of all bytes, its own field taken as spaces. */
export function sumUp(bytes: Buffer): Buffer {
  bytes.fill(0x20, CHECKSUM.at, CHECKSUM.at + CHECKSUM.width);
  writeSum(bytes, 0, sumOf(bytes, 0));
  return bytes;
}

/** Of the bytes of the block that begins there. */
export function sumOf(bytes: Buffer, start: number): number {
  let sum = 0;
  for (let at = start; at < start + BLOCK; at += 1) sum += bytes[at]!;
  return sum;
}

/** Six octal digits, a NUL, and the space that stands there already. */
export function writeSum(bytes: Buffer, start: number, sum: number): void {
  const at = start + CHECKSUM.at;
  for (let digit = 0; digit < 6; digit += 1) bytes[at + digit] = 0x30 + ((sum >> (3 * (5 - digit))) & 7);
  bytes[at + 6] = 0;
}

export interface NumberField {
  readonly at: number;
  readonly width: number;
  readonly value: number;
  readonly gnu: boolean;
}

/** Octal digits and a NUL; of GNU, where they do not do, base 256 in two's complement. */
export function writeNumber(bytes: Buffer, { at, width, value, gnu }: NumberField): void {
  const digits = width - 1;
  if (value >= 0 && value < 8 ** digits) {
    bytes.write(value.toString(8).padStart(digits, '0'), at, digits, 'latin1');
    return;
  }
  if (!gnu) throw new RangeError(`${value} does not fit into ${digits} octal digits`);
  let rest = BigInt(value);
  for (let index = at + digits; index > at; index -= 1) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[at] = value < 0 ? 0xff : 0x80;
}

/** Zeros after content of so many bytes. */
export function paddingOf(size: number): number {
  const over = size % BLOCK;
  return over === 0 ? 0 : BLOCK - over;
}

/** Two blocks of zeros, and more to fill the last record. */
export function endOfTar(length: number): Buffer {
  const end = length + 2 * BLOCK;
  return Buffer.alloc(Math.ceil(end / RECORD) * RECORD - length);
}

/** What ends a tar that is broken off: a header whose records never come, so that no reader takes it for whole. */
export function tornEnd(): Buffer {
  return headerBlock({ type: 'x', name: 'TORN', mode: 0o644, uid: 0, gid: 0, size: BLOCK, mtime: 0 });
}
