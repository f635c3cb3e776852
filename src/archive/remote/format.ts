/** `hkfs-remote.json`: that a place is a remote, and of which format. Made once, by whoever comes first. */
import { HkfsError } from '../../errors.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import { MAX_SMALL_FILE } from '../../store/remote/bounds.js';
import { FORMAT_NAME } from './names.js';

/** Raised when older programs must not read or write a remote. */
export const REMOTE_FORMAT = 1;

/** The whole file. */
export const FORMAT_TEXT = `${JSON.stringify({ remote: 'hkfs', format: REMOTE_FORMAT, hash: 'blake3-256' })}\n`;

/**
 * @returns whether this is a remote at all
 * @throws HkfsError REMOTE_NEWER, REMOTE_DAMAGED
 */
export async function isRemote(store: BlobStore): Promise<boolean> {
  const bytes = await store.read(FORMAT_NAME, { max: MAX_SMALL_FILE });
  if (bytes === undefined) return false;
  const format = parseFormat(bytes);
  if (format === null)
    throw new HkfsError('REMOTE_DAMAGED', `${FORMAT_NAME} of ${store.url} is not what hkfs wrote`, {
      hint: `the file says ${FORMAT_TEXT.trim()}: put that back`,
    });
  if (format > REMOTE_FORMAT)
    throw new HkfsError(
      'REMOTE_NEWER',
      `${store.url} has format ${format}; this hkfs knows ${REMOTE_FORMAT}`,
      { hint: 'use a newer hkfs for this remote' },
    );
  return true;
}

/** Makes a remote of a place that is none yet. */
export async function ensureRemote(store: BlobStore): Promise<void> {
  if (await isRemote(store)) return;
  await store.create(FORMAT_NAME, Buffer.from(FORMAT_TEXT));
  await isRemote(store); // another may have been first, with another format
}

function parseFormat(bytes: Buffer): number | null {
  try {
    const { remote, format } = JSON.parse(bytes.toString()) as { remote?: unknown; format?: unknown };
    return remote === 'hkfs' && typeof format === 'number' && Number.isSafeInteger(format) && format > 0
      ? format
      : null;
  } catch {
    return null;
  }
}
