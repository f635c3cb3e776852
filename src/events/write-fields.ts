/**
 * From the types to what is stored. Refuses whatever the reader would refuse, because an event that
 * cannot be read again would make the whole log unreadable: such a value is a bug, a TypeError.
 */
import { isWellFormed, nameToBytes } from './names.js';
import type { Attributes, Hash, SourceIdentity } from './types.js';

export const MAX_MODE = 0o7777;
/** CBOR's integers: 64 bits and a sign. */
export const MAX_INTEGER = (1n << 64n) - 1n;
export const MIN_INTEGER = -(1n << 64n);
/** Keys of counts: printable ASCII. */
export const COUNT_KEY = /^[!-~]+$/;

const HASH_BYTES = 32;
const BYTE_ORDER_MARK = 0xfeff;
const MAX_NUMBER = BigInt(Number.MAX_SAFE_INTEGER);

/** A count, a size or a position: a whole number from 0 and below 2^53. */
export function natural(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`not a natural number: ${value}`);
  return value;
}

/** A 64-bit integer, not negative. */
export function unsigned(value: bigint): bigint | number {
  if (value < 0n || value > MAX_INTEGER) throw new TypeError(`not an unsigned integer: ${value}`);
  // Stored alike, but cborg takes numbers in a fraction of the time.
  return value <= MAX_NUMBER ? Number(value) : value;
}

/** Any integer that CBOR holds in 65 bits. */
export function integer(value: bigint): bigint {
  if (value < MIN_INTEGER || value > MAX_INTEGER) throw new TypeError(`integer too large: ${value}`);
  return value;
}

/** The 32 bytes of a hash in hexadecimal. */
export function hashBytes(hash: Hash): Uint8Array {
  const bytes = Buffer.from(hash, 'hex');
  if (bytes.length !== HASH_BYTES || hash.length !== 2 * HASH_BYTES)
    throw new TypeError(`not a hash: ${hash}`);
  return bytes;
}

/** Free text: as text where UTF-8 can carry it, else as the raw bytes of a PEP 383 string. */
export function text(value: string): string | Uint8Array {
  return isPlainText(value) ? value : nameToBytes(value);
}

/** cborg's text decoder drops a leading byte order mark, so such texts are stored as bytes too. */
export function isPlainText(value: string): boolean {
  return isWellFormed(value) && value.charCodeAt(0) !== BYTE_ORDER_MARK;
}

export function counts(values: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  for (const [key, value] of Object.entries(values)) {
    if (!COUNT_KEY.test(key)) throw new TypeError(`not the name of a count: ${JSON.stringify(key)}`);
    natural(value);
  }
  return values;
}

export function source(identity: SourceIdentity | null): unknown {
  if (identity === null) return null;
  return [unsigned(identity.device), unsigned(identity.inode), integer(identity.ctimeNs)];
}

/** `[mode, uid, gid, user, group, mtimeNs]`, then the rare ones where there are any. */
export function attributes(of: Attributes): unknown[] {
  if (natural(of.mode) > MAX_MODE) throw new TypeError(`not a mode: ${of.mode}`);
  const fields: unknown[] = [
    of.mode,
    natural(of.uid),
    natural(of.gid),
    of.user === null ? null : text(of.user),
    of.group === null ? null : text(of.group),
    integer(of.mtimeNs),
  ];
  if (hasRare(of)) fields.push(rareAttributes(of));
  return fields;
}

function hasRare({ xattrs, sparse, linkGroup }: Attributes): boolean {
  return sparse === true || linkGroup !== undefined || (xattrs !== undefined && xattrs.length > 0);
}

/** `[xattrs, sparse, linkGroup]`. */
function rareAttributes({ xattrs = [], sparse = false, linkGroup }: Attributes): unknown[] {
  return [
    xattrs.map(([name, value]) => [nameToBytes(name), value]),
    sparse,
    linkGroup === undefined ? null : [unsigned(linkGroup[0]), unsigned(linkGroup[1])],
  ];
}
