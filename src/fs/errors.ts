import { getSystemErrorMap } from 'node:util';
import { errnoNumber, errnoOf, HkfsError, type ErrorCode } from '../errors.js';
import { withoutDescriptors } from './held-directories.js';

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

const FAILING: Meaning = {
  code: 'IO_ERROR',
  says: 'the disk failed to read or write',
  hint: 'Look at dmesg and the disk (smartctl), and run hkfs verify once it is well.',
};
const AWAY: Meaning = {
  code: 'IO_ERROR',
  says: 'the filesystem does not answer any more',
  hint: 'Mount it again, or wait until its server is back, and run the same command again.',
};

/** What a disk or a server that fails gives when bytes are read: the file may be good elsewhere, or later. */
export const READ_FAILURES: ReadonlySet<string> = new Set([
  ...['EIO', 'EBADMSG', 'EUCLEAN', 'ESTALE', 'EREMOTEIO', 'ENODATA', 'EILSEQ', 'EHWPOISON', 'ENXIO'],
  ...['ENOKEY', 'EKEYEXPIRED', 'EKEYREVOKED', 'EKEYREJECTED', 'ETIMEDOUT', 'EHOSTDOWN'],
]);

/** Nothing more can be written, whatever it is. */
export const WRITES_END: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

const EXHAUSTED: Meaning = {
  code: 'NO_RESOURCES',
  says: 'too many files are open',
  hint: 'End other programs, or raise the limit (ulimit -n), and run the same command again.',
};
const UNSUPPORTED: Meaning = {
  code: 'NOT_SUPPORTED',
  says: 'the filesystem cannot do this',
  hint: 'Take another place, on a filesystem such as ext4, xfs, btrfs or zfs.',
};
const IN_USE: Meaning = {
  code: 'BAD_TARGET',
  says: 'it is in use, or something is mounted there',
  hint: 'Unmount it, or end the program that uses it, and run the same command again.',
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
  EFBIG: {
    code: 'NO_SPACE',
    says: 'the filesystem holds no file of this size',
    hint: 'Take another filesystem for it; FAT, say, ends at 4 GiB.',
  },
  EIO: FAILING,
  EUCLEAN: { ...FAILING, says: 'the filesystem is damaged' },
  EBADMSG: { ...FAILING, says: 'the filesystem is damaged' },
  EREMOTEIO: FAILING,
  EHWPOISON: FAILING,
  ENXIO: { ...AWAY, says: 'the disk is gone' },
  ENODEV: { ...AWAY, says: 'the disk is gone' },
  ENOMEDIUM: { ...AWAY, says: 'the disk is gone' },
  ESTALE: AWAY,
  ENOTCONN: AWAY,
  ECONNABORTED: AWAY,
  ETIMEDOUT: AWAY,
  EHOSTDOWN: AWAY,
  ESHUTDOWN: AWAY,
  ENOKEY: { ...FORBIDDEN, says: 'the key of the encrypted folder is not there' },
  ELOOP: {
    code: 'BAD_PATH',
    says: 'too many symbolic links',
    hint: 'A part of the path is a symlink that leads back to itself.',
  },
  ENAMETOOLONG: {
    code: 'BAD_PATH',
    says: 'the path is too long',
    hint: 'A name has up to 255 bytes, on some filesystems fewer; a path from the root has up to 4095.',
  },
  EISDIR: { code: 'NOT_A_FILE', says: 'is a directory', hint: 'Name a file.' },
  EXDEV: {
    code: 'DIFFERENT_FILESYSTEM',
    says: 'is on another filesystem',
    hint: 'Name a place on the same filesystem.',
  },
  EBUSY: IN_USE,
  ETXTBSY: IN_USE,
  EMFILE: EXHAUSTED,
  ENFILE: EXHAUSTED,
  ENOMEM: { ...EXHAUSTED, says: 'not enough memory' },
  EOPNOTSUPP: UNSUPPORTED,
  ENOTSUP: UNSUPPORTED,
  ENOSYS: UNSUPPORTED,
  ENOTDIR: {
    code: 'NOT_A_DIRECTORY',
    says: 'not a directory',
    hint: 'A part of the path is something else than a directory.',
  },
};

/** The disk is full, read-only, failing or gone: not a matter of one name, and nobody's doing by hand. */
export function isOfDisk(errno: string): boolean {
  const code = meaningOf(errno)?.code;
  return code === 'NO_SPACE' || code === 'READ_ONLY' || code === 'IO_ERROR';
}

/**
 * The HkfsError of a system error that stops a whole command, with the error as its cause; any other
 * error as it is. `path` is named where the error itself names none.
 */
export function describeFsError(error: unknown, path?: string): unknown {
  const meaning = meaningOf(errnoOf(error));
  if (meaning === undefined) return error;
  const own = (error as { path?: unknown }).path;
  const where = typeof own === 'string' ? withoutDescriptors(own) : path;
  const message = where === undefined ? meaning.says : `${where}: ${meaning.says}`;
  return new HkfsError(meaning.code, message, { hint: meaning.hint, cause: error });
}

/** One that Node or nobody has a name for comes from a file system, and not from a mistake of ours. */
function meaningOf(errno: string | undefined): Meaning | undefined {
  if (errno === undefined) return undefined;
  const known = MEANINGS[errno];
  if (known !== undefined || isKnownToNode(errno)) return known;
  return { ...FAILING, says: `the filesystem answered with the error ${errno}` };
}

function isKnownToNode(errno: string): boolean {
  const number = errnoNumber(errno);
  return number === undefined || getSystemErrorMap().has(-number);
}
