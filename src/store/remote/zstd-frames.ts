/**
 * Where the frames of Zstandard (RFC 8878) begin and end, and what they say of their content: before anything
 * is unpacked, so that no backend reserves what a frame claims.
 */

export interface Frame {
  readonly start: number;
  readonly end: number;
  /** Bytes that it unpacks to; null where it does not say. */
  readonly content: number | null;
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const RLE = 1;
const RESERVED = 3;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_BYTES = [0, 2, 4, 8] as const;
const CHECKSUM_BYTES = 4;

/** Whether these are whole frames that may unpack to `size` bytes together. */
export function hasFramesOf(bytes: Buffer, size: number): boolean {
  const frames = framesOf(bytes);
  if (frames === null || frames.length === 0) return false;
  const told = frames.reduce((sum, { content }) => sum + (content ?? 0), 0);
  return frames.some(({ content }) => content === null) ? told <= size : told === size;
}

/** Frames with content, in order; null where the bytes do not consist of whole ones. */
export function framesOf(bytes: Buffer): Frame[] | null {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 8) return null;
    if ((bytes.readUInt32LE(at) & SKIPPABLE_MASK) >>> 0 === SKIPPABLE) {
      at += 8 + bytes.readUInt32LE(at + 4);
      if (at > bytes.length) return null;
      continue;
    }
    const frame = frameAt(bytes, at);
    if (frame === null) return null;
    frames.push(frame);
    at = frame.end;
  }
  return frames;
}

function frameAt(bytes: Buffer, start: number): Frame | null {
  if (bytes.readUInt32LE(start) !== MAGIC) return null;
  const descriptor = bytes[start + 4]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const code = descriptor >> 6;
  const contentBytes = code === 0 && isSingle ? 1 : CONTENT_BYTES[code]!;
  const contentAt = start + 5 + (isSingle ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]!;
  const blocks = contentAt + contentBytes;
  if (blocks > bytes.length) return null;
  const end = endOfBlocks(bytes, blocks, (descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
  return end === null ? null : { start, end, content: contentSize(bytes, contentAt, contentBytes) };
}

function contentSize(bytes: Buffer, at: number, length: number): number | null {
  if (length === 0) return null;
  if (length === 8) return Number(bytes.readBigUInt64LE(at));
  // Two bytes count from 256 on.
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}

function endOfBlocks(bytes: Buffer, first: number, checksumBytes: number): number | null {
  for (let at = first; at + 3 <= bytes.length;) {
    const header = bytes.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === RESERVED) return null;
    at += 3 + (type === RLE ? 1 : header >> 3);
    if (at > bytes.length) return null;
    if ((header & 1) === 1) return at + checksumBytes <= bytes.length ? at + checksumBytes : null;
  }
  return null;
}
