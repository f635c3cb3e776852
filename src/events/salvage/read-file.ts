/** A file as far as its disk gives it: what cannot be read counts as zeros, which no checksum lets pass. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf } from '../../errors.js';

const PAGE = 4096;
const UNREADABLE: ReadonlySet<string> = new Set(['EIO', 'EBADMSG', 'EUCLEAN']);

export interface LenientFile {
  readonly bytes: Buffer;
  /** Bytes that could not be read. */
  readonly unread: number;
}

/** @throws the errno of opening it, and of reading but for damage of the disk */
export function readLeniently(path: string): LenientFile {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size);
    let unread = 0;
    for (let at = 0; at < bytes.length;) {
      const done = readOrNull(fd, bytes, { at, length: bytes.length - at });
      if (done === 0) return { bytes: bytes.subarray(0, at), unread };
      at += done ?? readPage(fd, bytes, at, (lost) => (unread += lost));
    }
    return { bytes, unread };
  } finally {
    closeSync(fd);
  }
}

/** One page alone, so that a bad sector takes no other with it. */
function readPage(fd: number, bytes: Buffer, at: number, onLost: (bytes: number) => void): number {
  const length = Math.min(PAGE - (at % PAGE), bytes.length - at);
  const done = readOrNull(fd, bytes, { at, length });
  if (done !== null && done > 0) return done;
  onLost(length);
  return length;
}

function readOrNull(
  fd: number,
  bytes: Buffer,
  { at, length }: { at: number; length: number },
): number | null {
  try {
    return readSync(fd, bytes, at, length, at);
  } catch (error) {
    if (UNREADABLE.has(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
