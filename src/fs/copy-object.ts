/** The bytes of an object into a file that is being restored: shared, copied by the kernel, or read and written. */
import * as fs from 'node:fs';
import { BLOCK_BYTES, type TaskContext } from './contents.js';
import { failpoint } from './failpoints.js';
import { createHasher, hashBytes, type Hasher } from './hash.js';
import { twinPaths } from './place.js';
import type { Posix } from './posix.js';
import { errnoOf } from '../errors.js';
import type { RestoredContent } from './tasks.js';

/** One call in the kernel; progress and Ctrl-C come between two. */
const RANGE_BYTES = 16 << 20;
/** Holes are made of whole blocks of the file system. */
const HOLE_BYTES = 4096;
/** From here on sharing blocks is worth its system calls. */
const REFLINK_MIN_BYTES = 4096;
const { O_RDONLY, O_NOFOLLOW } = fs.constants;

export interface CopyOptions {
  readonly sparse: boolean;
  readonly reflink: boolean;
}

/** The object cannot give its bytes: gone, unreadable, or of another length or hash. */
export class ObjectProblem extends Error {
  readonly code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED';

  constructor(code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Copies to the empty file `target`; where the first inode of the object is no good, from a twin.
 * @returns whether blocks may still be shared
 * @throws ObjectProblem, or the errno of the target's file system
 */
export function copyObject(
  content: RestoredContent,
  target: number,
  context: TaskContext,
  options: CopyOptions,
): boolean {
  return fromAnyInode(content, (path, isFirst) => {
    const source = openObject(path);
    try {
      if (!isFirst) fs.ftruncateSync(target, 0);
      return new Copy({ source, target, path, content, context }).run({ ...options, inKernel: isFirst });
    } finally {
      fs.closeSync(source);
    }
  });
}

/** Hashes an object where its content has to be checked. @throws ObjectProblem */
export function checkObject(path: string, content: RestoredContent, context: TaskContext): void {
  const source = openObject(path);
  try {
    new Copy({ source, target: -1, path, content, context }).check();
  } finally {
    fs.closeSync(source);
  }
}

function fromAnyInode<T>({ object }: RestoredContent, use: (path: string, isFirst: boolean) => T): T {
  try {
    return use(object!, true);
  } catch (error) {
    if (!(error instanceof ObjectProblem)) throw error;
    for (const twin of twinPaths(object!)) {
      if (twin === object) continue;
      try {
        return use(twin, false);
      } catch (other) {
        if (!(other instanceof ObjectProblem)) throw other;
      }
    }
    throw error;
  }
}

function openObject(path: string): number {
  try {
    failpoint('restore.read');
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    throw readProblem(error, path);
  }
}

export function readProblem(error: unknown, path: string): unknown {
  const code = errnoOf(error);
  if (code === 'ENOENT') return new ObjectProblem('OBJECT_MISSING', `${path} is not in the hash tree`);
  if (code === 'EIO' || code === 'ELOOP' || code === 'EISDIR')
    return new ObjectProblem('OBJECT_DAMAGED', `${path} cannot be read: ${(error as Error).message}`);
  return error;
}

interface CopyParts {
  readonly source: number;
  readonly target: number;
  readonly path: string;
  readonly content: RestoredContent;
  readonly context: TaskContext;
}

class Copy {
  private readonly parts: CopyParts;

  constructor(parts: CopyParts) {
    this.parts = parts;
  }

  /** @returns whether blocks may still be shared */
  run({ sparse, reflink, inKernel }: CopyOptions & { inKernel: boolean }): boolean {
    const { content, context, source, target } = this.parts;
    const { posix } = context;
    if (
      posix === null ||
      (content.size < BLOCK_BYTES && !sparse && !(reflink && content.size >= REFLINK_MIN_BYTES))
    ) {
      this.readWhole();
      return reflink;
    }
    if (sparse) {
      this.sparse(posix);
      return reflink;
    }
    if (reflink && posix.ficlone(target, source)) {
      this.cloned();
      return true;
    }
    // Where bytes have to be hashed they come through here anyway.
    if (content.hash !== null || !inKernel) this.readWhole();
    else this.ranges(posix);
    return false;
  }

  check(): void {
    this.stream(() => {});
  }

  /** Fits into the block: one read, which would show a byte too many, and one write. */
  private small(): void {
    const { content, context, target } = this.parts;
    const length = this.read(context.block, content.size + 1, 0);
    this.expectLength(length);
    const bytes = context.block.subarray(0, length);
    if (content.hash !== null) this.expectHash(hashBytes(bytes));
    writeFully(target, bytes, 0);
    context.onBlock(length);
  }

  private readWhole(): void {
    const { content, target } = this.parts;
    if (content.size < BLOCK_BYTES) this.small();
    else this.stream((bytes, at) => writeFully(target, bytes, at));
  }

  private ranges(posix: Posix): void {
    const { source, target, content, context } = this.parts;
    this.expectLength(fs.fstatSync(source).size);
    for (let done = 0; done < content.size;) {
      const copied = posix.copyFileRange(source, target, Math.min(RANGE_BYTES, content.size - done));
      if (copied === null || copied === 0) return this.rest(done);
      done += copied;
      context.onBlock(copied);
    }
  }

  private rest(from: number): void {
    const { target, content, context } = this.parts;
    let done = from;
    while (done < content.size) {
      const length = this.read(context.block, context.block.length, done);
      if (length === 0) break;
      writeFully(target, context.block.subarray(0, length), done);
      context.onBlock(length);
      done += length;
    }
    this.expectLength(done);
  }

  private cloned(): void {
    const { source, content, context } = this.parts;
    this.expectLength(fs.fstatSync(source).size);
    if (content.hash === null) context.onBlock(content.size);
    else this.stream(() => {});
  }

  private stream(sink: (bytes: Buffer, at: number) => void): void {
    const { content, context } = this.parts;
    const hasher = content.hash === null ? null : createHasher();
    let done = 0;
    for (;;) {
      const length = this.read(context.block, context.block.length, done);
      if (length === 0) break;
      const bytes = context.block.subarray(0, length);
      hasher?.update(bytes);
      sink(bytes, done);
      context.onBlock(length);
      done += length;
    }
    this.expectLength(done);
    if (hasher) this.expectHash(hasher.digest());
  }

  /** Holes of the object stay holes, and whole blocks of zeros become some: the source had holes. */
  private sparse(posix: Posix): void {
    const { source, target, content, context } = this.parts;
    this.expectLength(fs.fstatSync(source).size);
    const hasher = content.hash === null ? null : createHasher();
    for (let at = 0; at < content.size;) {
      const data = posix.seekData(source, at) ?? content.size;
      at = hasher === null ? data : this.hashHole(hasher, { from: at, to: data });
      const end = data < content.size ? (posix.seekHole(source, data) ?? content.size) : content.size;
      while (at < end) {
        const length = this.read(context.block, Math.min(context.block.length, end - at), at);
        if (length === 0) throw this.damaged('ended early');
        const bytes = context.block.subarray(0, length);
        hasher?.update(bytes);
        writeWithoutZeros(target, bytes, at, context.zeros);
        context.onBlock(length);
        at += length;
      }
    }
    fs.ftruncateSync(target, content.size);
    if (hasher) this.expectHash(hasher.digest());
  }

  private hashHole(hasher: Hasher, { from, to }: { from: number; to: number }): number {
    const { zeros, onBlock } = this.parts.context;
    for (let at = from; at < to; at += zeros.length) {
      const length = Math.min(zeros.length, to - at);
      hasher.update(zeros.subarray(0, length));
      onBlock(length);
    }
    return to;
  }

  private read(block: Buffer, length: number, position: number): number {
    try {
      return fs.readSync(this.parts.source, block, 0, Math.min(length, block.length), position);
    } catch (error) {
      throw readProblem(error, this.parts.path);
    }
  }

  private expectLength(length: number): void {
    const { size } = this.parts.content;
    if (length !== size) throw this.damaged(`has ${length} bytes instead of ${size}`);
  }

  private expectHash(hash: Buffer): void {
    if (hash.toString('hex') !== this.parts.content.hash)
      throw this.damaged('has other bytes than its name says');
  }

  private damaged(what: string): ObjectProblem {
    return new ObjectProblem('OBJECT_DAMAGED', `${this.parts.path} ${what}`);
  }
}

function writeWithoutZeros(fd: number, bytes: Buffer, position: number, zeros: Buffer): void {
  const isZero = (at: number): boolean => {
    const block = bytes.subarray(at, at + HOLE_BYTES);
    return block.length === HOLE_BYTES && block.equals(zeros.subarray(0, HOLE_BYTES));
  };
  for (let at = 0; at < bytes.length;) {
    if (isZero(at)) {
      at += HOLE_BYTES;
      continue;
    }
    const start = at;
    while (at < bytes.length && !isZero(at)) at += HOLE_BYTES;
    writeFully(fd, bytes.subarray(start, Math.min(at, bytes.length)), position + start);
  }
}

function writeFully(fd: number, bytes: Buffer, position: number): void {
  failpoint('restore.write');
  for (let done = 0; done < bytes.length;)
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
}
