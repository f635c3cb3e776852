/** Reads what LevelDB and Snappy write, and never beyond the end: bytes of damaged files say anything. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** @throws RangeError at the end, or beyond 2^53 */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 128) {
      const byte = this.take(1)[0]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number that is too large');
  }

  /** @throws RangeError where fewer bytes are left */
  take(length: number): Buffer {
    if (length > this.left) throw new RangeError('bytes end early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
