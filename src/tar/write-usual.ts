/**
 * The heads of most files, straight into memory: a name and a time that fit, and an owner like that of the
 * file before. Byte for byte what encodeMember makes for pax, at a tenth of its cost.
 */
import { BLOCK, CHECKSUM, MAX_SIZE, MTIME, NAME_BYTES, SIZE, sumOf, writeSum } from './write-block.js';
import { encodeMember, type Member } from './write-member.js';
import { PAX_FOLDER, paxRecord } from './write-pax.js';

const NANOSECONDS = 1_000_000_000n;
const SPACE = 0x20;
const LAST_PRINTABLE = 0x7e;
const SLASH = 0x2f;
const ZERO = 0x30;

/** What tells one file's head from the next one's. */
export interface UsualFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** The most that a head takes: a header and a block of records before the file's own header. */
export const USUAL_HEAD_BYTES = 3 * BLOCK;

export class UsualHeads {
  /** The three blocks with nothing in the fields that change, and the sums of two of them. */
  private readonly template: Buffer;
  private readonly paxSum: number;
  private readonly fileSum: number;

  private constructor(template: Buffer) {
    this.template = template;
    this.paxSum = sumOf(template, 0);
    this.fileSum = sumOf(template, 2 * BLOCK);
  }

  /** Heads of files with the owner and mode of this one; null where these need more than a header. */
  static of(member: Member): UsualHeads | null {
    if (member.kind !== 'file' || member.ranges !== null) return null;
    const encoded = encodeMember({ ...member, path: 'x', size: 0, mtimeNs: 1n }, 'pax');
    if ('refused' in encoded || encoded.head.length !== USUAL_HEAD_BYTES) return null;
    const plain = encodeMember({ ...member, path: 'x', size: 0, mtimeNs: 0n }, 'pax');
    if ('refused' in plain || plain.head.length !== BLOCK) return null;
    const template = encoded.head;
    template.fill(0, BLOCK, 2 * BLOCK);
    for (const at of [0, 2 * BLOCK]) {
      template.fill(0, at, at + NAME_BYTES);
      for (const field of [SIZE, MTIME]) template.fill(0, at + field.at, at + field.at + field.width);
      template.fill(SPACE, at + CHECKSUM.at, at + CHECKSUM.at + CHECKSUM.width);
    }
    return new UsualHeads(template);
  }

  /** @returns the bytes that were written; 0 where the file is not as most are, and nothing counts */
  write(target: Buffer, at: number, { path, size, mtimeNs }: UsualFile): number {
    const seconds = Number(mtimeNs / NANOSECONDS);
    if (mtimeNs < 0n || seconds > MAX_SIZE || size > MAX_SIZE || !isPlainName(path)) return 0;
    const rest = Number(mtimeNs % NANOSECONDS);
    const before = rest === 0 ? 0 : this.writePax(target, at, { path, seconds, rest });
    const start = at + before;
    target.set(this.template.subarray(2 * BLOCK), start);
    const sum =
      this.fileSum +
      writeText(target, start, path) +
      writeOctal(target, start + SIZE.at, size) +
      writeOctal(target, start + MTIME.at, seconds);
    writeSum(target, start, sum);
    return before + BLOCK;
  }

  private writePax(
    target: Buffer,
    at: number,
    { path, seconds, rest }: { path: string; seconds: number; rest: number },
  ): number {
    const record = paxRecord('mtime', `${seconds}.${fraction(rest)}`);
    target.set(this.template.subarray(0, 2 * BLOCK), at);
    const nameAt = path.lastIndexOf('/') + 1;
    const name = path.slice(nameAt, nameAt + NAME_BYTES - PAX_FOLDER.length);
    const sum =
      this.paxSum +
      writeText(target, at, PAX_FOLDER) +
      writeText(target, at + PAX_FOLDER.length, name) +
      writeOctal(target, at + SIZE.at, record.length) +
      writeOctal(target, at + MTIME.at, seconds);
    writeSum(target, at, sum);
    writeText(target, at + BLOCK, record);
    return 2 * BLOCK;
  }
}

/** Nine digits without the zeros at their end. */
function fraction(nanoseconds: number): string {
  let digits = 9;
  let value = nanoseconds;
  for (; value % 10 === 0; digits -= 1) value /= 10;
  return String(value).padStart(digits, '0');
}

/** Printable ASCII that fits, and is a file's: what needs neither a record nor a stand-in. */
function isPlainName(path: string): boolean {
  const { length } = path;
  if (length === 0 || length > NAME_BYTES || path.charCodeAt(length - 1) === SLASH) return false;
  for (let at = 0; at < length; at += 1) {
    const code = path.charCodeAt(at);
    if (code < SPACE || code > LAST_PRINTABLE) return false;
  }
  return true;
}

/** ASCII; @returns the sum of its bytes */
function writeText(target: Buffer, at: number, text: string): number {
  let sum = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    target[at + index] = code;
    sum += code;
  }
  return sum;
}

/** Eleven digits; the NUL after them is the template's. @returns their sum */
function writeOctal(target: Buffer, at: number, value: number): number {
  let rest = value;
  let sum = 0;
  for (let index = at + 10; index >= at; index -= 1) {
    const digit = ZERO + (rest % 8);
    rest = Math.floor(rest / 8);
    target[index] = digit;
    sum += digit;
  }
  return sum;
}
