/** Zstandard, where this Node has it. */
import * as zlib from 'node:zlib';
import { promisify } from 'node:util';
import { HkfsError } from '../../errors.js';

type Codec = (bytes: Buffer) => Promise<Buffer>;

/** @throws HkfsError USAGE where this Node has no zstd */
export function compressor(): Codec {
  return codec('zstdCompress');
}

/** Null where the bytes are no zstd. */
export async function decompress(bytes: Buffer): Promise<Buffer | null> {
  const decode = codec('zstdDecompress');
  try {
    return await decode(bytes);
  } catch {
    return null;
  }
}

function codec(name: 'zstdCompress' | 'zstdDecompress'): Codec {
  const call = (zlib as unknown as Partial<Record<string, (...args: unknown[]) => void>>)[name];
  if (call === undefined)
    throw new HkfsError('USAGE', 'this Node has no zstd', { hint: 'use Node 22.15 or newer' });
  return promisify(call) as unknown as Codec;
}
