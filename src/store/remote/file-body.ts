/**
 * Bodies of blobs out of files that do not change meanwhile, and proof that they did not. Read beside the
 * event loop: a file that is not in memory would keep all transfers waiting for its disk.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, HkfsError } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import { bodyProblem } from './blob-names.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const open = promisify(fs.open);
const readInto = promisify(fs.read);

export interface FileRange {
  readonly file: string;
  readonly size: number;
}

export interface OpenBody {
  /** @throws HkfsError OBJECT_DAMAGED where the file ends before */
  read(offset: number, length: number): Promise<Buffer>;
  close(): void;
}

/** @throws HkfsError OBJECT_MISSING, OBJECT_DAMAGED */
export async function openBody(body: FileRange): Promise<OpenBody> {
  const fd = await openFile(body);
  const { size } = fs.fstatSync(fd);
  if (size !== body.size) {
    fs.closeSync(fd);
    throw bodyProblem(body.file, `has ${size} bytes instead of ${body.size}`);
  }
  return {
    async read(offset, length) {
      const bytes = await readRange(fd, body, { offset, length });
      if (bytes.length < length) throw bodyProblem(body.file, `ends at ${offset + bytes.length}`);
      return bytes;
    },
    close: () => fs.closeSync(fd),
  };
}

/** All of a small file. @throws HkfsError OBJECT_MISSING, OBJECT_DAMAGED */
export async function readBody(body: FileRange): Promise<Buffer> {
  const fd = await openFile(body);
  try {
    // One byte more, to see a longer file.
    const bytes = await readRange(fd, body, { offset: 0, length: body.size + 1 });
    if (bytes.length === body.size) return bytes;
    const { size } = fs.fstatSync(fd);
    throw bodyProblem(body.file, `has ${size} bytes instead of ${body.size}`);
  } finally {
    fs.closeSync(fd);
  }
}

async function openFile({ file }: FileRange): Promise<number> {
  try {
    return await open(toFsPath(file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw readError(error, file);
  }
}

async function readRange(
  fd: number,
  { file }: FileRange,
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
