/**
 * The fields that indexing needs, read straight from an event's bytes: an archive of a million files is
 * folded from its log without making a million objects. Only the two commonest types in their common
 * form are read here, and only canonical CBOR (RFC 8949 section 4.2.1); whatever is not exactly that
 * is left to the codec, which reads everything or says what is wrong.
 */
import type { EventType } from './types.js';

const FILE = Buffer.from('\u0001\u006dfile.ingested', 'latin1');
const OBJECT = Buffer.from('\u0001\u006dobject.stored', 'latin1');
const FILE_FIELDS = 0x88;
const OBJECT_FIELDS = 0x86;
const NULL = 0xf6;
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const HASH_BYTES = 32;
const ATTRIBUTES = 6;
const SOURCE_FIELDS = 3;

/** The type in an event's bytes, without checking anything else; null where there is none. */
export function peekType(bytes: Uint8Array): EventType | null {
  const head = bytes[2];
  // Types have fewer than 24 characters, so that head and length share a byte.
  if (head === undefined || head >> 5 !== TEXT || (head & 31) > 23) return null;
  return Buffer.from(bytes.buffer, bytes.byteOffset + 3, head & 31).toString('latin1') as EventType;
}

/** Reads one event after the other; the fields hold until the next `read`. 64-bit fields are big-endian bytes. */
export class RawEvent {
  parent = 0;
  /** Raw bytes of the name. */
  name: Buffer = FILE;
  /** 32 bytes; null for an empty file. */
  hash: Buffer | null = null;
  size = 0;
  hasSource = false;
  /** mtime, ctime, device, inode: 8 bytes each, the times signed. */
  readonly numbers = Buffer.alloc(32);
  /** Where mode, owner and their names stand in the bytes: what many files have in common. */
  ownerAt = 0;
  ownerEnd = 0;
  private bytes: Buffer = FILE;
  private at = 0;
  private major = 0;
  private high = 0;
  private low = 0;

  /** @returns which of the two it is, or null where the codec has to read it */
  read(bytes: Buffer): 'file.ingested' | 'object.stored' | null {
    this.bytes = bytes;
    this.at = FILE.length + 1;
    if (bytes[0] === FILE_FIELDS && startsWith(bytes, FILE)) return this.file() ? 'file.ingested' : null;
    if (bytes[0] === OBJECT_FIELDS && startsWith(bytes, OBJECT))
      return this.object() ? 'object.stored' : null;
    return null;
  }

  private file(): boolean {
    if (!this.natural()) return false;
    this.parent = this.number();
    if (!this.byteString()) return false;
    this.name = this.slice();
    if (this.bytes[this.at] === NULL) {
      this.hash = null;
      this.at += 1;
    } else if (!this.hashField()) return false;
    if (!this.natural()) return false;
    this.size = this.number();
    return this.attributes() && this.source() && this.at === this.bytes.length;
  }

  private object(): boolean {
    if (!this.hashField() || !this.natural()) return false;
    this.size = this.number();
    return this.int64(16, false) && this.int64(24, false) && this.at === this.bytes.length;
  }

  /** Mode, owner and names are stepped over; rare attributes are the codec's. */
  private attributes(): boolean {
    if (!this.head(ARRAY) || this.low !== ATTRIBUTES) return false;
    this.ownerAt = this.at;
    for (let field = 0; field < 3; field += 1) if (!this.head(UNSIGNED)) return false;
    for (let field = 0; field < 2; field += 1) {
      if (this.bytes[this.at] === NULL) this.at += 1;
      else if (!this.head(TEXT)) return false;
      else this.at += this.low;
    }
    this.ownerEnd = this.at;
    return this.int64(0, true);
  }

  private source(): boolean {
    this.hasSource = this.bytes[this.at] !== NULL;
    if (!this.hasSource) {
      this.at += 1;
      return true;
    }
    if (!this.head(ARRAY) || this.low !== SOURCE_FIELDS) return false;
    return this.int64(16, false) && this.int64(24, false) && this.int64(8, true);
  }

  private hashField(): boolean {
    if (!this.byteString() || this.low !== HASH_BYTES) return false;
    this.hash = this.slice();
    return true;
  }

  private byteString(): boolean {
    return this.head(BYTES) && this.at + this.low <= this.bytes.length;
  }

  private slice(): Buffer {
    const slice = this.bytes.subarray(this.at, this.at + this.low);
    this.at += this.low;
    return slice;
  }

  /** Writes an integer as 8 bytes, a negative one as its two's complement. */
  private int64(offset: number, signed: boolean): boolean {
    if (!this.head(null) || (this.major !== UNSIGNED && !(signed && this.major === NEGATIVE))) return false;
    if (signed && this.high > 0x7fff_ffff) return false;
    // CBOR stores -1 - n, whose two's complement is the bitwise complement of n.
    const flip = this.major === NEGATIVE ? 0xffff_ffff : 0;
    this.numbers.writeUInt32BE((this.high ^ flip) >>> 0, offset);
    this.numbers.writeUInt32BE((this.low ^ flip) >>> 0, offset + 4);
    return true;
  }

  /** An unsigned integer below 2^53. */
  private natural(): boolean {
    return this.head(UNSIGNED) && this.high < 0x20_0000;
  }

  private number(): number {
    return this.high * 0x1_0000_0000 + this.low;
  }

  /** The next item's head; false where it is of another major type or not in its shortest form. */
  private head(major: number | null): boolean {
    const { bytes } = this;
    const first = bytes[this.at];
    if (first === undefined) return false;
    this.major = first >> 5;
    const info = first & 31;
    this.at += 1;
    this.high = 0;
    if (major !== null && this.major !== major) return false;
    if (info < 24) {
      this.low = info;
      return true;
    }
    return this.longHead(info);
  }

  private longHead(info: number): boolean {
    const { bytes, at } = this;
    const length = 1 << (info - 24);
    if (info > 27 || at + length > bytes.length) return false;
    this.at += length;
    if (info === 24) this.low = bytes[at]!;
    else if (info === 25) this.low = bytes.readUInt16BE(at);
    else if (info === 26) this.low = bytes.readUInt32BE(at);
    else {
      this.high = bytes.readUInt32BE(at);
      this.low = bytes.readUInt32BE(at + 4);
      return this.high > 0;
    }
    return this.low >= (info === 24 ? 24 : info === 25 ? 0x100 : 0x1_0000);
  }
}

function startsWith(bytes: Buffer, type: Buffer): boolean {
  return bytes.length > type.length && type.compare(bytes, 1, 1 + type.length) === 0;
}
