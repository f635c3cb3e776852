/** CRC-32C (Castagnoli), four bytes at a time, and as LevelDB stores it. */

const TABLES = Array.from({ length: 4 }, () => new Int32Array(256));
for (let byte = 0; byte < 256; byte += 1) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  TABLES[0]![byte] = crc;
}
for (let at = 1; at < 4; at += 1)
  for (let byte = 0; byte < 256; byte += 1) {
    const before = TABLES[at - 1]![byte]!;
    TABLES[at]![byte] = (before >>> 8) ^ TABLES[0]![before & 0xff]!;
  }
const [T0, T1, T2, T3] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array];

export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = T3[crc & 0xff]! ^ T2[(crc >>> 8) & 0xff]! ^ T1[(crc >>> 16) & 0xff]! ^ T0[crc >>> 24]!;
  }
  for (; at < to; at += 1) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/** LevelDB never stores the CRC of bytes that have CRCs in them as it is. */
export function isMaskedCrc(stored: number, crc: number): boolean {
  return stored === (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
