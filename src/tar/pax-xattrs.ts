/** Extended attributes as records of pax spell them: raw by star and GNU tar, in base64 by libarchive. */
import { nameFromBytes } from '../events/names.js';
import { LIBARCHIVE_XATTR, SCHILY_XATTR } from './pax.js';

export interface ReadXattrs {
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** What cannot be an attribute here, in words. */
  readonly lost: readonly string[];
}

const NONE: ReadXattrs = { xattrs: new Map(), lost: [] };
const BASE64 = /^[A-Za-z0-9+/]*={0,2}\s*$/;

export function readXattrs(records: ReadonlyMap<string, Buffer>): ReadXattrs {
  if (records.size === 0) return NONE;
  const xattrs = new Map<string, Uint8Array>();
  const lost = new Set<string>();
  for (const [key, value] of records) readRecord({ key, value }, xattrs, lost);
  for (const name of xattrs.keys()) {
    if (name !== '' && !name.includes('\0')) continue;
    xattrs.delete(name);
    lost.add(
      name === '' ? 'an extended attribute without a name' : 'an extended attribute with a NUL in its name',
    );
  }
  return xattrs.size === 0 && lost.size === 0 ? NONE : { xattrs, lost: [...lost] };
}

function readRecord(
  { key, value }: { key: string; value: Buffer },
  xattrs: Map<string, Uint8Array>,
  lost: Set<string>,
): void {
  if (key.startsWith(LIBARCHIVE_XATTR)) {
    const name = decodeUrl(key.slice(LIBARCHIVE_XATTR.length));
    const text = value.toString('latin1');
    if (!BASE64.test(text)) lost.add('an extended attribute that is no base64');
    else if (!xattrs.has(name)) xattrs.set(name, Buffer.from(text, 'base64'));
  } else if (key.startsWith(SCHILY_XATTR)) {
    xattrs.set(unescapeKey(key.slice(SCHILY_XATTR.length)), value);
  } else if (key === 'RHT.security.selinux' && !xattrs.has('security.selinux')) {
    // The kernel's value ends with a NUL, the record's does not.
    xattrs.set('security.selinux', Buffer.concat([value, Buffer.alloc(1)]));
  }
}

/** GNU tar escapes these two in names of attributes. */
function unescapeKey(key: string): string {
  return key.replace(/%3D|%25/g, (escape) => (escape === '%25' ? '%' : '='));
}

function decodeUrl(key: string): string {
  const bytes = key.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return nameFromBytes(Buffer.from(bytes, 'latin1'));
}
