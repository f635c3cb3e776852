/**
 * Every expected failure of hkfs: a stable code for programs, one line for people, a hint where
 * something can be done about it. Anything else that is thrown is a bug (exit 70).
 */
import { constants } from 'node:os';

/** Exit statuses of the command line (docs/design.md, "Command line"). */
export const EXIT = {
  ok: 0,
  no: 1,
  usage: 2,
  partial: 3,
  damage: 4,
  held: 5,
  notArchive: 6,
  bug: 70,
  interrupted: 130,
} as const;

/** Stable codes; each has one exit status. Codes are part of the contract, messages are not. */
export const ERROR_EXITS = {
  USAGE: EXIT.usage,
  BAD_MOMENT: EXIT.usage,
  BAD_PATH: EXIT.usage,
  BAD_TARGET: EXIT.usage,
  AMBIGUOUS_PREFIX: EXIT.usage,
  NOT_FOUND: EXIT.usage,
  BAD_MANIFEST: EXIT.usage,
  UNKNOWN_ALGORITHM: EXIT.usage,
  NOT_A_FILE: EXIT.usage,
  SOURCE_MISSING: EXIT.usage,
  SOURCE_UNREADABLE: EXIT.partial,
  SOURCE_IN_ARCHIVE: EXIT.usage,
  SOURCES_COLLIDE: EXIT.usage,
  NOT_A_TAR: EXIT.usage,
  PROGRAM_MISSING: EXIT.usage,
  ALREADY_AN_ARCHIVE: EXIT.usage,
  NOT_A_DIRECTORY: EXIT.usage,
  DIRECTORY_NOT_EMPTY: EXIT.usage,
  DIFFERENT_FILESYSTEM: EXIT.usage,
  NO_HARD_LINKS: EXIT.usage,
  ATTRIBUTES_UNREAD: EXIT.usage,
  READ_ONLY: EXIT.usage,
  NO_SPACE: EXIT.usage,
  NO_PERMISSION: EXIT.usage,
  NO_RESOURCES: EXIT.usage,
  BAD_CLOCK: EXIT.usage,
  NOT_SUPPORTED: EXIT.usage,
  IO_ERROR: EXIT.damage,
  BAD_TAG: EXIT.usage,
  TAG_EXISTS: EXIT.usage,
  CANNOT_UNDO: EXIT.usage,
  BAD_KEY: EXIT.usage,
  BAD_NOTE: EXIT.usage,
  BAD_PROOF: EXIT.usage,
  BAD_SIGNATURE: EXIT.damage,
  KEY_MISMATCH: EXIT.usage,
  KEY_DAMAGED: EXIT.damage,
  WRONG_ORIGIN: EXIT.usage,
  HEAD_DIFFERS: EXIT.no,
  FILE_EXISTS: EXIT.usage,
  CONFIRMATION_NEEDED: EXIT.usage,
  NOT_CONFIRMED: EXIT.no,
  TOO_MANY_REMOVED: EXIT.usage,
  OUTPUT_CLOSED: EXIT.partial,
  OUTPUT_FAILED: EXIT.usage,
  NOT_ARCHIVED: EXIT.no,
  LOG_DAMAGED: EXIT.damage,
  LOG_GAP: EXIT.damage,
  LOG_SHORTER: EXIT.damage,
  VIEWS_DAMAGED: EXIT.damage,
  ORIGIN_DAMAGED: EXIT.damage,
  ARCHIVE_FILE_DAMAGED: EXIT.damage,
  OBJECT_MISSING: EXIT.damage,
  OBJECT_COLLECTED: EXIT.usage,
  OBJECT_DAMAGED: EXIT.damage,
  ARCHIVE_HELD: EXIT.held,
  NOT_AN_ARCHIVE: EXIT.notArchive,
  NEWER_FORMAT: EXIT.notArchive,
  UNKNOWN_EVENT: EXIT.notArchive,
  BAD_URL: EXIT.usage,
  REMOTE_NOT_FOUND: EXIT.usage,
  REMOTE_EXISTS: EXIT.usage,
  REMOTE_UNREACHABLE: EXIT.usage,
  REMOTE_DENIED: EXIT.usage,
  NO_BUCKET: EXIT.usage,
  REMOTE_FOREIGN: EXIT.usage,
  REMOTE_INSIDE: EXIT.usage,
  REMOTE_DAMAGED: EXIT.damage,
  REMOTE_DIVERGED: EXIT.damage,
  REMOTE_NEWER: EXIT.notArchive,
  BUNDLE_GAP: EXIT.usage,
  BUNDLE_EXISTS: EXIT.usage,
  CATALOGUE: EXIT.usage,
  INTERRUPTED: EXIT.interrupted,
} as const;

