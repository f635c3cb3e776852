/** One header block of 512 bytes: v7, ustar, GNU and star. Numbers are octal or base-256. */

export const BLOCK = 512;

export interface TarHeader {
  readonly format: 'v7' | 'ustar' | 'gnu';
  /** With the prefix of ustar, where there is one. */
  readonly name: Buffer;
  readonly link: Buffer;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow the header. */
  readonly size: number;
  readonly mtime: bigint;
  readonly user: Buffer;
  readonly group: Buffer;
  readonly major: number;
  readonly minor: number;
  /** Fields that hold no number, in words; 0 stands for them. */
  readonly unreadable: readonly string[];
}

/** GNU's old sparse members: extents as offset and length, and how large the file is. */
export interface OldSparse {
  readonly extents: number[];
  readonly isExtended: boolean;
  readonly realSize: number;
}

const CHECKSUM = 148;
const MAGIC = 257;
/** Where a header of type `S` has what. */
const GNU_SPARSE = { isExtended: 482, entries: 386, realSize: 483 } as const;
const STAR_SPARSE = { isExtended: 355, entries: 356, realSize: 452 } as const;
const SPARSE_ENTRY = 24;
const SPARSE_IN_HEADER = 4;
const SPARSE_IN_BLOCK = 21;
const EMPTY = Buffer.alloc(0);
const NOTHING: readonly string[] = [];
/** The numbers of owners go round below 2^32: -2 is what others write as 4294967294. */
const IDS = 32;

/** Null for anything whose checksum or size is not that of a header. */
export function parseHeader(block: Buffer): TarHeader | null {
  return hasChecksum(block) ? fieldsOf(block) : null;
}

/** What a header says whose checksum is wrong: nothing is to be taken for true but, in messages, its name. */
export function parseDamaged(block: Buffer): TarHeader | null {
  const isLike = formatOf(block) !== 'v7' || (parseNumber(block, CHECKSUM, 8) ?? 0n) > 0n;
  const fields = isLike ? fieldsOf(block) : null;
  return fields === null || fields.name.length === 0 ? null : fields;
}

export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < BLOCK; at += 4) if (block.readInt32LE(at) !== 0) return false;
  return true;
}

function fieldsOf(block: Buffer): TarHeader | null {
  const size = parseNumber(block, 124, 12);
  if (size === null || size < 0n || size > Number.MAX_SAFE_INTEGER) return null;
  const format = formatOf(block);
  const isV7 = format === 'v7';
  const [mode, uid, gid] = [100, 108, 116].map((at) => parseNumber(block, at, 8));
  const mtime = parseNumber(block, 136, 12);
  return {
    format,
    name: nameOf(block, format),
    link: textOf(block, 157, 100),
    type: String.fromCharCode(block[156]!),
    mode: numberOf(mode),
    uid: idOf(uid),
    gid: idOf(gid),
    size: Number(size),
    mtime: mtime ?? 0n,
    user: isV7 ? EMPTY : textOf(block, 265, 32),
    group: isV7 ? EMPTY : textOf(block, 297, 32),
    major: isV7 ? 0 : numberOf(parseNumber(block, 329, 8)),
    minor: isV7 ? 0 : numberOf(parseNumber(block, 337, 8)),
    unreadable: unreadableOf({ mode, uid, gid, mtime }),
  };
}

/** star writes a digit, GNU tar a one. */
function isSet(byte: number): boolean {
  return byte !== 0 && byte !== 0x30;
}

/** Extents in a header of type `S`; null where they are no numbers. */
export function parseOldSparse(block: Buffer): OldSparse | null {
  const at = isStar(block) ? STAR_SPARSE : GNU_SPARSE;
  const extents = sparseEntries(block, at.entries, SPARSE_IN_HEADER);
  const realSize = parseNumber(block, at.realSize, 12);
  if (extents === null || realSize === null || realSize < 0n || realSize > Number.MAX_SAFE_INTEGER)
    return null;
  return { extents, isExtended: isSet(block[at.isExtended]!), realSize: Number(realSize) };
}

/** A block that goes on with the extents of a header. */
export function parseSparseBlock(block: Buffer): Omit<OldSparse, 'realSize'> | null {
  const extents = sparseEntries(block, 0, SPARSE_IN_BLOCK);
  return extents && { extents, isExtended: isSet(block[504]!) };
}

