import { constants } from 'node:os';

import { errnoOf } from '../errors.js';
import type { Xattr } from '../events/types.js';
import { CString } from './c-string.js';
import type { Libc } from './libc.js';
import { compareNames, nameFromBytes, type FsPath } from './names.js';
import { posixError } from './posix-error.js';

const { errno } = constants;

/** Longest name of an attribute, and longest value or list, in bytes (linux/limits.h). */
const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65_536;
/** The kernel allocates (and for values clears) as much as it is offered, so offer little at first. */
const USUAL_SIZE = 1_024;

const NONE: readonly never[] = [];
/** The attribute went away after it was listed, or is listed and not served (overlayfs does that). */
const UNREADABLE = new Set(['ENODATA', 'ENOTSUP']);

/** The extended attributes of one path; a symlink at its end is followed only where that is asked for. */
export class XattrCalls {
  readonly #libc: Libc;
  readonly #path: CString;
  readonly #name = new CString(XATTR_NAME_MAX, errno.ERANGE);
  readonly #usual = new Uint8Array(USUAL_SIZE);
  #largest: Uint8Array | undefined;

  constructor(libc: Libc, path: CString) {
    this.#libc = libc;
    this.#path = path;
  }

  /** The names in the filesystem's order. */
  list(path: FsPath, follow = false): readonly string[] {
    const call = { syscall: follow ? 'listxattr' : 'llistxattr', path };
    const target = this.#path.set(path, call);
    const { listxattr, llistxattr } = this.#libc;
    const list = this.#read((memory) => (follow ? listxattr : llistxattr)(target, memory, memory.length));
    if (list === null) throw posixError(this.#libc.errno(), call);
    return list.length === 0 ? NONE : splitNames(list);
  }

  /** A fresh copy of the value. */
  get(path: FsPath, name: string): Uint8Array {
    const call = { syscall: 'lgetxattr', path };
    const target = this.#path.set(path, call);
    const key = this.#name.set(name, call);
    const value = this.#read((memory) => this.#libc.lgetxattr(target, key, memory, memory.length));
    if (value === null) throw posixError(this.#libc.errno(), call);
    return value.slice();
  }

  set(path: FsPath, { name, value }: { name: string; value: Uint8Array }, follow = false): void {
    const call = { syscall: follow ? 'setxattr' : 'lsetxattr', path };
    const target = this.#path.set(path, call);
    const key = this.#name.set(name, call);
    const { setxattr, lsetxattr } = this.#libc;
    if ((follow ? setxattr : lsetxattr)(target, key, value, value.byteLength, 0) !== 0)
      throw posixError(this.#libc.errno(), call);
  }

  remove(path: FsPath, name: string, follow = false): void {
    const call = { syscall: follow ? 'removexattr' : 'lremovexattr', path };
    const target = this.#path.set(path, call);
    const { removexattr, lremovexattr } = this.#libc;
    if ((follow ? removexattr : lremovexattr)(target, this.#name.set(name, call)) !== 0)
      throw posixError(this.#libc.errno(), call);
  }

  /** All attributes with their values, sorted by name; none where the filesystem has no such thing. */
  readAll(path: FsPath): readonly Xattr[] {
    const names = this.#listIfSupported(path);
    if (names.length === 0) return NONE;
    const found: Xattr[] = [];
    for (const name of [...names].sort(compareNames)) {
      const value = this.#getIfReadable(path, name);
      if (value) found.push([name, value]);
    }
    return found;
  }

  /** A view of what `call` wrote, valid until the next read; null when it failed. */
  #read(call: (memory: Uint8Array) => number): Uint8Array | null {
    const length = call(this.#usual);
    if (length >= 0) return this.#usual.subarray(0, length);
    if (this.#libc.errno() !== errno.ERANGE) return null;
    // The largest size at once: an attribute that grows meanwhile needs no third try.
    this.#largest ??= new Uint8Array(XATTR_SIZE_MAX);
    const whole = call(this.#largest);
    return whole < 0 ? null : this.#largest.subarray(0, whole);
  }

  #listIfSupported(path: FsPath): readonly string[] {
    try {
      return this.list(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOTSUP') return NONE;
      throw error;
    }
  }

  #getIfReadable(path: FsPath, name: string): Uint8Array | null {
    try {
      return this.get(path, name);
    } catch (error) {
      if (UNREADABLE.has(errnoOf(error) ?? '')) return null;
      throw error;
    }
  }
}

/** The list is a run of names, each ended by a NUL. */
function splitNames(list: Uint8Array): string[] {
  const names: string[] = [];
  for (let start = 0; start < list.length;) {
    const end = list.indexOf(0, start);
    names.push(nameFromBytes(list.subarray(start, end)));
    start = end + 1;
  }
  return names;
}
