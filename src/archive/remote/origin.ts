/**
 * `origin.json`: where a clone came from. While it says `cloning`, the directory is no archive yet; from then on
 * `archive.json` says that there is one, so that a clone whose `origin.json` was lost is not taken for an archive.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import type { Head, Position } from '../../events/types.js';
import { writeFileDurably } from '../../fs/durable.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';

export interface Origin {
  /** Of the remote, as it was given. */
  readonly url: string;
  readonly archive: string;
  /** What the clone is to have. */
  readonly head: Head;
  /** `catalogue`: names only; contents are fetched when they are asked for. */
  readonly state: 'cloning' | 'catalogue' | 'complete';
  /** Events that the remote of this URL has had; of clones of earlier versions nobody knows. */
  readonly seen?: Position;
  /** Of the run that began, while `cloning`. */
  readonly bootId?: string | null;
}

/**
 * Null for an archive that is no clone.
 *
 * @throws HkfsError ORIGIN_DAMAGED: what cannot be read is never "not there", or a clone would get a history of
 *   its own
 */
export function readOrigin(layout: Layout): Origin | null {
  const text = textOf(layout.origin);
  if (text === null) {
    if (archiveFileIn(layout)?.['origin'] === true)
      throw damaged(layout, 'it is not there, and archive.json says that this is a clone');
    return null;
  }
  const { checksum, ...origin } = parse(layout, text);
  if (!isOrigin(origin)) throw damaged(layout, 'it is not what hkfs wrote');
  if (checksum !== undefined && checksum !== checksumOf(origin))
    throw damaged(layout, 'it has other bytes than were written');
  return origin;
}

/** One line for each field: what an earlier version wrote has no checksum. */
export function writeOrigin(layout: Layout, origin: Origin): void {
  const checked = { ...origin, checksum: checksumOf(origin) };
  writeFileDurably(layout.origin, Buffer.from(`${JSON.stringify(checked, null, 2)}\n`), 0o644);
  noteInArchiveFile(layout);
}

/** A clone of an earlier version says it from its next `pull` on. */
function noteInArchiveFile(layout: Layout): void {
  const file = archiveFileIn(layout);
  if (file === null || file['origin'] === true) return;
  const text = `${JSON.stringify({ ...file, origin: true }, null, 2)}\n`;
  writeFileDurably(layout.archiveFile, Buffer.from(text), 0o644);
}

/** Null where there is none yet, or it cannot be read, which whoever opens the archive is told. */
function archiveFileIn({ archiveFile }: Layout): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(textOf(archiveFile) ?? 'null');
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(toFsPath(path), 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
    if (errno === 'EISDIR') return '';
    throw error;
  }
}

function parse(layout: Layout, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged(layout, 'it is not what hkfs wrote');
}

const STATES: readonly unknown[] = ['cloning', 'catalogue', 'complete'] satisfies Origin['state'][];
const FIELDS: ReadonlySet<string> = new Set(['url', 'archive', 'head', 'state', 'seen', 'bootId']);

function isOrigin(value: object): value is Origin {
  const { url, archive, head, state, seen = 0 } = value as Partial<Record<keyof Origin, unknown>>;
  const { size, root } = (head ?? {}) as Partial<Head>;
  return (
    Object.keys(value).every((field) => FIELDS.has(field)) &&
    typeof url === 'string' &&
    typeof archive === 'string' &&
    Number.isSafeInteger(size) &&
    Number.isSafeInteger(seen) &&
    /^[0-9a-f]{64}$/.test(root ?? '') &&
    STATES.includes(state)
  );
}

/** With a field more where one is there: what has it not has the checksum that it always had. */
function checksumOf({ url, archive, head, state, seen, bootId = null }: Origin): string {
  const more = seen === undefined ? [] : [seen];
  const fields = JSON.stringify([url, archive, head.size, head.root, state, bootId, ...more]);
  return createHash('sha256').update(fields).digest('hex');
}

function damaged(layout: Layout, what: string): HkfsError {
  return new HkfsError('ORIGIN_DAMAGED', `${layout.origin}: ${what}`, {
    hint: 'bring it back from a copy of this clone; or `hkfs recover --from` where it came from writes it anew',
  });
}

/** A clone in which nothing has happened of itself: its log is wholly its origin's. */
export function isPureClone({ layout, log }: { layout: Layout; log: { size: number } }): boolean {
  return (readOrigin(layout)?.head.size ?? -1) === log.size;
}
