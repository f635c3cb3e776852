/** The bytes of a file into a new one: shared where the file system can, copied by the kernel where it can. */
import * as fs from 'node:fs';
import { errnoOf, HkfsError, counted } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { readExpected } from '../../fs/contents.js';
import { READ_FAILURES } from '../../fs/errors.js';
import { createHasher, hashBytes } from '../../fs/hash.js';
import { toFsPath } from '../../fs/names.js';
import type { Posix } from '../../fs/posix.js';
import { bodyProblem, expectBodyHash } from './blob-names.js';
import type { TransferOptions } from './blob-store.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL;
const MODE = 0o444;
/** Up to here one read and one write are quicker than all else. */
const SMALL_BYTES = 64 << 10;
/** Between two steps other work and Ctrl-C have their turn. */
const STEP_BYTES = 8 << 20;
const SOURCE_ERRORS = new Set(['ENOENT', 'ELOOP', 'EISDIR', 'EACCES', 'ENOTDIR', ...READ_FAILURES]);

export interface FileCopy {
  /** What the bytes must hash to, where that is to be checked: then each passes through here. */
  readonly hash?: Hash | undefined;
  readonly from: string;
  /** Not there before. */
  readonly to: string;
  readonly size: number;
}

export interface CopyOptions extends TransferOptions {
  readonly posix: Posix | null;
}

/** @throws HkfsError OBJECT_MISSING or OBJECT_DAMAGED for the source, the errno of the target */
export async function copyFile(copy: FileCopy, options: CopyOptions): Promise<void> {
  const source = openSource(copy.from);
  try {
    const target = fs.openSync(toFsPath(copy.to), NEW_FILE, MODE);
    try {
      if (copy.size <= SMALL_BYTES) {
        await options.throttle?.take(copy.size, options.signal);
        copySmall(copy, { source, target });
      } else if (options.throttle !== undefined || !isCloned(copy, { source, target }, options.posix))
        return await copySteps(copy, { source, target }, options);
      options.onBytes?.(copy.size);
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
}

/** Bytes in memory into a new file. */
export function writeBody(path: string, bytes: Uint8Array, options: TransferOptions): void {
  const fd = fs.openSync(toFsPath(path), NEW_FILE, MODE);
  try {
    writeAll(fd, bytes);
  } finally {
    fs.closeSync(fd);
  }
  options.onBytes?.(bytes.length);
}

interface Descriptors {
  readonly source: number;
  readonly target: number;
}

function copySmall(copy: FileCopy, { source, target }: Descriptors): void {
  // One byte more than expected, to see a longer file.
  const block = Buffer.allocUnsafe(copy.size + 1);
  const length = readFrom(copy.from, () => readExpected(source, copy.size, block));
  if (length !== copy.size) throw wrongLength(copy, length);
  const bytes = block.subarray(0, length);
  if (copy.hash !== undefined) expectHash(copy, hashBytes(bytes));
  writeAll(target, bytes);
}

function expectHash({ from, hash, size }: FileCopy, digest: Buffer): void {
  if (hash !== undefined) expectBodyHash({ file: from, size, hash }, digest);
}

function isCloned(copy: FileCopy, { source, target }: Descriptors, posix: Posix | null): boolean {
  const { size } = fs.fstatSync(source);
  if (size !== copy.size) throw wrongLength(copy, size);
  return copy.hash === undefined && (posix?.ficlone(target, source) ?? false);
}

async function copySteps(copy: FileCopy, fds: Descriptors, options: CopyOptions): Promise<void> {
  const { size } = copy;
  const hasher = copy.hash === undefined ? null : createHasher();
  let inKernel = hasher ? null : options.posix;
  const step = Math.min(STEP_BYTES, options.throttle?.stepBytes ?? STEP_BYTES);
  const block = Buffer.allocUnsafe(Math.min(step, size));
  for (let done = 0; done < size;) {
    options.signal?.throwIfAborted();
    const wanted = Math.min(step, size - done);
    await options.throttle?.take(wanted, options.signal);
    const copied = inKernel?.copyFileRange(fds.source, fds.target, wanted) ?? null;
    if (copied === null) inKernel = null;
    const length = copied ?? readAndWrite(copy, fds, block.subarray(0, wanted));
    hasher?.update(block.subarray(0, length));
    if (length === 0) throw wrongLength(copy, done);
    done += length;
    options.onBytes?.(length);
    await new Promise(setImmediate);
  }
  if (hasher) expectHash(copy, hasher.digest());
}

/** From where both stand, as copy_file_range does, so that one may follow the other. */
function readAndWrite({ from }: FileCopy, { source, target }: Descriptors, block: Buffer): number {
  const length = readFrom(from, () => fs.readSync(source, block, 0, block.length, null));
  writeAll(target, block.subarray(0, length));
  return length;
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done, bytes.length - done);
}

function openSource(path: string): number {
  return readFrom(path, () => fs.openSync(toFsPath(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
}

/** A source that cannot be read is no fault of the remote. */
function readFrom<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ENOENT')
      throw new HkfsError('OBJECT_MISSING', `${path} is not there`, {
        hint: 'run hkfs verify; hkfs heal brings missing objects back',
        cause: error,
      });
    if (SOURCE_ERRORS.has(errno)) throw bodyProblem(path, `cannot be read: ${errno}`, error);
    throw error;
  }
}

function wrongLength({ from, size }: FileCopy, length: number): HkfsError {
  return bodyProblem(from, `has ${counted(length, 'byte')} instead of ${size}`);
}
