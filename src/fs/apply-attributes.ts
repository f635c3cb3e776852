import * as fs from 'node:fs';

import { errnoOf } from '../errors.js';
import type { Attributes, EntryKind, Xattr } from '../events/types.js';
import { toFsPath, type FsPath } from './names.js';
import { nodeTime } from './node-time.js';
import type { Posix } from './posix.js';

/** What an entry could not be given, and the errno name of why. */
export interface UnsetAttribute {
  /** `owner`, `group`, `mode`, `setuid and setgid`, `mtime`, or `xattr NAME`. */
  readonly what: string;
  readonly code: string;
}

const SET_ID_BITS = 0o6000;
const UNCHANGED = -1;
const NANOSECONDS = 1_000_000_000n;
/** FAT counts in steps of two seconds. */
const COARSEST_NS = 2_000_000_000n;
/** A day after 1980-01-01: the time zone may shift it. */
const FAT_FIRST_NS = 315_619_200n * NANOSECONDS;
/** Attributes a new file may have inherited; others (security labels) are the system's own. */
const REMOVABLE = /^(user\.|system\.posix_acl_)/;
/** What the owner or the mode would change, and what changes the mode. */
const LATE = /^(system\.posix_acl_|security\.capability$)/;

/** An entry by its path, or one that is open: no name of it matters then, whoever swaps it meanwhile. */
export type RestoredEntry = FsPath | { readonly fd: number };

/**
 * Gives one restored entry its attributes, of a symlink its own, and returns what could not be set.
 * The entry must be writable to its owner still, and a directory complete. The order matters: chown clears setuid
 * and capabilities; who may not write any more sets no `user.` attribute; of a mode and an ACL that differ, the
 * ACL is what was meant; and all of them come before mtime.
 * Errors that are not errnos are thrown.
 */
export function applyAttributes(
  path: RestoredEntry,
  kind: EntryKind,
  attributes: Attributes,
  posix: Posix | null,
): UnsetAttribute[] {
  const entry = new Restored(path, posix);
  const { xattrs = [] } = attributes;
  entry.setOwner(attributes);
  entry.removeXattrs(xattrs);
  entry.setXattrs(xattrs.filter(([name]) => !LATE.test(name)));
  if (kind !== 'symlink') entry.setMode(attributes.mode);
  entry.setXattrs(xattrs.filter(([name]) => LATE.test(name)));
  entry.setMtime(attributes.mtimeNs);
  return entry.unset;
}

/**
 * Whether every file system holds the time. What one does not hold the kernel makes the nearest that it does,
 * without a word: ext4 ends in 2038 or 2446, FAT begins in 1980.
 */
export function isEverywhere(mtimeNs: bigint): boolean {
  return mtimeNs >= FAT_FIRST_NS && mtimeNs < 0x7fff_ffffn * NANOSECONDS;
}

class Restored {
  readonly unset: UnsetAttribute[] = [];
  readonly #calls: AttributeCalls;

  constructor(entry: RestoredEntry, posix: Posix | null) {
    const isOpen = typeof entry === 'object' && 'fd' in entry;
    this.#calls = isOpen ? callsOfOpen(entry.fd, posix) : callsOfPath(toFsPath(entry), posix);
  }

  /** Only root gives files away; anyone may give their own to a group of theirs. */
  setOwner({ uid, gid }: Attributes): void {
    const self = process.geteuid?.();
    const isOwn = self === 0 || self === uid;
    if (!isOwn) this.#refuse('owner', 'EPERM');
    const what = self === 0 ? 'owner' : 'group';
    this.#try(what, () => this.#calls.chown(isOwn ? uid : UNCHANGED, gid));
  }

  /** Those inherited from the directory (a default ACL's) go. */
  removeXattrs(xattrs: readonly Xattr[]): void {
    const calls = this.#calls.xattrs;
    if (!calls) return;
    const wanted = new Set(xattrs.map(([name]) => name));
    let present: readonly string[] = [];
    this.#try('xattrs', () => (present = calls.list()));
    for (const name of present) {
      if (wanted.has(name) || !REMOVABLE.test(name)) continue;
      this.#try(`xattr ${name}`, () => calls.remove(name));
    }
  }

