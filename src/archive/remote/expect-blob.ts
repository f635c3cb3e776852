/** A blob whose bytes are known here: whether a remote has it as it should be, without reading more than that. */
import { isHkfsError } from '../../errors.js';
import type { BlobStore } from '../../store/remote/blob-store.js';

/** `other`: also where something that is no file has the name. */
export async function expectBlob(
  store: BlobStore,
  name: string,
  expected: Uint8Array,
): Promise<'same' | 'other' | 'missing'> {
  try {
    const bytes = await store.read(name, { max: expected.length });
    if (bytes === undefined) return 'missing';
    return bytes.equals(expected) ? 'same' : 'other';
  } catch (error) {
    if (isHkfsError(error, 'REMOTE_DAMAGED')) return 'other';
    throw error;
  }
}
