/** Extended headers of POSIX (pax): keys and values of any length before the member that they speak of. */
import { isUtf8 } from 'node:buffer';
import { BLOCK, headerBlock, NAME_BYTES, paddingOf } from './write-block.js';
import { isAscii, lastName, toBuffer, type ByteString } from './write-bytes.js';

const NANOSECONDS = 1_000_000_000n;
/** Of the stand-in names of extended headers. */
export const PAX_FOLDER = 'PaxHeaders/';

export type PaxRecord = readonly [key: ByteString, value: ByteString];

/** The header and its records; empty where there are none. */
export function paxHeader(path: ByteString, mtime: number, records: readonly PaxRecord[]): Buffer {
  if (records.length === 0) return Buffer.alloc(0);
  const text = records.map(([key, value]) => paxRecord(key, value)).join('');
  const name = standInName(PAX_FOLDER, path);
  const block = headerBlock({ type: 'x', name, mode: 0o644, uid: 0, gid: 0, size: text.length, mtime });
  const bytes = Buffer.alloc(BLOCK + text.length + paddingOf(text.length));
  block.copy(bytes);
  bytes.write(text, BLOCK, text.length, 'latin1');
  return bytes;
}

/** `LENGTH KEY=VALUE`, and the length counts its own digits. */
export function paxRecord(key: ByteString, value: ByteString): ByteString {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** Seconds with as many digits after the point as it takes; before 1970 with a minus before it all. */
export function paxTime(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns;
  const seconds = `${ns < 0n ? '-' : ''}${absolute / NANOSECONDS}`;
  const rest = absolute % NANOSECONDS;
  return rest === 0n ? seconds : `${seconds}.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
}

/** Names are UTF-8 there; where one is not, a record before them says that they are bytes. */
export function charsetRecords(names: readonly ByteString[]): PaxRecord[] {
  const isText = names.every((name) => isAscii(name) || isUtf8(toBuffer(name)));
  return isText ? [] : [['hdrcharset', 'BINARY']];
}

/** In the key `=` would end it; GNU tar escapes it so, and the sign that it escapes with. */
export function xattrKey(name: ByteString): ByteString {
  return `SCHILY.xattr.${name.replaceAll('%', '%25').replaceAll('=', '%3D')}`;
}

/** For readers that do not know what the block is: a name that is no other member's, in ASCII. */
export function standInName(folder: string, path: ByteString): ByteString {
  const name = lastName(path.endsWith('/') ? path.slice(0, -1) : path).replaceAll(/[^\x20-\x7e]/g, '_');
  return folder + name.slice(0, NAME_BYTES - folder.length);
}
