/**
 * The bytes of an object into a file that is being restored, hashed on their way: read and written, or shared
 * where the file system can. What is shared is hashed as well, unless the object is as its seal says.
 */
import * as fs from 'node:fs';
import { BLOCK_BYTES, type TaskContext } from '../../fs/contents.js';
import { failpoint } from '../../fs/failpoints.js';
import { createHasher, hashBytes, type Hasher } from '../../fs/hash.js';
import type { Posix } from '../../fs/posix.js';
import type { FileStat } from '../../fs/stats.js';
import type { RestoredContent, TrustedStat } from '../../fs/tasks.js';
import {
  fromGoodCopy,
  isTrusted,
  ObjectCopy,
  withCopy,
  type FromCopy,
  type ObjectCopies,
} from './object-reader.js';

/** Holes are made of whole blocks of the file system. */
const HOLE_BYTES = 4096;
/** From here on sharing blocks is worth its system calls. */
export const REFLINK_MIN_BYTES = 4096;

export interface CopyOptions {
  readonly sparse: boolean;
  readonly reflink: boolean;
}

/**
 * Copies to the empty file `target`, open for reading as well.
 * @returns whether blocks may still be shared, and why a copy of the object was left for another
 * @throws ObjectProblem, or the errno of the target's file system
 */
export function copyObject(
  content: RestoredContent,
  target: number,
  context: TaskContext,
  options: CopyOptions,
): FromCopy<boolean> {
  let isFirst = true;
  return fromGoodCopy(copiesOf(content), (source) => {
    if (!isFirst) fs.ftruncateSync(target, 0);
    isFirst = false;
    return new Copy({ source, target, content, context }).run(options);
  });
}

/**
 * That the inode may be linked to: it is as its seal says, or its bytes are right.
 * @param known what the inode was like when this thread last knew it to be good
 * @returns its stat from before it was read
 * @throws ObjectProblem
 */
export function checkObject(
  path: string,
  content: RestoredContent,
  { context, known }: { context: TaskContext; known: fs.BigIntStats | undefined },
): fs.BigIntStats {
  return withCopy(path, { before }, (source) => {
    const stat = source.stat();
    source.expectLength(Number(stat.size), content.size);
    const isKnown = known !== undefined && isTrusted(stat, trustedOf(known));
    if (!isKnown && !isTrusted(stat, content.trusted))
      new Copy({ source, target: -1, content, context }).check();
    return stat;
  });
}

function before(): void {
  failpoint('restore.read');
}

function copiesOf({ object, others }: RestoredContent): ObjectCopies {
  return { object: object!, others, before };
}

export function trustedOf({ dev, ino, size, mtimeNs, ctimeNs }: FileStat): TrustedStat {
  return { device: dev, inode: ino, size, mtimeNs, ctimeNs };
}

interface CopyParts {
  readonly source: ObjectCopy;
  readonly target: number;
  readonly content: RestoredContent;
  readonly context: TaskContext;
}

class Copy {
  private readonly parts: CopyParts;
  private readonly hash: string;

  constructor(parts: CopyParts) {
    this.parts = parts;
    this.hash = parts.content.hash!;
  }

  /** @returns whether blocks may still be shared */
  run({ sparse, reflink }: CopyOptions): boolean {
    const { content, context, source, target } = this.parts;
    const { posix } = context;
    if (posix !== null && sparse) {
      this.sparse(posix);
      return reflink;
    }
    if (posix === null || !reflink || content.size < REFLINK_MIN_BYTES) {
      this.readWhole();
      return reflink;
    }
    const isShared = posix.ficlone(target, source.fd);
    if (isShared) this.cloned();
    else this.readWhole();
    return isShared;
  }

  check(): void {
    this.stream(this.parts.source, () => {});
  }

  private readWhole(): void {
    const { content, source, target } = this.parts;
    if (content.size < BLOCK_BYTES) this.small();
    else this.stream(source, (bytes, at) => writeFully(target, bytes, at));
  }

  /** Fits into the block: one read as a rule, which would show a byte too many, and one write. */
  private small(): void {
    const { content, context, source, target } = this.parts;
    let length = 0;
    // Servers may give less at once than is there.
    for (let read = -1; read !== 0 && length < content.size; length += read)
      read = source.read(context.block, { at: length, length: content.size + 1 - length }, length);
    source.expectLength(length, content.size);
    const bytes = context.block.subarray(0, length);
    source.expectHash(hashBytes(bytes), this.hash);
    writeFully(target, bytes, 0);
    context.onBlock(length);
  }

  /** The clone is what is kept, so the clone is what is hashed. */
  private cloned(): void {
    const { source, target, content, context } = this.parts;
    // Asked for after the clone was made: until then nobody has written.
    const stat = source.stat();
    source.expectLength(Number(stat.size), content.size);
    if (isTrusted(stat, content.trusted)) context.onBlock(content.size);
    else this.stream(new ObjectCopy(target, source.path), () => {});
  }

  private stream(from: ObjectCopy, sink: (bytes: Buffer, at: number) => void): void {
    const { content, context } = this.parts;
    const hasher = createHasher();
    let done = 0;
    for (;;) {
      const length = from.read(context.block, { at: 0, length: context.block.length }, done);
      if (length === 0) break;
      const bytes = context.block.subarray(0, length);
      hasher.update(bytes);
      sink(bytes, done);
      context.onBlock(length);
      done += length;
    }
    from.expectLength(done, content.size);
    from.expectHash(hasher.digest(), this.hash);
  }

  /** Holes of the object stay holes, and whole blocks of zeros become some: the source had holes. */
  private sparse(posix: Posix): void {
    const { source, target, content, context } = this.parts;
    source.expectLength(Number(source.stat().size), content.size);
    const hasher = createHasher();
    for (let at = 0; at < content.size;) {
      const data = posix.seekData(source.fd, at) ?? content.size;
      at = this.hashHole(hasher, { from: at, to: data });
      const end = data < content.size ? (posix.seekHole(source.fd, data) ?? content.size) : content.size;
      while (at < end) {
        const wanted = Math.min(context.block.length, end - at);
        const length = source.read(context.block, { at: 0, length: wanted }, at);
        if (length === 0) throw source.damaged('ended early');
        const bytes = context.block.subarray(0, length);
        hasher.update(bytes);
        writeWithoutZeros(target, bytes, at, context.zeros);
        context.onBlock(length);
        at += length;
      }
    }
    fs.ftruncateSync(target, content.size);
    source.expectHash(hasher.digest(), this.hash);
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
