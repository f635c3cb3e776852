import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { HkfsError } from '../errors.js';
import { toFsPath } from './names.js';

const { O_RDONLY, O_NONBLOCK } = constants;

/**
 * Opens a file that somebody named, for reading. A fifo would hold the whole process, and Ctrl-C with it, until
 * somebody writes to it.
 *
 * @throws HkfsError NOT_A_FILE, and the errno of opening it
 */
export function openRegular(path: string): number {
  const fd = openSync(toFsPath(path), O_RDONLY | O_NONBLOCK);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new HkfsError('NOT_A_FILE', `${path} is not a file`, { hint: 'name a file' });
}

/**
 * The bytes of a small file that somebody named: a file, or a pipe of the shell's as `<(command)` is.
 *
 * @throws HkfsError NOT_A_FILE, and the errno of opening or reading it
 */
export function readRegular(path: string): Buffer {
  const fd = openSync(toFsPath(path), O_RDONLY | O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    // A directory has an errno of its own for it.
    if (stat.isFile() || stat.isDirectory()) return readFileSync(fd);
    // A pipe without a name has somebody at its other end, or its end.
    if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:')) return readFileSync(toFsPath(path));
  } finally {
    closeSync(fd);
  }
  throw new HkfsError('NOT_A_FILE', `${path} is not a file`, { hint: 'name a file' });
}
