/** What a file outside of the archive has. */
import { createReadStream } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import type { Hash } from '../events/types.js';
import { createHasher, hashToHex } from '../fs/hash.js';
import { describeFsError } from '../fs/errors.js';
import { openRegular } from '../fs/open-regular.js';

const CHUNK = 1 << 20;

/**
 * The content of a file of the real filesystem; the hash is null for an empty one.
 * @throws HkfsError SOURCE_MISSING, NOT_A_FILE, NO_PERMISSION
 */
export async function hashOutsideFile(path: string): Promise<{ hash: Hash | null; size: number }> {
  const fd = openFile(path);
  const hasher = createHasher();
  let size = 0;
  try {
    for await (const bytes of createReadStream('', { fd, highWaterMark: CHUNK })) {
      hasher.update(bytes as Buffer);
      size += (bytes as Buffer).length;
    }
  } catch (error) {
    throw describeFsError(error, path);
  }
  return { hash: size === 0 ? null : hashToHex(hasher.digest()), size };
}

function openFile(path: string): number {
  try {
    return openRegular(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT')
      throw new HkfsError('SOURCE_MISSING', `no such file: ${path}`, { hint: 'check the path' });
    throw describeFsError(error, path);
  }
}
