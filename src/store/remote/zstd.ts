/**
 * Zstandard on every Node: its own where it has it (from 22.15 on), else the system's libzstd, else
 * WebAssembly. All make and take the same format; what they make may differ in length.
 */
import * as zlib from 'node:zlib';
import { hasFramesOf } from './zstd-frames.js';

export interface Zstd {
  readonly kind: 'node' | 'library' | 'wasm';
  readonly compress: (bytes: Buffer) => Promise<Buffer>;
  /** One or more frames. @throws where they are damaged, or make more than `size` bytes */
  readonly decompress: (bytes: Buffer, size: number) => Promise<Uint8Array>;
}

let chosen: Promise<Zstd> | undefined;

export function zstd(): Promise<Zstd> {
  return (chosen ??= choose());
}

/** The `size` bytes that were packed; null where the bytes are no zstd, or of another content. */
export async function decompress(packed: Buffer, size: number): Promise<Buffer | null> {
  if (!hasFramesOf(packed, size)) return null;
  const { decompress: unpack } = await zstd();
  try {
    const bytes = await unpack(packed, size);
    return bytes.length === size ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : null;
  } catch {
    // Each of the three has words of its own for what is wrong with the bytes.
    return null;
  }
}

async function choose(): Promise<Zstd> {
  const own = nodeZstd();
  if (own !== null) return own;
  const { libraryZstd } = await import('./zstd-library.js');
  const library = libraryZstd();
  if (library !== null) return library;
  const { wasmZstd } = await import('./zstd-wasm.js');
  return wasmZstd();
}

type Call = (
  bytes: Buffer,
  options: zlib.ZlibOptions,
  done: (error: Error | null, result: Buffer) => void,
) => void;

export function nodeZstd(): Zstd | null {
  const compress: unknown = Reflect.get(zlib, 'zstdCompress');
  const unpack: unknown = Reflect.get(zlib, 'zstdDecompress');
  if (typeof compress !== 'function' || typeof unpack !== 'function') return null;
  return {
    kind: 'node',
    compress: (bytes) => called(compress as Call, bytes, {}),
    decompress: (bytes, size) => called(unpack as Call, bytes, { maxOutputLength: Math.max(1, size) }),
  };
}

function called(call: Call, bytes: Buffer, options: zlib.ZlibOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    call(bytes, options, (error, result) => (error ? reject(error) : resolve(result)));
  });
}
