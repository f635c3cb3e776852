/** What stands before a header and speaks of it: long names of GNU, records of pax. */
import { nameFromBytes } from '../events/names.js';
import { storedTime } from '../events/stored-time.js';
import type { TarHeader } from './header.js';
import { parseDecimal, parsePaxTime, type PaxRecord } from './pax.js';
import { parseMapText } from './sparse.js';
import type { TarKind, TarMember } from './tar-member.js';

const SCHILY_XATTR = 'SCHILY.xattr.';
const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.';
const NANOSECONDS = 1_000_000_000n;
const MODE_BITS = 0o7777;
/** Beyond 32 bits there are no owners; nobody's number stands for them. */
const MAX_ID = 0xffff_fffe;
const NOBODY = 65_534;

/** A sparse file as the records tell it; `map` is null where it is in the data (format 1.0). */
export interface PaxSparse {
  readonly map: number[] | null;
  readonly size: number;
}

/** The records of a global header, with those of the member's own header over them. */
export class Extensions {
  longName: Buffer | null = null;
  longLink: Buffer | null = null;
  /** Where the first of them begins. */
  at: number | null = null;
  /** Why the member they belong to cannot be believed. */
  spoiled: string | null = null;
  private readonly globals: ReadonlyMap<string, Buffer>;
  private values: Map<string, Buffer>;
  private pieces: number[] = [];

  constructor(globals: ReadonlyMap<string, Buffer>) {
    this.globals = globals;
    this.values = new Map(globals);
  }

  /** Of a header of the member's own; one before it counts no more. */
  take(records: readonly PaxRecord[]): void {
    this.values = new Map(this.globals);
    this.pieces = [];
    for (const { key, value } of records) {
      // Format 0.0 says offset and length once a piece.
      if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
        this.pieces.push(parseDecimal(value.toString('latin1')) ?? Number.NaN);
      setRecord(this.values, { key, value });
    }
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  text(key: string): string | null {
    return this.values.get(key)?.toString('latin1') ?? null;
  }

  /** Bytes of data in the tar; null where a record has no number. */
  storedSize(header: TarHeader): number | null {
    const size = this.text('size');
    return size === null ? header.size : parseDecimal(size);
  }

  name(header: TarHeader): Buffer {
    return this.values.get('GNU.sparse.name') ?? this.values.get('path') ?? this.longName ?? header.name;
  }

  target(header: TarHeader): Buffer {
    return this.values.get('linkpath') ?? this.longLink ?? header.link;
  }

  /** Null for what is no sparse file; undefined where the records contradict themselves. */
  sparse(): PaxSparse | null | undefined {
    if (this.text('GNU.sparse.major') === '1') {
      const size = parseDecimal(this.text('GNU.sparse.realsize') ?? '');
      return size === null ? undefined : { map: null, size };
    }
    const map = this.text('GNU.sparse.map');
    if (map === null && this.pieces.length === 0) return null;
    const size = parseDecimal(this.text('GNU.sparse.size') ?? this.text('GNU.sparse.realsize') ?? '');
    const extents = map === null ? this.pieces : parseMapText(map);
    return size === null || extents === null || extents.some(Number.isNaN)
      ? undefined
      : { map: extents, size };
  }

  /** The member that the header and these say together. */
  member(header: TarHeader, about: { at: number; kind: TarKind; size: number; sparse: boolean }): TarMember {
    return {
      ...about,
      at: this.at ?? about.at,
      name: this.name(header),
      target: this.target(header),
      mode: header.mode & MODE_BITS,
      uid: idOf(this.text('uid'), header.uid),
      gid: idOf(this.text('gid'), header.gid),
      user: this.account('uname', header.user),
      group: this.account('gname', header.group),
      mtimeNs: this.time(header),
      major: parseDecimal(this.text('SCHILY.devmajor') ?? '') ?? header.major,
      minor: parseDecimal(this.text('SCHILY.devminor') ?? '') ?? header.minor,
      xattrs: this.xattrs(),
      accessAcl: this.acl('SCHILY.acl.access'),
      defaultAcl: this.acl('SCHILY.acl.default'),
      inode: this.inode(),
    };
  }

  private account(key: string, own: Buffer): string | null {
    const bytes = this.values.get(key) ?? own;
    return bytes.length === 0 ? null : nameFromBytes(bytes);
  }

  private time(header: TarHeader): bigint {
    const text = this.text('mtime');
    const time = (text === null ? null : parsePaxTime(text)) ?? header.mtime * NANOSECONDS;
    return storedTime(time);
  }

  private acl(key: string): string | null {
    const bytes = this.values.get(key);
    return bytes === undefined ? null : nameFromBytes(bytes);
  }

  private xattrs(): Map<string, Uint8Array> {
    const xattrs = new Map<string, Uint8Array>();
    for (const [key, value] of this.values) {
      if (key.startsWith(LIBARCHIVE_XATTR)) {
        const name = decodeUrl(key.slice(LIBARCHIVE_XATTR.length));
        if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value.toString('latin1'), 'base64'));
      } else if (key.startsWith(SCHILY_XATTR)) {
        xattrs.set(unescapeKey(key.slice(SCHILY_XATTR.length)), Buffer.from(value));
      } else if (key === 'RHT.security.selinux' && !xattrs.has('security.selinux')) {
        // The kernel's value ends with a NUL, the record's does not.
        xattrs.set('security.selinux', Buffer.concat([value, Buffer.alloc(1)]));
      }
    }
    for (const name of xattrs.keys()) if (name === '' || name.includes('\0')) xattrs.delete(name);
    return xattrs;
  }

  private inode(): [bigint, bigint] | null {
    const [device, inode, links] = ['SCHILY.dev', 'SCHILY.ino', 'SCHILY.nlink'].map((key) => this.text(key));
    if (!device || !inode || !/^\d{1,19}$/.test(device) || !/^\d{1,19}$/.test(inode)) return null;
    return links && parseDecimal(links) === 1 ? null : [BigInt(device), BigInt(inode)];
  }
}

/** An empty value takes a record of a global header away. */
export function setRecord(values: Map<string, Buffer>, { key, value }: PaxRecord): void {
  const keepsEmpty = key.startsWith(SCHILY_XATTR) || key.startsWith(LIBARCHIVE_XATTR);
  if (value.length === 0 && !keepsEmpty) values.delete(key);
  else values.set(key, Buffer.from(value));
}

function idOf(text: string | null, own: number): number {
  const id = text === null ? own : (parseDecimal(text) ?? own);
  return id > MAX_ID ? NOBODY : id;
}

/** GNU tar escapes these two in names of attributes. */
function unescapeKey(key: string): string {
  return key.replace(/%3D|%25/g, (escape) => (escape === '%25' ? '%' : '='));
}

function decodeUrl(key: string): string {
  const bytes = key.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return nameFromBytes(Buffer.from(bytes, 'latin1'));
}

/** Long names of GNU end with a NUL. */
export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
}
