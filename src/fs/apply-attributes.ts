import { chmodSync, lchownSync, lstatSync, lutimesSync } from 'node:fs';

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

/**
 * Gives one restored entry its attributes, of a symlink its own, and returns what could not be set.
 * The entry must be writable to its owner still, and a directory complete. The order matters:
 * chown clears setuid and capabilities, an ACL changes the mode, and all of them come before mtime.
 * Errors that are not errnos are thrown.
 */
export function applyAttributes(
  path: string,
  kind: EntryKind,
  attributes: Attributes,
  posix: Posix | null,
): UnsetAttribute[] {
  const entry = new Restored(toFsPath(path), posix);
  entry.setOwner(attributes);
  entry.setXattrs(attributes.xattrs ?? []);
  if (kind !== 'symlink') entry.setMode(attributes.mode);
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
  readonly #path: FsPath;
  readonly #posix: Posix | null;

  constructor(path: FsPath, posix: Posix | null) {
    this.#path = path;
    this.#posix = posix;
  }

  /** Only root gives files away; anyone may give their own to a group of theirs. */
  setOwner({ uid, gid }: Attributes): void {
    const self = process.geteuid?.();
    const isOwn = self === 0 || self === uid;
    if (!isOwn) this.#refuse('owner', 'EPERM');
    const what = self === 0 ? 'owner' : 'group';
    this.#try(what, () => lchownSync(this.#path, isOwn ? uid : UNCHANGED, gid));
  }

  /** Exactly these: those inherited from the directory (a default ACL's) go. */
  setXattrs(xattrs: readonly Xattr[]): void {
    const posix = this.#posix;
    if (!posix) {
      for (const [name] of xattrs) this.#refuse(`xattr ${name}`, 'ENOSYS');
      return;
    }
    const wanted = new Set(xattrs.map(([name]) => name));
    for (const name of this.#present(posix)) {
      if (wanted.has(name) || !REMOVABLE.test(name)) continue;
      this.#try(`xattr ${name}`, () => posix.lremovexattr(this.#path, name));
    }
    for (const [name, value] of xattrs) {
      this.#try(`xattr ${name}`, () => posix.lsetxattr(this.#path, name, value));
    }
  }

  /** Setuid and setgid never go to an owner or group that the source did not have. */
  setMode(mode: number): void {
    const isForeign = this.unset.some(({ what }) => what === 'owner' || what === 'group');
    const refused = isForeign ? mode & SET_ID_BITS : 0;
    if (refused !== 0) this.#refuse('setuid and setgid', 'EPERM');
    this.#try('mode', () => chmodSync(this.#path, mode & ~refused));
  }

  setMtime(mtimeNs: bigint): void {
    const posix = this.#posix;
    if (posix) {
      this.#try('mtime', () => {
        posix.utimensat(this.#path, { mtimeNs }, { noFollow: true });
        if (!isEverywhere(mtimeNs) && !this.#hasMtime(mtimeNs)) this.#refuse('mtime', 'ERANGE');
      });
      return;
    }
    // A double holds no nanoseconds of today.
    const time = nodeTime(mtimeNs);
    this.#try('mtime', () => lutimesSync(this.#path, time, time));
    if (mtimeNs % NANOSECONDS !== 0n) this.#refuse('mtime', 'ENOSYS');
  }

  #hasMtime(mtimeNs: bigint): boolean {
    const difference = lstatSync(this.#path, { bigint: true }).mtimeNs - mtimeNs;
    return difference <= COARSEST_NS && difference >= -COARSEST_NS;
  }

  #present(posix: Posix): readonly string[] {
    let names: readonly string[] = [];
    this.#try('xattrs', () => (names = posix.llistxattr(this.#path)));
    return names;
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