  setXattrs(xattrs: readonly Xattr[]): void {
    const calls = this.#calls.xattrs;
    for (const [name, value] of xattrs)
      if (calls) this.#try(`xattr ${name}`, () => calls.set(name, value));
      else this.#refuse(`xattr ${name}`, 'ENOSYS');
  }

  /** Setuid and setgid never go to an owner or group that the source did not have. */
  setMode(mode: number): void {
    const isForeign = this.unset.some(({ what }) => what === 'owner' || what === 'group');
    const refused = isForeign ? mode & SET_ID_BITS : 0;
    if (refused !== 0) this.#refuse('setuid and setgid', 'EPERM');
    this.#try('mode', () => this.#calls.chmod(mode & ~refused));
  }

  setMtime(mtimeNs: bigint): void {
    const calls = this.#calls;
    const { utimens } = calls;
    if (utimens) {
      this.#try('mtime', () => {
        utimens(mtimeNs);
        if (!isEverywhere(mtimeNs) && !this.#hasMtime(mtimeNs)) this.#refuse('mtime', 'ERANGE');
      });
      return;
    }
    // A double holds no nanoseconds of today.
    this.#try('mtime', () => calls.utimes(nodeTime(mtimeNs)));
    if (mtimeNs % NANOSECONDS !== 0n) this.#refuse('mtime', 'ENOSYS');
  }

  #hasMtime(mtimeNs: bigint): boolean {
    const difference = this.#calls.mtimeNs() - mtimeNs;
    return difference <= COARSEST_NS && difference >= -COARSEST_NS;
  }

  #refuse(what: string, code: string): void {
    this.unset.push({ what, code });
  }

  #try(what: string, set: () => void): void {
    try {
      set();
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      this.#refuse(what, code);
    }
  }
}

/** How one entry is reached. */
interface AttributeCalls {
  chown(uid: number, gid: number): void;
  chmod(mode: number): void;
  utimes(time: number | Date): void;
  mtimeNs(): bigint;
  /** To the nanosecond; null where there are no such calls. */
  readonly utimens: ((mtimeNs: bigint) => void) | null;
  readonly xattrs: XattrsOfEntry | null;
}

interface XattrsOfEntry {
  list(): readonly string[];
  remove(name: string): void;
  set(name: string, value: Uint8Array): void;
}

/** None follows a symlink but chmod, which is not called for one. */
function callsOfPath(path: FsPath, posix: Posix | null): AttributeCalls {
  return {
    chown: (uid, gid) => fs.lchownSync(path, uid, gid),
    chmod: (mode) => fs.chmodSync(path, mode),
    utimes: (time) => fs.lutimesSync(path, time, time),
    mtimeNs: () => fs.lstatSync(path, { bigint: true }).mtimeNs,
    utimens: posix && ((mtimeNs) => posix.utimensat(path, { mtimeNs }, { noFollow: true })),
    xattrs: posix && {
      list: () => posix.llistxattr(path),
      remove: (name) => posix.lremovexattr(path, name),
      set: (name, value) => posix.lsetxattr(path, name, value),
    },
  };
}

/**
 * The name of a descriptor leads to what is open and no further, also to a symlink and to what was opened with
 * O_PATH, which fchmod and its kin refuse.
 */
function callsOfOpen(fd: number, posix: Posix | null): AttributeCalls {
  const path = `/proc/self/fd/${fd}`;
  return {
    chown: (uid, gid) => fs.chownSync(path, uid, gid),
    chmod: (mode) => fs.chmodSync(path, mode),
    utimes: (time) => fs.utimesSync(path, time, time),
    mtimeNs: () => fs.statSync(path, { bigint: true }).mtimeNs,
    utimens: posix && ((mtimeNs) => posix.utimensat(path, { mtimeNs })),
    xattrs: posix && {
      list: () => posix.listxattr(path),
      remove: (name) => posix.removexattr(path, name),
      set: (name, value) => posix.setxattr(path, name, value),
    },
  };
}