export type ErrorCode = keyof typeof ERROR_EXITS;

export class HkfsError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(withoutSecrets(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HkfsError';
    this.code = code;
    this.hint = options.hint === undefined ? undefined : withoutSecrets(options.hint);
  }

  get exitCode(): number {
    return ERROR_EXITS[this.code];
  }
}

/** In a URL: the user and password before the host, and what a parameter with such a name says. */
const URL_IN_TEXT = /[a-z][a-z0-9+.-]*:\/+[^\s"'<>]+/gi;
const USER = /^([^:]+:\/+)[^/?#]*@/;
const SECRET_PARAMETER =
  /([?&][^=&#]*(?:secret|token|passw|pwd|signature|credential|access.?key|api.?key|auth)[^=&#]*=)(?!\/)[^&#]*/gi;

/**
 * A text that may be shown and logged: of URLs in it without what could be a secret. Taken for a path, as happens,
 * a URL has one slash.
 */
export function withoutSecrets(text: string): string {
  if (!text.includes(':/')) return text;
  return text.replace(URL_IN_TEXT, (url) => url.replace(USER, '$1***@').replace(SECRET_PARAMETER, '$1***'));
}

/** True for an HkfsError, also one made in another realm or copy of this module. */
export function isHkfsError(error: unknown, code?: ErrorCode): error is HkfsError {
  if (typeof error !== 'object' || error === null) return false;
  const candidate = error as { name?: unknown; code?: unknown };
  if (candidate.name !== 'HkfsError') return false;
  return code === undefined || candidate.code === code;
}

/** Second names of one number on Linux. */
const SECOND_NAMES = new Set(['EOPNOTSUPP', 'EWOULDBLOCK']);

/** Errnos that file systems give and that Node lists nowhere. */
const UNLISTED: readonly (readonly [number, string])[] = [
  [64, 'ENONET'],
  [70, 'ECOMM'],
  [77, 'EBADFD'],
  [108, 'ESHUTDOWN'],
  [112, 'EHOSTDOWN'],
  [117, 'EUCLEAN'],
  [121, 'EREMOTEIO'],
  [123, 'ENOMEDIUM'],
  [124, 'EMEDIUMTYPE'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
  [128, 'EKEYREVOKED'],
  [129, 'EKEYREJECTED'],
  [133, 'EHWPOISON'],
];

/** All of Linux's errnos that have a name here, by number. */
const ERRNO_NAMES: ReadonlyMap<number, string> = new Map([
  ...UNLISTED,
  ...Object.entries(constants.errno)
    .filter(([name]) => !SECOND_NAMES.has(name))
    .map(([name, number]): [number, string] => [number, name]),
]);

/** `EUCLEAN` for 117; `E999` for one that nobody named. */
export function errnoName(number: number): string {
  return ERRNO_NAMES.get(number) ?? `E${number}`;
}

/** 117 for `EUCLEAN`, and 999 for `E999`; undefined for what is no errno. */
export function errnoNumber(name: string): number | undefined {
  for (const [number, other] of ERRNO_NAMES) if (other === name) return number;
  const match = /^E(\d+)$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** What Node puts in the place of a name that libuv does not know: EDQUOT, ESTALE, EUCLEAN and others. */
const NAMELESS = /^Unknown system error -?(\d+)$/;

/** The errno name of a system error (`ENOENT`, …), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  const nameless = NAMELESS.exec(code);
  if (nameless) return errnoName(Number(nameless[1]));
  // Some calls of Node give nothing but this for a number that it does not know.
  if (code === 'UNKNOWN' && 'syscall' in error) return 'EREMOTEIO';
  return /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * What `act` gives, and then `close`, whatever happened. Where both fail, what failed first is the reason for
 * the rest, and is what is told: `finally` would tell the last.
 */
export async function closingAfter<T>(act: () => Promise<T>, close: () => unknown): Promise<T> {
  let result: T;
  try {
    result = await act();
  } catch (error) {
    await closeQuietly(close);
    throw error;
  }
  await close();
  return result;
}

/** Each of the steps, whatever the others do. @throws what failed first */
export async function closingAll(steps: readonly (() => unknown)[]): Promise<void> {
  const [first, ...rest] = steps;
  if (first !== undefined)
    await closingAfter(
      async () => first(),
      () => closingAll(rest),
    );
}

/** After a failure that is on its way to be told, and that a failure of closing must not take the place of. */
export async function closeQuietly(close: () => unknown): Promise<void> {
  try {
    await close();
  } catch {
    // What failed before is told.
  }
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** "1 event", "12,345 events": a number of things in a message. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
