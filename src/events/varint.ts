/** LevelDB's numbers: seven bits a byte, the lowest first. @throws RangeError where there is none */
export function readVarint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  let factor = 1;
  for (let next = at; next < Math.min(at + 8, bytes.length); next += 1) {
    const byte = bytes[next]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: next + 1 };
    factor *= 128;
  }
  throw new RangeError('no number');
}
