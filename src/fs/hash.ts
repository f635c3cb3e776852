import { Blake3Hasher, blake3 } from '@napi-rs/blake-hash';

import { asBuffer } from '../events/bytes.js';
import type { Hash } from '../events/types.js';

/** A BLAKE3-256 of bytes that come in pieces. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The 32 bytes of all that was updated so far. */
  digest(): Buffer;
}

const HASH_TEXT = /^[0-9a-f]{64}$/;

/** BLAKE3-256: 32 bytes. */
export function hashBytes(bytes: Uint8Array): Buffer {
  return blake3(asBuffer(bytes));
}

/** Begins a BLAKE3-256. */
export function createHasher(): Hasher {
  const hasher = new Blake3Hasher();
  return {
    update: (bytes) => void hasher.update(asBuffer(bytes)),
    digest: () => hasher.digestBuffer(),
  };
}

/** 64 lower-case hexadecimal digits. */
export function hashToHex(hash: Uint8Array): Hash {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex');
}

/** The 32 bytes. Throws a RangeError for anything but 64 lower-case hexadecimal digits. */
export function hexToHash(hex: Hash): Buffer {
  if (!HASH_TEXT.test(hex)) throw new RangeError(`not a hash: ${JSON.stringify(hex)}`);
  return Buffer.from(hex, 'hex');
}
