/**
 * Bodies of blobs out of files that do not change meanwhile, and proof that they did not. Read beside the
 * event loop: a file that is not in memory would keep all transfers waiting for its disk.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, HkfsError, counted } from '../../errors.js';
import { createHasher, hashBytes, type Hasher } from '../../fs/hash.js';
import { toFsPath } from '../../fs/names.js';
import { bodyProblem, expectBodyHash } from './blob-names.js';
import type { FileBody } from './blob-store.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const open = promisify(fs.open);
const readInto = promisify(fs.read);

export interface OpenBody {
  /**
   * The next bytes; one call after the other, whoever calls: so they are hashed in order.
   * @throws HkfsError OBJECT_DAMAGED where the file ends before
   */
  next(length: number): Promise<Buffer>;
  /** From the beginning again. */
  rewind(): void;
  /** All was read. @throws HkfsError OBJECT_DAMAGED where the bytes are not those of the body's hash */
  check(): void;
  close(): void;
}

/** @throws HkfsError OBJECT_MISSING, OBJECT_DAMAGED */
export async function openBody(body: FileBody): Promise<OpenBody> {
  const fd = await openFile(body);
  const { size } = fs.fstatSync(fd);
  if (size !== body.size) {
    fs.closeSync(fd);
    throw bodyProblem(body.file, `has ${counted(size, 'byte')} instead of ${body.size}`);
  }
  return new SequentialBody(fd, body);
}

class SequentialBody implements OpenBody {
  private readonly fd: number;
  private readonly body: FileBody;
  private hasher: Hasher | null = null;
  private position = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(fd: number, body: FileBody) {
    this.fd = fd;
    this.body = body;
    this.rewind();
  }

  rewind(): void {
    this.position = 0;
    this.hasher = this.body.hash === undefined ? null : createHasher();
  }

  next(length: number): Promise<Buffer> {
    const mine = this.last.then(() => this.readNext(length));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  check(): void {
    if (this.hasher) expectBodyHash(this.body, this.hasher.digest());
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  private async readNext(length: number): Promise<Buffer> {
    const bytes = await readRange(this.fd, this.body, { offset: this.position, length });
    this.position += bytes.length;
    if (bytes.length < length) throw bodyProblem(this.body.file, `ends at ${this.position}`);
    this.hasher?.update(bytes);
    return bytes;
  }
}

/** All of a small file. @throws HkfsError OBJECT_MISSING, OBJECT_DAMAGED */
export async function readBody(body: FileBody): Promise<Buffer> {
  const fd = await openFile(body);
  try {
    // One byte more, to see a longer file.
    const bytes = await readRange(fd, body, { offset: 0, length: body.size + 1 });
    if (bytes.length === body.size) {
      if (body.hash !== undefined) expectBodyHash(body, hashBytes(bytes));
      return bytes;
    }
    const { size } = fs.fstatSync(fd);
    throw bodyProblem(body.file, `has ${counted(size, 'byte')} instead of ${body.size}`);
  } finally {
    fs.closeSync(fd);
  }
}

async function openFile({ file }: FileBody): Promise<number> {
  try {
    return await open(toFsPath(file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw readError(error, file);
  }
}

async function readRange(
  fd: number,
  { file }: FileBody,
  { offset, length }: { offset: number; length: number },
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  try {
    while (done < length) {
      const { bytesRead } = await readInto(fd, bytes, done, length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
  } catch (error) {
    throw readError(error, file);
  }
  return bytes.subarray(0, done);
}

function readError(error: unknown, file: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (errno !== 'ENOENT') return bodyProblem(file, `cannot be read: ${errno}`, error);
  return new HkfsError('OBJECT_MISSING', `${file} is not there`, {
    hint: 'run hkfs verify; hkfs heal brings missing objects back',
    cause: error,
  });
}
