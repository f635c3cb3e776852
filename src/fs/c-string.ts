import { constants } from 'node:os';

import { nameToBytes, type FsPath } from './names.js';
import { posixError, type FailedCall } from './posix-error.js';

const { errno } = constants;

/**
 * A NUL-terminated string for C, in one buffer that is used again by the next call: making one per
 * call would cost more than the call.
 */
export class CString {
  readonly #bytes: Buffer;
  readonly #tooLong: number;

  /** `capacity` in bytes without the NUL; `tooLong` is the error number of anything longer. */
  constructor(capacity: number, tooLong: number) {
    this.#bytes = Buffer.alloc(capacity + 1);
    this.#tooLong = tooLong;
  }

  /** The bytes of `value` and a NUL, valid until the next `set`. Throws like the failed call. */
  set(value: FsPath, call: FailedCall): Buffer {
    if (value.includes('\0')) throw posixError(errno.EINVAL, call);
    const length = this.#fill(value);
    // A string that fills the whole buffer may have been cut.
    if (length >= this.#bytes.length) throw posixError(this.#tooLong, call);
    this.#bytes[length] = 0;
    return this.#bytes;
  }

  #fill(value: FsPath): number {
    if (typeof value !== 'string') return this.#copy(value);
    if (!value.isWellFormed()) return this.#copy(nameToBytes(value));
    // Only whole characters are written, so a cut may end up to three bytes before the end.
    const fits = value.length * 3 < this.#bytes.length || Buffer.byteLength(value) < this.#bytes.length;
    return fits ? this.#bytes.write(value, 0, 'utf8') : this.#bytes.length;
  }

  #copy(bytes: Uint8Array): number {
    if (bytes.length < this.#bytes.length) this.#bytes.set(bytes);
    return bytes.length;
  }
}
