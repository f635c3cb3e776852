/** What stands before a header and speaks of it: long names of GNU, records of pax. */
import { nameFromBytes } from '../events/names.js';
import { storedTime } from '../events/stored-time.js';
import type { Globals } from './globals.js';
import { BLOCK, type TarHeader } from './header.js';
import { readXattrs, type ReadXattrs } from './pax-xattrs.js';
import { isMeant, keepsEmpty, parseDecimal, parsePaxTime, type PaxRecord } from './pax.js';
import { parseMapText } from './sparse.js';
import type { TarKind, TarMember } from './tar-member.js';

const NANOSECONDS = 1_000_000_000n;
const MODE_BITS = 0o7777;
/** Beyond 32 bits there are no owners; nobody's number stands for them. */
const MAX_ID = 0xffff_fffe;
const NOBODY = 65_534;
const NO_RECORDS: ReadonlyMap<string, Buffer> = new Map();
const NOTHING: readonly string[] = [];

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
  /** What headers before it said that is not kept, in words. */
  private readonly passed: string[] = [];
  private readonly globals: Globals;
  /** The member's own; an empty one stands over a global record and says nothing. */
  private values: ReadonlyMap<string, Buffer> = NO_RECORDS;
  private pieces: number[] = [];

  constructor(globals: Globals) {
    this.globals = globals;
  }

  /** Of a header of the member's own; one before it counts no more. */
  take(records: readonly PaxRecord[]): void {
    const values = new Map<string, Buffer>();
    this.pieces = [];
    for (const { key, value } of records) {
      // Format 0.0 says offset and length once a piece.
      if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
        this.pieces.push(parseDecimal(value.toString('latin1')) ?? Number.NaN);
      else if (isMeant(key)) values.set(key, Buffer.from(value));
    }
    this.values = values;
  }

  pass(what: string): void {
    this.passed.push(what);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  text(key: string): string | null {
    return this.get(key)?.toString('latin1') ?? null;
  }

  private get(key: string): Buffer | undefined {
    const own = this.values.get(key);
    if (own === undefined) return this.globals.get(key);
    return own.length === 0 && !keepsEmpty(key) ? undefined : own;
  }

  /** Bytes of data in the tar; null where a record has no number. */
  storedSize(header: TarHeader): number | null {
    const size = this.text('size');
    return size === null ? header.size : parseDecimal(size);
  }

  name(header: TarHeader): Buffer {
    return this.get('GNU.sparse.name') ?? this.get('path') ?? this.longName ?? header.name;
  }

  target(header: TarHeader): Buffer {
    return this.get('linkpath') ?? this.longLink ?? header.link;
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
    const { xattrs, lost } = this.xattrs();
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
      xattrs,
      accessAcl: this.acl('SCHILY.acl.access'),
      defaultAcl: this.acl('SCHILY.acl.default'),
      inode: this.inode(),
      lost: this.lost(header, lost),
    };
  }

  private account(key: string, own: Buffer): string | null {
    const bytes = this.get(key) ?? own;
    return bytes.length === 0 ? null : nameFromBytes(bytes);
  }

  private time(header: TarHeader): bigint {
    const text = this.text('mtime');
    const time = (text === null ? null : parsePaxTime(text)) ?? header.mtime * NANOSECONDS;
    return storedTime(time);
  }

  private acl(key: string): string | null {
    const bytes = this.get(key);
    return bytes === undefined ? null : nameFromBytes(bytes);
  }

  private xattrs(): ReadXattrs {
    const shared = this.globals.xattrs();
    if (this.values.size === 0) return shared;
    const own = readXattrs(this.values);
    if (shared.xattrs.size === 0 && shared.lost.length === 0) return own;
    return {
      xattrs: new Map([...shared.xattrs, ...own.xattrs]),
      lost: [...shared.lost, ...own.lost],
    };
  }

  private lost(header: TarHeader, xattrs: readonly string[]): readonly string[] {
    const time = this.text('mtime');
    const isTime = time === null ? !header.unreadable.includes('time') : parsePaxTime(time) !== null;
    const isOwner = this.isOwner(header);
    const isMode = !header.unreadable.includes('mode');
    const hasNfs = this.has('SCHILY.acl.ace');
    if (isTime && isOwner && isMode && !hasNfs && xattrs.length + this.passed.length === 0) return NOTHING;
    return [
      ...(isTime ? [] : ['a time that cannot be read']),
      ...(isOwner ? [] : ['an owner that cannot be read']),
      ...(isMode ? [] : ['a mode that cannot be read']),
      ...(hasNfs ? ['an NFSv4 ACL'] : []),
      ...xattrs,
      ...this.passed,
    ];
  }

  private isOwner(header: TarHeader): boolean {
    const [uid, gid] = [this.text('uid'), this.text('gid')];
    if (uid === null || gid === null) if (header.unreadable.includes('owner')) return false;
    return [uid, gid].every((id) => id === null || parseDecimal(id) !== null);
  }

  private inode(): [bigint, bigint] | null {
    const [device, inode, links] = ['SCHILY.dev', 'SCHILY.ino', 'SCHILY.nlink'].map((key) => this.text(key));
    if (!device || !inode || !/^\d{1,19}$/.test(device) || !/^\d{1,19}$/.test(inode)) return null;
    return links && parseDecimal(links) === 1 ? null : [BigInt(device), BigInt(inode)];
  }
}

function idOf(text: string | null, own: number): number {
  const id = text === null ? own : (parseDecimal(text) ?? own);
  return id > MAX_ID ? NOBODY : id;
}

/** Long names of GNU end with a NUL. */
export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
}

/** One or more NULs may end it, and whole blocks may be filled; zeros in its middle are no part of a name. */
export function isWholeName(bytes: Buffer): boolean {
  const end = bytes.indexOf(0);
  if (end < 0 || end >= bytes.length - 1) return end !== 0;
  return (
    end > 0 &&
    bytes.length % BLOCK === 0 &&
    bytes.length - end < BLOCK &&
    bytes.subarray(end).every((byte) => byte === 0)
  );
}
