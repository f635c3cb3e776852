/**
 * The one way to the bytes of an object. Its copies are tried in turn: its own file, its twins, and other files
 * that are said to have the same bytes. Who reads one hashes what passes, or knows by a seal that it need not;
 * a copy that is no good is left for the next. The policy is docs/decisions/0029-one-reader.md.
 */
import * as fs from 'node:fs';
import { errnoOf, counted } from '../../errors.js';
import { inSource, isStagingError } from '../../fs/contents.js';
import { READ_FAILURES } from '../../fs/errors.js';
import type { FsPath } from '../../fs/names.js';
import { twinPaths } from '../../fs/place.js';
import { toFailure } from '../../fs/scan.js';
import type { EntryFailure, TrustedStat } from '../../fs/tasks.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
/** A bad sector, a checksum of the file system that does not fit, or something else has the name. */
const UNREADABLE: ReadonlySet<string> = new Set([...READ_FAILURES, 'ELOOP', 'EISDIR']);

/** The object cannot give its bytes: gone, unreadable, or of another length or hash. */
export class ObjectProblem extends Error {
  readonly code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED';
  /** Where it cannot be read: what the file system says. */
  readonly errno: string | null;

  constructor(
    code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED',
    message: string,
    { errno = null }: { errno?: string | null } = {},
  ) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

export interface ObjectCopies {
  /** `objects/ab/<62 hex>`; its twins are beside it. */
  readonly object: string;
  /** Files outside of the hash tree that may have the same bytes, best first. */
  readonly others?: readonly string[] | undefined;
  /** Called before a copy is opened, for failpoints. */
  readonly before?: () => void;
}

export interface FromCopy<T> {
  readonly value: T;
  /** Why the copies before the good one were left; null where the first was good. */
  readonly bad: EntryFailure | null;
}

/**
 * Gives the copies to `use` until one satisfies it; what a failed use has written it begins again.
 * @throws ObjectProblem of the first copy where none is good; what `use` throws else
 */
export function fromGoodCopy<T>(copies: ObjectCopies, use: (copy: ObjectCopy) => T): FromCopy<T> {
  try {
    return { value: withCopy(copies.object, copies, use), bad: null };
  } catch (error) {
    if (!(error instanceof ObjectProblem)) throw error;
    return fromFurtherCopy(copies, error, use);
  }
}

function fromFurtherCopy<T>(
  copies: ObjectCopies,
  problem: ObjectProblem,
  use: (copy: ObjectCopy) => T,
): FromCopy<T> {
  const { object, others = [], before } = copies;
  const twins = twinPaths(object).filter((path) => path !== object);
  for (const path of [...twins, ...others])
    try {
      const value = withCopy(path, { before, isOther: others.includes(path) }, use);
      return { value, bad: failureOf(problem) };
    } catch (error) {
      if (!(error instanceof ObjectProblem)) throw error;
    }
  throw problem;
}

interface OpenOptions {
  readonly before?: (() => void) | undefined;
  /** Not ours to vouch for: whatever keeps it from being opened only means that it is not this one. */
  readonly isOther?: boolean;
}

/** One copy and no other. @throws ObjectProblem */
export function withCopy<T>(path: string, options: OpenOptions, use: (copy: ObjectCopy) => T): T {
  return inSource(path, (file) => {
    const fd = openCopy(file, path, options);
    try {
      return use(new ObjectCopy(fd, path));
    } finally {
      fs.closeSync(fd);
    }
  });
}

function openCopy(file: FsPath, path: string, { before, isOther = false }: OpenOptions): number {
  try {
    before?.();
    return fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isOther && errnoOf(error) !== undefined) throw notThere(path);
    throw readProblem(error, path);
  }
}

/** An open copy of an object, whose trouble is told in one way. */
export class ObjectCopy {
  readonly fd: number;
  readonly path: string;

  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
  }

  stat(): fs.BigIntStats {
    return fs.fstatSync(this.fd, { bigint: true });
  }

  /** @returns the bytes that were read, 0 at the end */
  read(into: Buffer, { at, length }: { at: number; length: number }, position: number | null): number {
    return this.reading(() => fs.readSync(this.fd, into, at, length, position));
  }

  /** For what reads from the descriptor by itself. @throws ObjectProblem */
  reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw readProblem(error, this.path);
    }
  }

  /** @throws ObjectProblem */
  expectLength(length: number, size: number): void {
    if (length !== size) throw this.damaged(`has ${counted(length, 'byte')} instead of ${size}`);
  }

  /** @throws ObjectProblem */
  expectHash(digest: Buffer, hash: string): void {
    if (digest.toString('hex') !== hash) throw this.damaged('has other bytes than its name says');
  }

  damaged(what: string): ObjectProblem {
    return new ObjectProblem('OBJECT_DAMAGED', `${this.path} ${what}`);
  }
}

/** An inode that is as its seal says has the bytes that were hashed when that was made. */
export function isTrusted(stat: fs.BigIntStats, trusted: TrustedStat | null | undefined): boolean {
  return (
    trusted != null &&
    stat.dev === trusted.device &&
    stat.ino === trusted.inode &&
    stat.size === trusted.size &&
    stat.mtimeNs === trusted.mtimeNs &&
    stat.ctimeNs === trusted.ctimeNs
  );
}

/** What is the trouble of this one copy; anything else is given back as it is. */
export function readProblem(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || isStagingError(error)) return error;
  if (errno === 'ENOENT') return notThere(path);
  if (!UNREADABLE.has(errno)) return error;
  const message = `${path} cannot be read: ${error instanceof Error ? error.message : errno}`;
  return new ObjectProblem('OBJECT_DAMAGED', message, { errno });
}

function notThere(path: string): ObjectProblem {
  return new ObjectProblem('OBJECT_MISSING', `${path} is not in the hash tree`);
}

/** @throws what is no single object's trouble: a cancelled read */
export function failureOf(error: unknown): EntryFailure {
  if (error instanceof ObjectProblem) return { code: error.code, message: error.message };
  if (errnoOf(error) === 'ECANCELED') throw error;
  return toFailure(error);
}
