/** Bytes of contents, in the archive and outside of it. */
import { createReadStream, fstatSync, closeSync, openSync } from 'node:fs';
import { HkfsError } from '../errors.js';
import type { Hash } from '../events/types.js';
import { createHasher, hashToHex } from '../fs/hash.js';
import { describeFsError } from '../fs/errors.js';
import { toFsPath } from '../fs/names.js';
import type { ContentLocation } from './api.js';
import { sayCollected } from './queries/collected.js';

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

/**
 * A range of a content's bytes.
 * @param range offset and length in bytes; what lies beyond the end is left out
 * @throws HkfsError OBJECT_COLLECTED, or OBJECT_MISSING when the hash tree lacks it for no known reason
 */
export async function* readContent(
  location: ContentLocation,
  range: { offset?: number | undefined; length?: number | undefined } = {},
): AsyncGenerator<Uint8Array> {
  const { offset = 0, length = Infinity } = range;
  const end = Math.min(location.size, offset + length);
  if (offset >= end) return;
  const [path] = location.files;
  if (path === undefined && location.collected)
    throw new HkfsError('OBJECT_COLLECTED', sayCollected(location.hash ?? '', location.collected), {
      hint: 'if you still have a copy, ingest it again',
    });
  if (path === undefined)
    throw new HkfsError('OBJECT_MISSING', `the bytes of ${location.hash} are not in the hash tree`, {
      hint: 'run `hkfs verify` for all that is missing; ingest the file again if you still have it',
    });
  for await (const bytes of createReadStream(path, { start: offset, end: end - 1, highWaterMark: CHUNK }))
    yield bytes as Buffer;
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
