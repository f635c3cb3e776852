/** What new files get from the directory that they are made in, asked once for each directory. */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import type { FsPath } from './names.js';
import type { Posix } from './posix.js';

const SETGID = 0o2000;

/** What root's new files in a directory have from the start. */
export interface NewFiles {
  readonly gid: number;
  /** Those of the umask. */
  readonly maskedBits: number;
}

export class NewFilesOf {
  private readonly posix: Posix | null;
  private readonly known = new Map<string, NewFiles | null>();

  constructor(posix: Posix | null) {
    this.posix = posix;
  }

  /** Null where they get ACLs that they are not to have, or where it cannot be found out. */
  in(directory: string, locate: () => FsPath): NewFiles | null {
    const known = this.known.get(directory);
    if (known !== undefined) return known;
    const found = this.posix && findOut(locate(), this.posix);
    this.known.set(directory, found);
    return found;
  }
}

function findOut(directory: FsPath, posix: Posix): NewFiles | null {
  try {
    if (posix.llistxattr(directory).includes('system.posix_acl_default')) return null;
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSUP') return null;
  }
  const { mode, gid } = fs.statSync(directory);
  const isInherited = (mode & SETGID) !== 0;
  return { gid: isInherited ? gid : process.getegid!(), maskedBits: process.umask() };
}
