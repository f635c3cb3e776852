/** What a file outside of the archive has. */
import { createReadStream, fstatSync, closeSync, openSync } from 'node:fs';
import { HkfsError } from '../errors.js';
import type { Hash } from '../events/types.js';
import { createHasher, hashToHex } from '../fs/hash.js';
import { describeFsError } from '../fs/errors.js';
import { toFsPath } from '../fs/names.js';

const CHUNK = 1 << 20;

/**
 * The content of a file of the real filesystem; the hash is null for an empty one.
 * @throws HkfsError SOURCE_MISSING, NOT_A_FILE, NO_PERMISSION
 */
export async function hashOutsideFile(path: string): Promise<{ hash: Hash | null; size: number }> {
  const fd = openFile(path);
  const hasher = createHasher();
  let size = 0;
  for await (const bytes of createReadStream('', { fd, highWaterMark: CHUNK })) {
    hasher.update(bytes as Buffer);
    size += (bytes as Buffer).length;
  }
  return { hash: size === 0 ? null : hashToHex(hasher.digest()), size };
}

function openFile(path: string): number {
  let fd: number;
  try {
    fd = openSync(toFsPath(path), 'r');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT')
      throw new HkfsError('SOURCE_MISSING', `no such file: ${path}`, { hint: 'check the path' });
    throw describeFsError(error, path);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new HkfsError('NOT_A_FILE', `${path} is not a file`, { hint: 'name a file' });
}
