/** Commit records as stored: `[format, first, count, timeMs, operation, range]`, the range's hashes joined. */
import { HkfsError } from '../errors.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { HASH_BYTES, subtreesOf } from './merkle.js';
import type { CommitRecord, Position } from './types.js';

const NEWEST = 2;

export function encodeCommit(commit: CommitRecord): Buffer {
  const { format, first, count, timeMs, operation, range } = commit;
  return Buffer.from(encodeCbor([format, first, count, timeMs, operation, Buffer.concat(range)]));
}

/**
 * The commit record stored for `first`.
 *
 * @throws HkfsError LOG_DAMAGED when it is not one, or is that of another position; UNKNOWN_EVENT
 * when a newer hkfs wrote it.
 */
export function decodeCommit(bytes: Uint8Array, first: Position): CommitRecord {
  return fromFields(arrayIn(bytes, first), first);
}

/** A commit record from outside, of whatever position it says. Throws as {@link decodeCommit}. */
export function decodeLooseCommit(bytes: Uint8Array): CommitRecord {
  const fields = arrayIn(bytes, null);
  const [, first] = fields;
  if (!isNatural(first)) throw damaged(null);
  return fromFields(fields, first);
}

function fromFields(fields: readonly unknown[], first: Position): CommitRecord {
  const [format, stored, count, timeMs, operation, joined] = fields;
  if (isNatural(format) && format > NEWEST) throw newer(first);
  if ((format !== 1 && format !== 2) || stored !== first) throw damaged(first);
  if (!isNatural(count) || count < 1 || !isNatural(timeMs) || !isNatural(operation)) throw damaged(first);
  if (!(joined instanceof Uint8Array)) throw damaged(first);
  const range = splitHashes(joined);
  if (joined.length % HASH_BYTES !== 0 || range.length !== subtreesOf(first + count)) throw damaged(first);
  return { format, first, count, timeMs, operation, range };
}

function arrayIn(bytes: Uint8Array, first: Position | null): readonly unknown[] {
  let value: unknown;
  try {
    value = decodeCbor(bytes);
  } catch (cause) {
    throw damaged(first, cause);
  }
  if (!Array.isArray(value)) throw damaged(first);
  return value;
}

function splitHashes(joined: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < joined.length; at += HASH_BYTES) hashes.push(joined.subarray(at, at + HASH_BYTES));
  return hashes;
}

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function damaged(first: Position | null, cause?: unknown): HkfsError {
  const which = first === null ? 'a commit record' : `the commit record of event ${first}`;
  return new HkfsError('LOG_DAMAGED', `${which} is damaged`, { cause });
}

function newer(first: Position): HkfsError {
  return new HkfsError('UNKNOWN_EVENT', `the commit record of event ${first} has an unknown version`, {
    hint: 'a newer hkfs wrote this archive: upgrade hkfs',
  });
}
