/** What stands before a member's bytes in each format, and what the format cannot hold of it. */
import {
  ACCOUNT_BYTES,
  headerBlock,
  MAX_ID,
  MAX_SIZE,
  NAME_BYTES,
  paddingOf,
  PREFIX_BYTES,
  type TypeFlag,
} from './write-block.js';
import { isAscii, toBuffer, type ByteString } from './write-bytes.js';
import { charsetRecords, paxHeader, paxTime, standInName, xattrKey, type PaxRecord } from './write-pax.js';
import { dataBytes, oldSparseHeader, sparseMap, type DataRange } from './write-sparse.js';

export const TAR_FORMATS = ['pax', 'gnu', 'ustar'] as const;
export type TarFormat = (typeof TAR_FORMATS)[number];

export type MemberKind = 'file' | 'link' | 'symlink' | 'directory' | 'fifo' | 'chardev' | 'blockdev';

export interface Member {
  readonly kind: MemberKind;
  /** Without slashes at its ends. */
  readonly path: ByteString;
  /** Of a symlink its text, of a link the path of the member that it is one inode with. */
  readonly target: ByteString;
  /** Of the content; 0 for all but files. */
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: ByteString;
  readonly group: ByteString;
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
  /** ACLs in text form, by the names that they have there. */
  readonly acls: readonly (readonly [kind: 'access' | 'default', text: string])[];
  readonly xattrs: readonly (readonly [name: ByteString, value: ByteString])[];
  /** Where a file with holes has its data; null: it has none. */
  readonly ranges: readonly DataRange[] | null;
}

/** What a format cannot hold of a member that it holds. */
export const LOSSES = {
  nanoseconds: 'the nanoseconds of times',
  time: 'times before 1970 or after 2242',
  owner: 'numbers of owners above 2097151: 65534 is written, without setuid and setgid',
  accounts: 'names of owners and groups above 31 bytes',
  xattrs: 'extended attributes',
  acls: 'ACLs',
  holes: 'holes: zeros are written',
} as const;
export type Loss = keyof typeof LOSSES;

/** What a format cannot hold at all. */
export const REFUSALS = {
  name: 'names above 100 bytes that cannot be split at a slash, 155 before and 100 after it',
  target: 'link targets above 100 bytes',
  size: 'files of 8 GiB and more',
} as const;
export type Refusal = keyof typeof REFUSALS;

export type Encoded =
  { readonly head: Buffer; readonly losses: readonly Loss[] } | { readonly refused: Refusal };

/** The user that owns nothing: what GNU tar writes where a number does not fit. */
const NOBODY = 65_534;
const SET_ID_BITS = 0o6000;
const NANOSECONDS = 1_000_000_000n;
const TYPES: Readonly<Record<MemberKind, TypeFlag>> = {
  file: '0',
  link: '1',
  symlink: '2',
  chardev: '3',
  blockdev: '4',
  directory: '5',
  fifo: '6',
};

/** Everything before the member's data; the data and zeros up to a whole block are to follow. */
export function encodeMember(member: Member, format: TarFormat): Encoded {
  if (format === 'pax') return { head: paxMember(member), losses: [] };
  return format === 'gnu' ? gnuMember(member) : ustarMember(member);
}

/** Bytes of data that follow the head. */
export function dataSize({ ranges, size }: Member): number {
  return ranges === null ? size : dataBytes(ranges);
}

function paxMember(member: Member): Buffer {
  const { ranges, size } = member;
  const name = fullName(member);
  const map = ranges === null ? null : sparseMap(ranges, size);
  const stored = map === null ? size : map.length + dataSize(member);
  const seconds = wholeSeconds(member);
  const records = paxRecords(member, name, stored);
  const block = headerBlock({
    ...commonFields(member),
    name: map !== null ? standInName('GNUSparseFile.0/', name) : fitsName(name) ? name : cut(name),
    target: fitsName(member.target) ? member.target : cut(member.target),
    uid: member.uid > MAX_ID ? NOBODY : member.uid,
    gid: member.gid > MAX_ID ? NOBODY : member.gid,
    size: stored > MAX_SIZE ? 0 : stored,
    mtime: clampTime(seconds),
    user: fitsAccount(member.user) ? member.user : '',
    group: fitsAccount(member.group) ? member.group : '',
  });
  const header = paxHeader(name, clampTime(seconds), records);
  return Buffer.concat(map === null ? [header, block] : [header, block, map]);
}

function paxRecords(member: Member, name: ByteString, stored: number): PaxRecord[] {
  const { target, user, group, uid, gid, mtimeNs, ranges, size } = member;
  const records: PaxRecord[] = [];
  if (ranges === null && !fitsName(name)) records.push(['path', name]);
  if (!fitsName(target)) records.push(['linkpath', target]);
  if (stored > MAX_SIZE) records.push(['size', String(stored)]);
  if (uid > MAX_ID) records.push(['uid', String(uid)]);
  if (gid > MAX_ID) records.push(['gid', String(gid)]);
  if (!fitsAccount(user)) records.push(['uname', user]);
  if (!fitsAccount(group)) records.push(['gname', group]);
  if (!isWholeTime(mtimeNs)) records.push(['mtime', paxTime(mtimeNs)]);
  if (ranges !== null)
    records.push(
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.name', name],
      ['GNU.sparse.realsize', String(size)],
    );
  for (const [kind, text] of member.acls) records.push([`SCHILY.acl.${kind}`, text]);
  for (const [key, value] of member.xattrs) records.push([xattrKey(key), value]);
  return [...charsetRecords([name, target, user, group]), ...records];
}

