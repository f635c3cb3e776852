/** Reading, hashing and copying the bytes of open files with synchronous calls. */
import * as fs from 'node:fs';
import { failpoint } from './failpoints.js';
import { createHasher, type Hasher } from './hash.js';
import { openAnchor } from './long-path.js';
import { baseName, joinPath, parentPath, toFsPath, type FsPath } from './names.js';
import { nodeTime } from './node-time.js';
import type { Posix } from './posix.js';

/** One read; a file that fits is hashed and written in one call each. */
export const BLOCK_BYTES = 1 << 20;
export const OBJECT_MODE = 0o444;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_CREAT, O_EXCL } = fs.constants;

/** What a worker thread keeps between tasks. */
export interface TaskContext {
  readonly posix: Posix | null;
  readonly block: Buffer;
  readonly zeros: Buffer;
  /** Reports bytes of a read. @throws ECANCELED when the pool was cancelled. */
  readonly onBlock: (bytes: number) => void;
}

export interface ReadContent {
  readonly hash: Buffer;
  /** Bytes that were read: not the size that was expected when the file changed meanwhile. */
  readonly length: number;
}

/** Reads to the end through the context's block; each block also goes to the sink. */
export function readAndHash(
  fd: number,
  context: TaskContext,
  sink: ((bytes: Buffer) => void) | null = null,
): ReadContent {
  return readOn({ fd, hasher: createHasher(), length: 0 }, context, sink);
}

/** As `readAndHash`, after the first bytes, which are read and hashed already. */
export function readOn(
  { fd, hasher, length: before }: { fd: number; hasher: Hasher; length: number },
  context: TaskContext,
  sink: ((bytes: Buffer) => void) | null = null,
): ReadContent {
  let total = before;
  for (;;) {
    const length = fs.readSync(fd, context.block, 0, context.block.length, null);
    if (length === 0) return { hash: hasher.digest(), length: total };
    const bytes = context.block.subarray(0, length);
    hasher.update(bytes);
    sink?.(bytes);
    context.onBlock(length);
    total += length;
  }
}

/** Copies data and leaves holes as holes; a hole hashes as the zeros that it reads as. */
export function copySparse(
  copy: { from: number; to: number; size: number; posix: Posix },
  context: TaskContext,
): ReadContent {
  const { from, to, size, posix } = copy;
  const hasher = createHasher();
  let at = 0;
  while (at < size) {
    const data = posix.seekData(from, at) ?? size;
    while (at < data) {
      const length = Math.min(context.zeros.length, data - at);
      hasher.update(context.zeros.subarray(0, length));
      context.onBlock(length);
      at += length;
    }
    const end = data < size ? (posix.seekHole(from, data) ?? size) : size;
    while (at < end) {
      const length = fs.readSync(from, context.block, 0, Math.min(context.block.length, end - at), at);
      if (length === 0) return { hash: hasher.digest(), length: at };
      const bytes = context.block.subarray(0, length);
      hasher.update(bytes);
      writeStaged(to, bytes, at);
      context.onBlock(length);
      at += length;
    }
  }
  inStaging(() => fs.ftruncateSync(to, size));
  return { hash: hasher.digest(), length: size + fs.readSync(from, BEYOND, 0, 1, size) };
}

/** What a file without a size is asked for first: some of procfs give nothing to whoever wants less. */
const UNSIZED_BYTES = 4096;
const BEYOND = Buffer.alloc(1);

/**
 * Reads a file whose stat says `size` bytes, which fit into the block, and looks beyond them in the same
 * call: gives more than `size` where the stat told less than there is, as of procfs and of some FUSE.
 */
export function readExpected(fd: number, size: number, block: Buffer): number {
  const most = Math.min(size === 0 ? UNSIZED_BYTES : size + 1, block.length);
  let length = 0;
  while (length < most) {
    const read = fs.readSync(fd, block, length, most - length, null);
    length += read;
    if (read === 0 || length === size) break; // a short read of a regular file is at its end
  }
  return length === block.length ? length + fs.readSync(fd, BEYOND, 0, 1, null) : length;
}

/** A stat that says 0 is no evidence of an empty file. */
export function hasBytes(path: FsPath): boolean {
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    return readExpected(fd, 0, Buffer.allocUnsafe(UNSIZED_BYTES)) > 0;
  } finally {
    fs.closeSync(fd);
  }
}

/** Reads a file that should have `size` bytes into the block; more than that is not looked for. */
export function readSmall(fd: number, size: number, block: Buffer): number {
  let length = 0;
  while (length < size) {
    const read = fs.readSync(fd, block, length, size - length, null);
    if (read === 0) break;
    length += read;
  }
  return length;
}

/** Opens a file of the outside world for reading. A name that became a fifo or a symlink is refused. */
export function withFile<T>(path: string, use: (fd: number) => T): T {
  return inSource(path, (source) => {
    const fd = fs.openSync(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return use(fd);
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Calls with what names the file for the kernel, however long its path is. */
export function inSource<T>(path: string, use: (source: FsPath, directory: string) => T): T {
  const parent = parentPath(path);
  const anchor = openAnchor(parent === '' ? '.' : parent);
  try {
    return use(toFsPath(joinPath(anchor.path, baseName(path))), anchor.path);
  } finally {
    anchor.close();
  }
}

/** A new staged file: written by `use`, then read-only; removed again when anything fails. */
export function withStagedFile<T>(path: string, use: (fd: number) => T): T {
  const fd = inStaging(() => {
    failpoint('stage.open');
    return fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL, OBJECT_MODE);
  });
  try {
    return use(fd);
  } catch (error) {
    fs.unlinkSync(path);
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** Mode and mtime of a written staged file; this inode is the object's from now on. */
export function finishStaged(fd: number, mtimeNs: bigint): fs.BigIntStats {
  return inStaging(() => {
    const time = nodeTime(mtimeNs);
    fs.futimesSync(fd, time, time);
    const stat = fs.fstatSync(fd, { bigint: true });
    if (Number(stat.mode & 0o7777n) === OBJECT_MODE) return stat;
    fs.fchmodSync(fd, OBJECT_MODE); // the umask took bits away
    return fs.fstatSync(fd, { bigint: true });
  });
}

export function writeStaged(fd: number, bytes: Buffer, position: number | null = null): void {
  inStaging(() => {
    failpoint('stage.write');
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
  });
}

/** Marks errors of our own file system, which end the operation, apart from those of a source. */
export function inStaging<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (typeof error === 'object' && error !== null) Object.assign(error, { inStaging: true });
    throw error;
  }
}

export function isStagingError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'inStaging' in error;
}
