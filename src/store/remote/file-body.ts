/** Bodies of blobs out of files that do not change meanwhile, and proof that they did not. */
import * as fs from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import { bodyProblem } from './blob-names.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

export interface FileRange {
  readonly file: string;
  readonly size: number;
}

export interface OpenBody {
  /** @throws HkfsError OBJECT_DAMAGED where the file ends before */
  read(offset: number, length: number): Buffer;
  close(): void;
}

/** @throws HkfsError OBJECT_MISSING, OBJECT_DAMAGED */
export function openBody(body: FileRange): OpenBody {
  const fd = reading(body.file, () => {
    const opened = fs.openSync(toFsPath(body.file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const { size } = fs.fstatSync(opened);
    if (size === body.size) return opened;
    fs.closeSync(opened);
    throw bodyProblem(body.file, `has ${size} bytes instead of ${body.size}`);
  });
  return {
    read: (offset, length) => reading(body.file, () => readRange(fd, { ...body, offset, length })),
    close: () => fs.closeSync(fd),
  };
}

/** All of a small file. */
export function readBody(body: FileRange): Buffer {
  const open = openBody(body);
  try {
    return open.read(0, body.size);
  } finally {
    open.close();
  }
}

function readRange(
  fd: number,
  { file, offset, length }: FileRange & { offset: number; length: number },
): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = fs.readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) throw bodyProblem(file, `ends at ${offset + done}`);
    done += count;
  }
  return bytes;
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno !== 'ENOENT') throw bodyProblem(file, `cannot be read: ${errno}`, error);
    throw new HkfsError('OBJECT_MISSING', `${file} is not there`, {
      hint: 'run hkfs verify; hkfs heal brings missing objects back',
      cause: error,
    });
  }
}
