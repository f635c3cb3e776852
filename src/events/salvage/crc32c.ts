/**
 * CRC-32C, as LevelDB keeps it of blocks and records. The sum of two checksums tells where a single bit
 * flipped, so that the commonest rot is mended from the file alone.
 */

const POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/** The first length from which on a masked checksum follows the bytes (a trailer of one byte included). */
export function lengthByChecksum(bytes: Buffer, from: number, to: number): number | null {
  let crc = -1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at]!;
    crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
    if (byte <= 1 && at > from && unmasked(bytes.readUInt32LE(at + 1)) === ~crc >>> 0) return at - from;
  }
  return null;
}

/** LevelDB turns and shifts checksums, because one of bytes that hold their own says nothing. */
export function unmasked(stored: number): number {
  const turned = (stored - MASK_DELTA) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

export type Checked = 'good' | 'mended' | 'damaged';

/**
 * Compares bytes with a stored (masked) checksum. One flipped bit, there or here, is put right in place: two
 * and more that look like one are one of about 100,000 for a block, and what is read is proved again by the
 * fingerprints of commits.
 */
export function checkOrMend(bytes: Buffer, stored: number): Checked {
  const actual = crc32c(bytes);
  const syndrome = (actual ^ unmasked(stored)) >>> 0;
  if (syndrome === 0) return 'good';
  for (let bit = 0; bit < 32; bit += 1) if (unmasked((stored ^ (1 << bit)) >>> 0) === actual) return 'mended';
  return flipBack(bytes, syndrome) ? 'mended' : 'damaged';
}

/** What a flipped bit adds to the checksum depends only on how many bytes come after it. */
function flipBack(bytes: Buffer, syndrome: number): boolean {
  const added = Uint32Array.from({ length: 8 }, (_, bit) => TABLE[1 << bit]!);
  for (let at = bytes.length - 1; at >= 0; at -= 1)
    for (let bit = 0; bit < 8; bit += 1) {
      const crc = added[bit]!;
      if (crc === syndrome) {
        bytes[at]! ^= 1 << bit;
        return true;
      }
      added[bit] = (crc >>> 8) ^ TABLE[crc & 0xff]!;
    }
  return false;
}
