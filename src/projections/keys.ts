/**
 * Keys of the views. LevelDB sorts bytewise, so numbers are 8 bytes big-endian and names are raw
 * bytes ended by a NUL, which no name can contain: rows of one directory stand together, sorted by
 * name and then by position.
 *
 * | row      | key                                   | value                                     |
 * |----------|---------------------------------------|-------------------------------------------|
 * | entry    | `e` parent name NUL position          | entry event (a directory: id, then event) |
 * | place    | `d` directory id, position            | parent, name                              |
 * | posting  | `p` hash parent name NUL position     | empty                                     |
 * | object   | `o` hash device inode position        | size; empty when the inode is gone        |
 * | inode    | `i` device inode position             | hash; empty when gone                     |
 * | source   | `s` device inode                      | size, mtime, ctime, position, hash        |
 * | verified | `v` hash position                     | time                                      |
 * | finding  | `f` hash position                     | finding; empty when healed                |
 * | started  | `n` operation                         | position, time                            |
 * | ended    | `x` operation                         | position, time                            |
 * | tag      | `t` name NUL position                 | position                                  |
 * | tar      | `a` hash position                     | directory, operation                      |
 * | remote   | `r` name NUL position                 | time, event; empty when removed           |
 * | backup   | `b` remote NUL position               | time, event                               |
 * | copies   | `c` remote NUL position               | time, event: what a check of them found   |
 * | meta     | `m` name                              | checkpoint, version                       |
 * | local    | `~` …                                 | not derived from the log: see below       |
 * | digest   | DEL directory id, piece unless 0      | remembered answers: see digests.ts        |
 *
 * Local rows are seals (`~s`), marks of directories (`~d`), names that were refused (`~r`) and others (`~m`).
 */
import { nameFromBytes, nameToBytes } from '../events/names.js';
import type { DirectoryId, Hash, Place, Position } from '../events/types.js';

export const PREFIX = {
  entry: 0x65,
  place: 0x64,
  posting: 0x70,
  object: 0x6f,
  inode: 0x69,
  source: 0x73,
  verified: 0x76,
  finding: 0x66,
  started: 0x6e,
  ended: 0x78,
  tag: 0x74,
  tar: 0x61,
  remote: 0x72,
  backup: 0x62,
  copies: 0x63,
  meta: 0x6d,
  local: 0x7e,
  digest: 0x7f,
} as const;

export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

export function writePosition(target: Buffer, position: Position, offset: number): void {
  target.writeUInt32BE(Math.floor(position / 0x1_0000_0000), offset);
  target.writeUInt32BE(position % 0x1_0000_0000, offset + 4);
}

export function readPosition(bytes: Buffer, offset: number): Position {
  return bytes.readUInt32BE(offset) * 0x1_0000_0000 + bytes.readUInt32BE(offset + 4);
}

export function positionBytes(position: Position): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  writePosition(bytes, position, 0);
  return bytes;
}

export function entryKey(place: Place, position: Position): Buffer {
  return rawEntryKey(place.parent, nameToBytes(place.name), position);
}

export function rawEntryKey(parent: DirectoryId, name: Uint8Array, position: Position): Buffer {
  const key = Buffer.allocUnsafe(18 + name.length);
  key[0] = PREFIX.entry;
  writePosition(key, parent, 1);
  key.set(name, 9);
  key[9 + name.length] = 0;
  writePosition(key, position, 10 + name.length);
  return key;
}

/** Name and position out of an entry key. */
export function parseEntryKey(key: Buffer): { name: string; position: Position } {
  return {
    name: nameFromBytes(key.subarray(9, key.length - 9)),
    position: readPosition(key, key.length - 8),
  };
}

/** The directory of an entry key. */
export function parentOfEntryKey(key: Buffer): DirectoryId {
  return readPosition(key, 1);
}

/** The raw bytes of the name in an entry key. */
export function nameOfEntryKey(key: Buffer): Buffer {
  return key.subarray(9, key.length - 9);
}

