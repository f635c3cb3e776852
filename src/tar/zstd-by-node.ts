/** zstd by Node itself, where it has it: for a machine without the program. */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { DecompressionError } from './decompression-error.js';
import type { Bytes } from './decompress.js';

/** A piece unpacks to a thousand times its size at most: so 16 MiB are held at once. */
const PIECE = 16 << 10;
const OUTPUT = 256 << 10;

/** From Node 22.15 on. */
export function nodeZstd(): Transform | null {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  return typeof create === 'function' ? (create({ chunkSize: OUTPUT }) as Transform) : null;
}

export async function* inflated(source: Bytes, stream: Transform): AsyncGenerator<Buffer> {
  const inflater = new Inflater(stream);
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length && !inflater.isOver; at += PIECE) {
        await inflater.write(chunk.subarray(at, at + PIECE));
        yield* inflater.take();
      }
      if (inflater.isOver) break;
    }
    await inflater.end();
    yield* inflater.take();
  } finally {
    inflater.close();
  }
  if (inflater.failure !== undefined) throw new DecompressionError('zstd', inflater.failure.message);
}

/** One piece in, all that it unpacks to out. */
class Inflater {
  private readonly stream: Transform;
  private ready: Buffer[] = [];
  private wake = (): void => {};
  failure: Error | undefined;
  /** It failed, or has all that it wants. */
  isOver = false;

  constructor(stream: Transform) {
    this.stream = stream;
    const over = (): void => {
      this.isOver = true;
      this.wake();
    };
    this.stream.on('data', (bytes: Buffer) => this.ready.push(bytes));
    this.stream.on('error', (error) => {
      this.failure ??= error;
      over();
    });
    // A stream that ended or failed does not always call back.
    this.stream.on('end', over);
    this.stream.on('close', over);
  }

  write(piece: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      this.stream.write(piece, () => resolve());
    });
  }

  /** The source has no more. */
  end(): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
      this.stream.end();
    });
  }

  take(): Buffer[] {
    return this.ready.splice(0);
  }

  close(): void {
    this.stream.destroy();
  }
}
