/** zstd by Node itself, where it has it: for a machine without the program. */
import * as zlib from 'node:zlib';
import { DecompressionError } from './decompression-error.js';
import type { Bytes } from './decompress.js';
import { Inflater, OUTPUT, PIECE, type Unpacking } from './inflater.js';

/** From Node 22.15 on. */
export function nodeZstd(): Unpacking | null {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  return typeof create === 'function' ? (create({ chunkSize: OUTPUT }) as Unpacking) : null;
}

export async function* inflated(source: Bytes, stream: Unpacking): AsyncGenerator<Buffer> {
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