function gnuMember(member: Member): Encoded {
  const { ranges, target, user, group, size } = member;
  const name = fullName(member);
  const block = headerBlock({
    ...commonFields(member),
    type: ranges === null ? TYPES[member.kind] : 'S',
    name: name.slice(0, NAME_BYTES),
    target: target.slice(0, NAME_BYTES),
    size: dataSize(member),
    user: user.slice(0, ACCOUNT_BYTES),
    group: group.slice(0, ACCOUNT_BYTES),
    gnu: true,
  });
  const longs = [
    ...(target.length > NAME_BYTES ? [longName('K', target)] : []),
    ...(name.length > NAME_BYTES ? [longName('L', name)] : []),
  ];
  const header = ranges === null ? block : oldSparseHeader(block, ranges, size);
  return { head: Buffer.concat([...longs, header]), losses: lossesOf(member) };
}

function longName(type: 'K' | 'L', name: ByteString): Buffer {
  const size = name.length + 1;
  const fields = { name: '././@LongLink', mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  const block = headerBlock({ type, ...fields, size, user: 'root', group: 'root', gnu: true });
  return Buffer.concat([block, toBuffer(name), Buffer.alloc(1 + paddingOf(size))]);
}

function ustarMember(member: Member): Encoded {
  const { target, user, group, uid, gid, mode, size } = member;
  const place = splitName(fullName(member));
  if (place === null) return { refused: 'name' };
  if (target.length > NAME_BYTES) return { refused: 'target' };
  if (size > MAX_SIZE) return { refused: 'size' };
  const isForeign = uid > MAX_ID || gid > MAX_ID;
  const head = headerBlock({
    ...commonFields(member),
    ...place,
    target,
    mode: isForeign ? mode & ~SET_ID_BITS : mode,
    uid: uid > MAX_ID ? NOBODY : uid,
    gid: gid > MAX_ID ? NOBODY : gid,
    size,
    mtime: clampTime(wholeSeconds(member)),
    user: user.slice(0, ACCOUNT_BYTES),
    group: group.slice(0, ACCOUNT_BYTES),
  });
  const losses: Loss[] = [...lossesOf(member)];
  if (isForeign) losses.push('owner');
  if (clampTime(wholeSeconds(member)) !== wholeSeconds(member)) losses.push('time');
  if (member.ranges !== null) losses.push('holes');
  return { head, losses };
}

/** Those of both old formats. */
function lossesOf({ mtimeNs, user, group, xattrs, acls }: Member): Loss[] {
  const losses: Loss[] = [];
  if (mtimeNs % NANOSECONDS !== 0n) losses.push('nanoseconds');
  if (user.length > ACCOUNT_BYTES || group.length > ACCOUNT_BYTES) losses.push('accounts');
  if (xattrs.length > 0) losses.push('xattrs');
  if (acls.length > 0) losses.push('acls');
  return losses;
}

/** Whole, or as a prefix and a name that stand on both sides of a slash; null where neither fits. */
export function splitName(name: ByteString): { name: ByteString; prefix?: ByteString } | null {
  if (name.length <= NAME_BYTES) return { name };
  // A slash at the very end is the directory's own and splits nothing.
  const slash = name.lastIndexOf('/', Math.min(PREFIX_BYTES, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > NAME_BYTES) return null;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function commonFields(member: Member): Parameters<typeof headerBlock>[0] {
  const { kind, mode, uid, gid, size, major, minor } = member;
  const mtime = wholeSeconds(member);
  return { type: TYPES[kind], name: '', mode, uid, gid, size, mtime, major, minor };
}

/** A directory says so by a slash as well, for readers that go by names. */
function fullName({ kind, path }: Member): ByteString {
  return kind === 'directory' ? `${path}/` : path;
}

/** Beyond ASCII the block says nothing of what its bytes mean: a record does. */
function fitsName(name: ByteString): boolean {
  return name.length <= NAME_BYTES && isAscii(name);
}

function fitsAccount(name: ByteString): boolean {
  return name.length <= ACCOUNT_BYTES && isAscii(name);
}

/** For readers that know no records: as much of the end as fits says the most. */
function cut(name: ByteString): ByteString {
  return name
    .slice(-NAME_BYTES)
    .replaceAll(/[^\x20-\x7e]/g, '_')
    .replace(/^\/+/, '_');
}

/** Rounded down, before 1970 as well. */
function wholeSeconds({ mtimeNs }: Member): number {
  const seconds = mtimeNs / NANOSECONDS;
  return Number(mtimeNs % NANOSECONDS < 0n ? seconds - 1n : seconds);
}

function clampTime(seconds: number): number {
  return Math.min(Math.max(seconds, 0), MAX_SIZE);
}

function isWholeTime(mtimeNs: bigint): boolean {
  return mtimeNs % NANOSECONDS === 0n && mtimeNs >= 0n && mtimeNs / NANOSECONDS <= BigInt(MAX_SIZE);
}