/** Octal digits between blanks, of some writers with a sign, or base-256 where the first bit is set; null for anything else. */
export function parseNumber(block: Buffer, offset: number, length: number): bigint | null {
  if ((block[offset]! & 0x80) !== 0) return parseBase256(block.subarray(offset, offset + length));
  let value = 0;
  let digits = 0;
  let isNegative = false;
  for (let at = offset; at < offset + length; at += 1) {
    const byte = block[at]!;
    if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + (byte - 0x30);
      digits += 1;
    } else if (byte === 0 || (byte === 0x20 && digits > 0)) break;
    else if (byte === 0x2d && digits === 0 && !isNegative) isNegative = true;
    else if (byte !== 0x20) return null;
  }
  return BigInt(isNegative ? -value : value);
}

/** The first bit marks the form, the second is the sign of a two's complement. */
function parseBase256(field: Buffer): bigint {
  const bits = BigInt(field.length * 8 - 1);
  const value = BigInt(`0x${field.toString('hex')}`) & ((1n << bits) - 1n);
  return BigInt.asIntN(Number(bits), value);
}

/** The sum of all bytes, those of the checksum itself as blanks; old tars added signed bytes. */
function hasChecksum(block: Buffer): boolean {
  const stored = parseNumber(block, CHECKSUM, 8);
  if (stored === null || stored === 0n) return false;
  let unsigned = 0;
  let high = 0;
  for (let at = 0; at < BLOCK; at += 1) {
    const byte = at >= CHECKSUM && at < CHECKSUM + 8 ? 0x20 : block[at]!;
    unsigned += byte;
    if (byte >= 0x80) high += 1;
  }
  const sum = Number(stored);
  return sum === unsigned || sum === unsigned - 256 * high;
}

function formatOf(block: Buffer): TarHeader['format'] {
  if (block.toString('latin1', MAGIC, MAGIC + 5) !== 'ustar') return 'v7';
  return block[MAGIC + 5] === 0x20 ? 'gnu' : 'ustar';
}

function nameOf(block: Buffer, format: TarHeader['format']): Buffer {
  const name = textOf(block, 0, 100);
  if (format !== 'ustar' || block[345] === 0) return name;
  // star keeps times behind a shorter prefix.
  const prefix = textOf(block, 345, isStar(block) ? 131 : 155);
  return Buffer.concat([prefix, Buffer.from('/'), name]);
}

function isStar(block: Buffer): boolean {
  return block.toString('latin1', 508, 512) === 'tar\0';
}

function textOf(block: Buffer, offset: number, length: number): Buffer {
  if (block[offset] === 0) return EMPTY;
  const end = block.indexOf(0, offset);
  // A copy: the block is the caller's and is used again.
  return Buffer.from(block.subarray(offset, end < 0 ? offset + length : Math.min(end, offset + length)));
}

/** What lies beyond 32 bits is beyond them still. */
function idOf(value: bigint | null | undefined): number {
  return numberOf(value != null && value < 0n ? BigInt.asUintN(IDS, value) : value);
}

/** Modes, owners and devices; what is no such number counts as 0. */
function numberOf(value: bigint | null | undefined): number {
  return value == null || value < 0n || value > Number.MAX_SAFE_INTEGER ? 0 : Number(value);
}

function unreadableOf(fields: Readonly<Record<string, bigint | null | undefined>>): readonly string[] {
  const { mode, uid, gid, mtime } = fields;
  if (mode != null && uid != null && gid != null && mtime != null) return NOTHING;
  return [
    ...(mode == null ? ['mode'] : []),
    ...(uid == null || gid == null ? ['owner'] : []),
    ...(mtime == null ? ['time'] : []),
  ];
}

/** Ends at the first entry that is blank. */
function sparseEntries(block: Buffer, offset: number, count: number): number[] | null {
  const extents: number[] = [];
  for (let at = offset; at < offset + count * SPARSE_ENTRY; at += SPARSE_ENTRY) {
    if (block[at + 12] === 0) break;
    const start = parseNumber(block, at, 12);
    const length = parseNumber(block, at + 12, 12);
    if (start === null || length === null) return null;
    extents.push(Number(start), Number(length));
  }
  return extents;
}

/** Data fill whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
