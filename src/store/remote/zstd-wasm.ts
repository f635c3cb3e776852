/** Zstandard as WebAssembly: slower, and there wherever Node is. */
import { framesOf } from './zstd-frames.js';
import type { Zstd } from './zstd.js';

export async function wasmZstd(): Promise<Zstd> {
  const { init, compress, decompress } = await import('@bokuweb/zstd-wasm');
  await init();
  return {
    kind: 'wasm',
    compress: async (bytes) => Buffer.from(compress(bytes)),
    /** It unpacks one frame at a time, into as much as that says that it needs. */
    async decompress(bytes, size) {
      const parts: Uint8Array[] = [];
      let left = size;
      for (const { start, end, content } of framesOf(bytes) ?? []) {
        if ((content ?? 0) > left) throw new RangeError('a frame has more than there is room for');
        const part = decompress(bytes.subarray(start, end), { defaultHeapSize: Math.max(1, left) });
        parts.push(part);
        left -= part.length;
      }
      return Buffer.concat(parts);
    },
  };
}
