/**
 * LevelDB's write-ahead log and MANIFEST: records in blocks of 32 KiB, each piece with its checksum. Of a
 * write-ahead log LevelDB silently drops what is damaged and goes on behind it.
 */
import { crc32c, isMaskedCrc } from './crc32c.js';

const BLOCK = 32_768;
const HEAD = 7;
const [FULL, FIRST, LAST] = [1, 2, 4];

export interface Journal {
  readonly records: readonly Buffer[];
  /** The byte of a damaged piece that is not the end, as a write leaves it that the power cut. */
  readonly damagedAt: number | null;
}

export function readJournal(bytes: Buffer): Journal {
  const records: Buffer[] = [];
  let pieces: Buffer[] = [];
  for (let at = 0; at + HEAD <= bytes.length;) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEAD) {
      at += room;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    const kind = bytes[at + 6]!;
    const end = at + HEAD + length;
    if (!isPiece(bytes, at, end)) return { records, damagedAt: isTorn(bytes, at) ? null : at };
    if (kind === FULL || kind === FIRST) pieces = [];
    pieces.push(bytes.subarray(at + HEAD, end));
    if (kind === FULL || kind === LAST) records.push(Buffer.concat(pieces));
    at = end;
  }
  return { records, damagedAt: null };
}

function isPiece(bytes: Buffer, at: number, end: number): boolean {
  if (end > bytes.length || end - at > BLOCK - (at % BLOCK)) return false;
  return isMaskedCrc(bytes.readUInt32LE(at), crc32c(bytes, at + 6, end));
}

/** Nothing that was written later follows: no good piece in this block, at the length of any, or in the next. */
function isTorn(bytes: Buffer, at: number): boolean {
  const blockEnd = Math.min(bytes.length, at - (at % BLOCK) + BLOCK);
  for (let next = at + 1; next + HEAD <= blockEnd; next += 1) {
    const length = bytes.readUInt16LE(next + 4);
    const kind = bytes[next + 6]!;
    if (kind >= FULL && kind <= LAST && length > 0 && isPiece(bytes, next, next + HEAD + length))
      return false;
  }
  for (let block = blockEnd; block + HEAD <= bytes.length; block += BLOCK)
    if (isPiece(bytes, block, block + HEAD + bytes.readUInt16LE(block + 4)) && bytes[block + 6] !== 0)
      return false;
  return true;
}
