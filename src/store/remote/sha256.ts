import { createHash } from 'node:crypto';

/** Of requests and of the sections of a bundle; hkfs's own hashes are BLAKE3. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
