import { HkfsError, errnoOf, type ErrorCode } from '../errors.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly says: string;
  readonly hint: string;
}

const FULL: Meaning = {
  code: 'NO_SPACE',
  says: 'no space left',
  hint: 'Free some space and run the command again; what is stored already is not stored twice.',
};
const FORBIDDEN: Meaning = {
  code: 'NO_PERMISSION',
  says: 'permission denied',
  hint: 'Check owner and mode of the path, or run as the user who owns it.',
};

/** The errnos of Linux that stop a whole command whatever it was doing. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: { ...FULL, says: 'disk quota exceeded' },
  EACCES: FORBIDDEN,
  EPERM: { ...FORBIDDEN, says: 'operation not permitted' },
  EROFS: {
    code: 'READ_ONLY',
    says: 'the filesystem is read-only',
    hint: 'Mount it writable; after a disk error the kernel may have made it read-only (see dmesg).',
  },
  EIO: {
    code: 'IO_ERROR',
    says: 'the disk failed to read or write',
    hint: 'Look at dmesg and the disk (smartctl), and run hkfs verify once it is well.',
  },
  ENOTDIR: {
    code: 'NOT_A_DIRECTORY',
    says: 'not a directory',
    hint: 'A part of the path is something else than a directory.',
  },
};

/**
 * The HkfsError of a system error that stops a whole command, with the error as its cause; any other
 * error as it is. `path` is named where the error itself names none.
 */
export function describeFsError(error: unknown, path?: string): unknown {
  const meaning = MEANINGS[errnoOf(error) ?? ''];
  if (meaning === undefined) return error;
  const own = (error as { path?: unknown }).path;
  const where = typeof own === 'string' ? own : path;
  const message = where === undefined ? meaning.says : `${where}: ${meaning.says}`;
  return new HkfsError(meaning.code, message, { hint: meaning.hint, cause: error });
}
