/** The system's libzstd. */
import type * as Koffi from 'koffi';
import { requireKoffi } from '../../fs/libc.js';
import type { Zstd } from './zstd.js';

const NAME = 'libzstd.so.1';
const LEVEL = 3;

/** Null where there is no such library, or no koffi. */
export function libraryZstd(): Zstd | null {
  const koffi = requireKoffi();
  const library = koffi && open(koffi);
  if (!library) return null;
  const bound = library.func('size_t ZSTD_compressBound(size_t size)') as (size: number) => number;
  const pack = library.func(
    'size_t ZSTD_compress(void *to, size_t room, const void *from, size_t size, int level)',
  );
  const unpack = library.func('size_t ZSTD_decompress(void *to, size_t room, const void *from, size_t size)');
  const taken = (into: Buffer, length: number): Buffer => {
    // Errors are the numbers just below 2^64, which a number of JavaScript does not tell apart.
    if (length > into.length) throw new Error('libzstd refuses the bytes');
    return into.subarray(0, length);
  };
  return {
    kind: 'library',
    async compress(bytes) {
      const into = Buffer.allocUnsafe(bound(bytes.length));
      return taken(into, await onThread(pack, [into, into.length, bytes, bytes.length, LEVEL]));
    },
    async decompress(bytes, size) {
      // A pointer to no bytes at all is none.
      const into = Buffer.allocUnsafe(Math.max(1, size));
      return taken(into, await onThread(unpack, [into, size, bytes, bytes.length])).subarray(0, size);
    },
  };
}

/** With its own functions behind its own names: a Node that has a zstd would give it its own instead. */
function open(koffi: typeof Koffi): Koffi.LibraryHandle | null {
  try {
    return koffi.load(NAME, { deep: true });
  } catch {
    return null;
  }
}

/** Beside the event loop. The buffers are held by the call. */
function onThread(
  call: Koffi.KoffiFunc<(...args: unknown[]) => number | bigint>,
  args: readonly unknown[],
): Promise<number> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: number | bigint) =>
      error ? reject(error) : resolve(Number(result)),
    );
  });
}
