/** What goes wrong with a directory remote, by name. */
import { errnoOf, HkfsError, isHkfsError } from '../../errors.js';
import { describeFsError } from '../../fs/errors.js';

/** The disk is not there (any more). */
const GONE = new Set([
  'ENOENT',
  'ESTALE',
  'ENOTCONN',
  'ENODEV',
  'ENXIO',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'EREMOTEIO',
]);

export function directoryError(error: unknown, path: string): unknown {
  if (isHkfsError(error)) return error;
  const errno = errnoOf(error) ?? '';
  const own = (error as { path?: unknown }).path;
  const where = typeof own === 'string' ? own : path;
  if (GONE.has(errno))
    return new HkfsError('REMOTE_UNREACHABLE', `${where} is not there`, {
      hint: 'mount the disk of this remote and run the command again',
      cause: error,
    });
  if (errno === 'EBUSY')
    return new HkfsError('REMOTE_UNREACHABLE', `${where} is being made by somebody else`, {
      hint: 'run the command again once the other one is done',
      cause: error,
    });
  if (errno === 'ELOOP') return notAFile(where, error);
  return describeFsError(error, path);
}

export function notAFile(path: string, cause?: unknown): HkfsError {
  return new HkfsError('REMOTE_DAMAGED', `${path} is no regular file; symlinks are not followed`, {
    hint: 'move it away and run the command again',
    ...(cause === undefined ? {} : { cause }),
  });
}