/** All versions of all entries of one directory. */
export function directoryRange(parent: DirectoryId): KeyRange {
  const key = Buffer.allocUnsafe(9);
  key[0] = PREFIX.entry;
  writePosition(key, parent, 1);
  return prefixRange(key);
}

/** All versions of one entry up to a position. */
export function entryRange(place: Place, position: Position): KeyRange {
  return { gte: entryKey(place, 0), lt: entryKey(place, position + 1) };
}

export function placeKey(id: DirectoryId, position: Position): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = PREFIX.place;
  writePosition(key, id, 1);
  writePosition(key, position, 9);
  return key;
}

export function postingKey(hash: Buffer, place: Place, position: Position): Buffer {
  return rawPostingKey(hash, { parent: place.parent, name: nameToBytes(place.name) }, position);
}

export function rawPostingKey(
  hash: Buffer,
  place: { readonly parent: DirectoryId; readonly name: Uint8Array },
  position: Position,
): Buffer {
  const { parent, name } = place;
  const key = Buffer.allocUnsafe(50 + name.length);
  key[0] = PREFIX.posting;
  key.set(hash, 1);
  writePosition(key, parent, 33);
  key.set(name, 41);
  key[41 + name.length] = 0;
  writePosition(key, position, 42 + name.length);
  return key;
}

export function parsePostingKey(key: Buffer): { hash: Buffer; place: Place; position: Position } {
  return {
    hash: key.subarray(1, 33),
    place: { parent: readPosition(key, 33), name: nameFromBytes(key.subarray(41, key.length - 9)) },
    position: readPosition(key, key.length - 8),
  };
}

export function objectKey(hash: Buffer, inode: InodeId, position: Position): Buffer {
  const key = Buffer.allocUnsafe(57);
  key[0] = PREFIX.object;
  key.set(hash, 1);
  writeInode(key, inode, 33);
  writePosition(key, position, 49);
  return key;
}

export function parseObjectKey(key: Buffer): { hash: Buffer; inode: InodeId; position: Position } {
  return { hash: key.subarray(1, 33), inode: readInode(key, 33), position: readPosition(key, 49) };
}

export interface InodeId {
  readonly device: bigint;
  readonly inode: bigint;
}

export function inodeKey(inode: InodeId, position: Position): Buffer {
  const key = Buffer.allocUnsafe(25);
  key[0] = PREFIX.inode;
  writeInode(key, inode, 1);
  writePosition(key, position, 17);
  return key;
}

export function parseInodeKey(key: Buffer): { inode: InodeId; position: Position } {
  return { inode: readInode(key, 1), position: readPosition(key, 17) };
}

export function sourceKey(inode: InodeId): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = PREFIX.source;
  writeInode(key, inode, 1);
  return key;
}

/** Seals are local: what size, mtime and ctime an object's inode had when it was last known good. */
export function sealKey(inode: InodeId): Buffer {
  const key = Buffer.allocUnsafe(18);
  key[0] = PREFIX.local;
  key[1] = 0x73;
  writeInode(key, inode, 2);
  return key;
}

/** Local as well: what a directory of the tree looked like when `sync` last found it as recorded. */
export function markKey(id: DirectoryId): Buffer {
  const key = Buffer.allocUnsafe(10);
  key[0] = PREFIX.local;
  key[1] = 0x64;
  writePosition(key, id, 2);
  return key;
}

const ABSENT = Buffer.of(PREFIX.local, 0x61);
export const ABSENT_RANGE: KeyRange = {
  gte: ABSENT,
  lt: Buffer.of(PREFIX.local, 0x62),
};

/** Local, and first of these rows: contents that are not here, and whose names the tree lacks. */
export function absentKey(hash: Hash): Buffer {
  return Buffer.concat([ABSENT, Buffer.from(hash, 'hex')]);
}

export function parseAbsentKey(key: Buffer): Hash {
  return key.toString('hex', ABSENT.length);
}

