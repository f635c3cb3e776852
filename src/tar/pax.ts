/** Extended headers of pax: records `LENGTH KEY=VALUE\n`, values are raw bytes. */
import { nameFromBytes } from '../events/names.js';
import { BLOCK } from './header.js';

const SPACE = 0x20;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const NANOSECONDS = 1_000_000_000n;

export const SCHILY_XATTR = 'SCHILY.xattr.';
export const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.';
const MEANT: ReadonlySet<string> = new Set([
  'path',
  'linkpath',
  'size',
  'uid',
  'gid',
  'uname',
  'gname',
  'mtime',
]);
const MEANT_OF = ['GNU.', 'SCHILY.', 'LIBARCHIVE.', 'RHT.'] as const;

/** Whether anything is made of a record; others, as comments, are not kept. */
export function isMeant(key: string): boolean {
  return MEANT.has(key) || MEANT_OF.some((vendor) => key.startsWith(vendor));
}

/** An attribute may be empty; any other empty record takes away what stood for it. */
export function keepsEmpty(key: string): boolean {
  return key.startsWith(SCHILY_XATTR) || key.startsWith(LIBARCHIVE_XATTR);
}

export interface PaxRecord {
  readonly key: string;
  readonly value: Buffer;
}

export interface PaxRecords {
  readonly records: readonly PaxRecord[];
  /** Where a record begins that is none; null where all are. */
  readonly brokenAt: number | null;
}

export function parsePax(bytes: Buffer): PaxRecords {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0 && isPadding(bytes, at)) break;
    const record = recordAt(bytes, at);
    if (record === null) return { records, brokenAt: at };
    records.push(record);
    at = record.end;
  }
  return { records, brokenAt: null };
}

/** Some writers fill up to a block and count that; zeros that begin elsewhere stand where records were. */
function isPadding(bytes: Buffer, at: number): boolean {
  const isFilled = at > 0 && bytes.length % BLOCK === 0 && bytes.length - at < BLOCK;
  return isFilled && bytes.subarray(at).every((byte) => byte === 0);
}

/** Seconds with a fraction, exactly; digits below nanoseconds are dropped. Null for what is no time. */
export function parsePaxTime(text: string): bigint | null {
  const match = /^(-?)(\d+)(?:[.,](\d*))?$/.exec(text);
  if (match === null) return null;
  const [, sign, seconds = '', fraction = ''] = match;
  const value = BigInt(seconds) * NANOSECONDS + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -value : value;
}

/** A whole number below 2^53, zeros in front or not, else null. */
export function parseDecimal(text: string): number | null {
  if (!/^0*\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function recordAt(bytes: Buffer, at: number): (PaxRecord & { end: number }) | null {
  const space = bytes.indexOf(SPACE, at);
  if (space < 0 || space - at > 12) return null;
  const length = parseDecimal(bytes.toString('latin1', at, space));
  if (length === null || length === 0) return null;
  const end = at + length;
  const equals = bytes.indexOf(EQUALS, space);
  if (end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== NEWLINE) return null;
  const key = nameFromBytes(bytes.subarray(space + 1, equals));
  return { key, value: bytes.subarray(equals + 1, end - 1), end };
}
