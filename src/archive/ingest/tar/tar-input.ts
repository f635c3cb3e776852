/** The bytes of a tar, from a file or a stream: read once, hashed and counted on the way. */
import { close, constants, fstat, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import type { Hash } from '../../../events/types.js';
import { inSource } from '../../../fs/contents.js';
import { createHasher, hashToHex } from '../../../fs/hash.js';
import { sameContentStat } from '../../../fs/stats.js';
import { decompress, type Bytes } from '../../../tar/decompress.js';
import { compressionOf, HEAD_BYTES, looksLike, type Compression } from '../../../tar/recognise.js';

const CHUNK = 1 << 20;
/** What tells a tar, and its compression, is in these first bytes. */
const PROBE = 64 << 10;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const readFile = promisify(read);
const statFile = promisify(fstat);
const closeFile = promisify(close);

/** One pass over the bytes as they are stored. */
export class TarInput {
  private readonly chunks: AsyncIterator<Buffer>;
  private readonly hasher = createHasher();
  private held: Buffer[] = [];
  private isOver = false;
  /** Bytes that were read so far. */
  size = 0;

  private constructor(chunks: AsyncIterator<Buffer>) {
    this.chunks = chunks;
  }

  static ofFile(path: string, chunk = CHUNK): TarInput {
    return new TarInput(fileChunks(path, chunk));
  }

  static ofStream(stream: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): TarInput {
    return new TarInput(streamChunks(stream, signal));
  }

  /** The first bytes; they are read again by whoever comes next. */
  async head(): Promise<Buffer> {
    while (!this.isOver && totalOf(this.held) < HEAD_BYTES) {
      const chunk = await this.pull();
      if (chunk !== null) this.held.push(chunk);
    }
    return Buffer.concat(this.held).subarray(0, PROBE);
  }

  /** The tar itself. A reader that stops early leaves the rest to `drain`. */
  unpacked(compression: Compression | null): Bytes {
    const source: Bytes = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const value = this.held.shift() ?? (await this.pull());
          return value === null ? { done: true, value: undefined } : { done: false, value };
        },
      }),
    };
    return compression === null ? source : decompress(source, compression);
  }

  /** Reads what nobody wanted, so that size and hash are those of the whole. */
  async drain(): Promise<void> {
    this.held = [];
    while ((await this.pull()) !== null);
  }

  hash(): Hash {
    return hashToHex(this.hasher.digest());
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private async pull(): Promise<Buffer | null> {
    if (this.isOver) return null;
    const next = await this.chunks.next();
    if (next.done === true) {
      this.isOver = true;
      return null;
    }
    this.hasher.update(next.value);
    this.size += next.value.length;
    return next.value;
  }
}

export interface OpenedTar {
  readonly is: 'tar' | 'empty' | 'other';
  readonly compression: Compression | null;
  /** Raw bytes at the beginning. */
  readonly head: Buffer;
  /** The unpacked bytes, from the first on. */
  readonly bytes: Bytes;
  /** Ends what unpacks them, however far that has come. */
  readonly close: () => Promise<void>;
}

/**
 * Looks into an input as far as it takes to tell what it is.
 * @throws MissingProgramError, and DecompressionError where not even the beginning can be unpacked
 */
export async function openTar(input: TarInput): Promise<OpenedTar> {
  const head = await input.head();
  const bare = looksLike(head);
  const compression = bare === 'other' ? compressionOf(head) : null;
  const unpacked = input.unpacked(compression)[Symbol.asyncIterator]();
  const first = await firstChunks(unpacked);
  const close = async (): Promise<void> => void (await unpacked.return?.());
  return { is: looksLike(Buffer.concat(first)), compression, head, bytes: again(first, unpacked), close };
}

async function firstChunks(chunks: AsyncIterator<Buffer>): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  while (totalOf(parts) < HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    parts.push(next.value);
  }
  return parts;
}

async function* again(first: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** @throws ESTALE when the file was changed meanwhile, after its last chunk */
async function* fileChunks(path: string, chunk: number): AsyncGenerator<Buffer> {
  const fd = inSource(path, (source) => openSync(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  try {
    const before = await statFile(fd, { bigint: true });
    for (;;) {
      const { bytesRead, buffer } = await readFile(fd, Buffer.allocUnsafeSlow(chunk), 0, chunk, null);
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
    }
    if (!sameContentStat(before, await statFile(fd, { bigint: true })))
      throw Object.assign(new Error('it changed while it was read'), { code: 'ESTALE' });
  } finally {
    await closeFile(fd);
  }
}

/** After a stop nobody waits for a stream that may say nothing for hours. */
async function* streamChunks(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const iterator = stream[Symbol.asyncIterator]();
  const stopped = new Promise<null>((resolve) => {
    if (signal?.aborted) resolve(null);
    signal?.addEventListener('abort', () => resolve(null), { once: true });
  });
  for (;;) {
    const next = await Promise.race([iterator.next(), stopped]);
    if (next === null || next.done === true) return;
    const { buffer, byteOffset, byteLength } = next.value;
    if (byteLength > 0) yield Buffer.from(buffer, byteOffset, byteLength);
  }
}

function totalOf(parts: readonly Buffer[]): number {
  return parts.reduce((total, part) => total + part.length, 0);
}