/** Local as well: a name that the file system refused to put into the tree. */
export function refusedKey({ parent, name }: Place): Buffer {
  const bytes = nameToBytes(name);
  const key = Buffer.allocUnsafe(10 + bytes.length);
  key[0] = PREFIX.local;
  key[1] = 0x72;
  writePosition(key, parent, 2);
  key.set(bytes, 10);
  return key;
}

export function parseRefusedKey(key: Buffer): Place {
  return { parent: readPosition(key, 2), name: nameFromBytes(key.subarray(10)) };
}

/**
 * A digest is no row of the log's but remembered: it sorts after the local rows and is dropped with the views.
 *
 * @param piece of a long row, from 0
 */
export function digestKey(id: DirectoryId, piece = 0): Buffer {
  const key = Buffer.allocUnsafe(piece === 0 ? 9 : 13);
  key[0] = PREFIX.digest;
  writePosition(key, id, 1);
  if (piece > 0) key.writeUInt32BE(piece, 9);
  return key;
}

export function hashPositionKey(prefix: number, hash: Buffer, position: Position): Buffer {
  const key = Buffer.allocUnsafe(41);
  key[0] = prefix;
  key.set(hash, 1);
  writePosition(key, position, 33);
  return key;
}

export function operationKey(prefix: number, operation: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = prefix;
  writePosition(key, operation, 1);
  return key;
}

export function tagKey(tag: string, position: Position): Buffer {
  return namedKey(PREFIX.tag, tag, position);
}

/** A row of a remote: of itself, of a backup to it, or of what a check of its copies found. */
export function remoteKey(prefix: number, remote: string, position: Position): Buffer {
  return namedKey(prefix, remote, position);
}

/** Name and position out of a remote's key. */
export function parseRemoteKey(key: Buffer): { remote: string; position: Position } {
  return {
    remote: nameFromBytes(key.subarray(1, key.length - 9)),
    position: readPosition(key, key.length - 8),
  };
}

/** All rows of one kind of one remote, or of all. */
export function remoteRange(prefix: number, remote?: string): KeyRange {
  if (remote === undefined) return prefixRange(Buffer.of(prefix));
  return { gte: remoteKey(prefix, remote, 0), lt: remoteKey(prefix, remote, Number.MAX_SAFE_INTEGER) };
}

function namedKey(prefix: number, text: string, position: Position): Buffer {
  const name = nameToBytes(text);
  const key = Buffer.allocUnsafe(10 + name.length);
  key[0] = prefix;
  key.set(name, 1);
  key[1 + name.length] = 0;
  writePosition(key, position, 2 + name.length);
  return key;
}

export function metaKey(name: string): Buffer {
  return Buffer.from(`m${name}`);
}

export function localKey(name: string): Buffer {
  return Buffer.from(`~m${name}`);
}

/** All that is known of names that the file system refused: first whether some of it was lost, … */
export const REFUSED: KeyRange = { gte: Buffer.of(PREFIX.local, 0x72), lt: Buffer.of(PREFIX.local, 0x73) };
/** … then the names. */
export const REFUSED_NAMES: KeyRange = { gte: Buffer.of(PREFIX.local, 0x72, 0), lt: REFUSED.lt };

/** All rows whose key begins with these bytes. */
export function prefixRange(bytes: Buffer): KeyRange {
  const lt = Buffer.from(bytes);
  let last = lt.length - 1;
  while (last >= 0 && lt[last] === 0xff) last -= 1;
  if (last < 0) throw new RangeError('no key sorts after these bytes');
  lt[last] = lt[last]! + 1;
  return { gte: bytes, lt: lt.subarray(0, last + 1) };
}

function writeInode(key: Buffer, id: InodeId, offset: number): void {
  key.writeBigUInt64BE(id.device, offset);
  key.writeBigUInt64BE(id.inode, offset + 8);
}

function readInode(key: Buffer, offset: number): InodeId {
  return { device: key.readBigUInt64BE(offset), inode: key.readBigUInt64BE(offset + 8) };
}
