/**
 * Members of gzip, one after the other. Node's own reader of several members loses what it had unpacked when
 * bytes follow that are no member, so members are told apart here, and only what is between their header and
 * their checksum goes to zlib.
 */
import { crc32, createInflateRaw } from 'node:zlib';
import { DecompressionError, TrailingJunkError } from './decompression-error.js';
import { Inflater, OUTPUT, PIECE } from './inflater.js';

const HEADER = 10;
const TRAILER = 8;
/** No member is shorter. */
const SHORTEST = HEADER + TRAILER;
const MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);
const FLAG = { headerChecksum: 2, extra: 4, name: 8, comment: 16, known: 0x1f } as const;
const MAX_TEXT = 1 << 20;
const SIZE_BITS = 0x1_0000_0000;

/** @throws DecompressionError after all that could be unpacked, and errors of the source as they are */
export async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = new Input(source);
  for (let isFirst = true; isFirst || (await isAnother(input)); isFirst = false) {
    await skipHeader(input);
    yield* member(input);
  }
}

/** The source, with as much of it at hand as is wanted. */
class Input {
  private readonly chunks: AsyncIterator<Buffer>;
  private isOver = false;
  at: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** @returns whether there are so many bytes */
  async has(length: number): Promise<boolean> {
    while (this.at.length < length && !this.isOver) {
      const next = await this.chunks.next();
      if (next.done === true) this.isOver = true;
      else this.at = this.at.length === 0 ? next.value : Buffer.concat([this.at, next.value]);
    }
    return this.at.length >= length;
  }

  consume(length: number): void {
    this.at = this.at.subarray(length);
  }
}

/** Zeros are padding, of tapes for example. @throws TrailingJunkError, DecompressionError */
async function isAnother(input: Input): Promise<boolean> {
  while (await input.has(1)) {
    const other = input.at.findIndex((byte) => byte !== 0);
    if (other < 0) {
      input.consume(input.at.length);
      continue;
    }
    input.consume(other);
    await input.has(SHORTEST);
    if (input.at.subarray(0, MAGIC.length).equals(MAGIC) && input.at.length >= SHORTEST) return true;
    throw await junk(input);
  }
  return false;
}

/** What is no member is read to its end: another member in it shows that one was there, and is damaged. */
async function junk(input: Input): Promise<DecompressionError> {
  let bytes = 0;
  let holdsMember = isNearly(input.at);
  while (await input.has(MAGIC.length)) {
    holdsMember ||= input.at.includes(MAGIC) && bytes + input.at.length >= SHORTEST;
    const read = input.at.length - (MAGIC.length - 1);
    bytes += read;
    input.consume(read);
  }
  bytes += input.at.length;
  if (holdsMember) return new DecompressionError('gzip', 'a member after the first is damaged');
  return new TrailingJunkError('gzip', bytes);
}

/** A header in which one bit is wrong. */
function isNearly(bytes: Buffer): boolean {
  if (bytes.length < SHORTEST) return false;
  let wrong = 0;
  for (const [at, byte] of MAGIC.entries())
    for (let bits = byte ^ bytes[at]!; bits !== 0; bits &= bits - 1) wrong += 1;
  return wrong <= 1;
}

async function skipHeader(input: Input): Promise<void> {
  const isHeader = (await input.has(HEADER)) && input.at.subarray(0, MAGIC.length).equals(MAGIC);
  const flags = isHeader ? input.at[3]! : FLAG.known + 1;
  if (flags > FLAG.known) throw new DecompressionError('gzip', 'incorrect header');
  input.consume(HEADER);
  if (flags & FLAG.extra) {
    await need(input, 2);
    const length = input.at.readUInt16LE(0);
    await need(input, 2 + length);
    input.consume(2 + length);
  }
  if (flags & FLAG.name) await skipText(input);
  if (flags & FLAG.comment) await skipText(input);
  if (flags & FLAG.headerChecksum) {
    await need(input, 2);
    input.consume(2);
  }
}

async function skipText(input: Input): Promise<void> {
  for (let from = 0; from < MAX_TEXT; from = input.at.length) {
    await need(input, from + 1);
    const end = input.at.indexOf(0, from);
    if (end < 0) continue;
    input.consume(end + 1);
    return;
  }
  throw new DecompressionError('gzip', 'incorrect header');
}

async function need(input: Input, length: number): Promise<void> {
  if (!(await input.has(length))) throw new DecompressionError('gzip', 'unexpected end of file');
}

async function* member(input: Input): AsyncGenerator<Buffer> {
  const inflater = new Inflater(createInflateRaw({ chunkSize: OUTPUT }));
  let sum = 0;
  let size = 0;
  try {
    while (!inflater.isOver) {
      const isMore = await input.has(1);
      if (isMore) input.consume(await inflater.write(input.at.subarray(0, PIECE)));
      else await inflater.end();
      for (const bytes of inflater.take()) {
        sum = crc32(bytes, sum);
        size += bytes.length;
        yield bytes;
      }
    }
  } finally {
    inflater.close();
  }
  if (inflater.failure !== undefined) throw new DecompressionError('gzip', inflater.failure.message);
  await need(input, TRAILER);
  const isRight = input.at.readUInt32LE(0) === sum && input.at.readUInt32LE(4) === size % SIZE_BITS;
  input.consume(TRAILER);
  if (!isRight) throw new DecompressionError('gzip', 'incorrect checksum: what was unpacked may be wrong');
}
