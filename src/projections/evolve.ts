/**
 * One event folded into rows of the views. Almost every event is folded without reading: the rows
 * follow from its own fields and position. Only a rename and a change of attributes look up the
 * entry they speak of, through `EntryLookup`.
 */
import { HkfsError } from '../errors.js';
import { decodeEvent, encodeEvent } from '../events/codec.js';
import { nameToBytes } from '../events/names.js';
import type {
  Attributes,
  EntryEvent,
  EventRecord,
  EventType,
  FileIngested,
  Hash,
  HkfsEvent,
  ObjectRelocated,
  Place,
  Position,
  SourceIdentity,
  TarIngested,
} from '../events/types.js';
import * as keys from './keys.js';

/** Rows to be written in one atomic batch; later puts of a key win. */
export interface RowWriter {
  put(key: Buffer, value: Uint8Array): void;
}

/**
 * The entry row of a place as of a position (the newest when left out), with what earlier events of
 * the same batch put there.
 */
export type EntryLookup = (place: Place, at?: Position) => Promise<Buffer | undefined>;

const EMPTY = Buffer.alloc(0);

/** Events whose rows depend on an earlier row: the batch before them must be readable. */
export function needsLookup(type: EventType | null): boolean {
  return type === 'path.renamed' || type === 'attributes.changed' || type === 'path.restored';
}

/** Folds an event that needs no lookup. */
export function evolve(record: EventRecord, rows: RowWriter): void {
  const { event, position } = record;
  switch (event.type) {
    case 'archive.created':
    case 'paths.pruned':
      return;
    case 'directory.added':
      rows.put(keys.entryKey(event, position), Buffer.concat([keys.positionBytes(position), record.bytes]));
      rows.put(keys.placeKey(position, position), placeValue(event));
      return;
    case 'file.ingested':
      return fileIngested(event, record, rows);
    case 'symlink.added':
    case 'special.added':
      rows.put(keys.entryKey(event, position), record.bytes);
      return;
    case 'path.removed':
      rows.put(keys.entryKey(event, position), EMPTY);
      return;
    case 'object.stored':
      return inodeHolds(rows, event.hash, { ...event, position });
    case 'object.relocated':
      return relocated(event, position, rows);
    case 'object.removed':
      return inodeGone(rows, event.hash, event, position);
    case 'object.damaged':
      rows.put(findingKey(event.hash, position), Buffer.from(event.finding));
      return;
    case 'object.healed':
      rows.put(findingKey(event.hash, position), EMPTY);
      return;
    case 'objects.verified':
      for (const hash of event.hashes)
        rows.put(keys.hashPositionKey(keys.PREFIX.verified, bytesOf(hash), position), timeValue(record));
      return;
    case 'operation.started':
      rows.put(keys.operationKey(keys.PREFIX.started, event.operation), positionAndTime(record));
      return;
    case 'operation.completed':
    case 'operation.failed':
      rows.put(keys.operationKey(keys.PREFIX.ended, event.operation), positionAndTime(record));
      return;
    case 'tag.added':
      rows.put(keys.tagKey(event.tag, position), keys.positionBytes(event.position));
      return;
    case 'tar.ingested':
      rows.put(keys.hashPositionKey(keys.PREFIX.tar, bytesOf(event.hash), position), tarValue(event, record));
      return;
    case 'remote.added':
      rows.put(keys.remoteKey(keys.PREFIX.remote, event.name, position), timeAndEvent(record));
      return;
    case 'remote.removed':
      rows.put(keys.remoteKey(keys.PREFIX.remote, event.name, position), EMPTY);
      return;
    case 'backup.completed':
      rows.put(keys.remoteKey(keys.PREFIX.backup, event.remote, position), timeAndEvent(record));
      return;
    case 'copies.verified':
      rows.put(keys.remoteKey(keys.PREFIX.copies, event.remote, position), timeAndEvent(record));
      return;
    case 'path.renamed':
    case 'path.restored':
    case 'attributes.changed':
      throw new Error(`${event.type} is folded by evolveWithLookup`);
  }
}

/** Folds an event that changes what an earlier one put there. */
export async function evolveWithLookup(
  record: EventRecord,
  rows: RowWriter,
  lookup: EntryLookup,
): Promise<void> {
  const { event, position } = record;
  if (event.type === 'path.renamed') {
    const value = existing(await lookup(event.from), position);
    rows.put(keys.entryKey(event.from, position), EMPTY);
    placed(event.to, { value, position }, rows);
  } else if (event.type === 'path.restored') {
    placed(event, { value: existing(await lookup(event, event.at), position), position }, rows);
  } else if (event.type === 'attributes.changed') {
    const value = existing(await lookup(event), position);
    rows.put(keys.entryKey(event, position), withAttributes(value, event.attributes, event.source));
  } else evolve(record, rows);
}

/** An entry row's value taken apart; undefined where the row says that the entry is gone. */
export function parseEntryValue(
  value: Buffer,
  position: Position,
): { event: EntryEvent; directoryId: Position | null } | undefined {
  if (value.length === 0) return undefined;
  // An event is a CBOR array and begins with 0x80 or more; a directory's id is below 2^53.
  const isDirectory = value[0] === 0;
  const event = decodeEvent(isDirectory ? value.subarray(8) : value, position);
  return { event: event as EntryEvent, directoryId: isDirectory ? keys.readPosition(value, 0) : null };
}

function fileIngested(event: FileIngested, record: EventRecord, rows: RowWriter): void {
  const { position } = record;
  rows.put(keys.entryKey(event, position), record.bytes);
  if (event.hash === null) return;
  const hash = bytesOf(event.hash);
  rows.put(keys.postingKey(hash, event, position), EMPTY);
  if (event.source) rows.put(keys.sourceKey(event.source), sourceValue(event, hash, position));
}

function inodeHolds(
  rows: RowWriter,
  hash: Hash,
  object: keys.InodeId & { size: number; position: Position },
): void {
  const bytes = bytesOf(hash);
  rows.put(keys.objectKey(bytes, object, object.position), keys.positionBytes(object.size));
  rows.put(keys.inodeKey(object, object.position), bytes);
}

function inodeGone(rows: RowWriter, hash: Hash, inode: keys.InodeId, position: Position): void {
  rows.put(keys.objectKey(bytesOf(hash), inode, position), EMPTY);
  rows.put(keys.inodeKey(inode, position), EMPTY);
}

function relocated(event: ObjectRelocated, position: Position, rows: RowWriter): void {
  inodeGone(rows, event.hash, event.from, position);
  inodeHolds(rows, event.hash, { ...event.to, size: event.size, position });
}

/** An entry as it was elsewhere or before comes to this place. */
function placed(place: Place, found: { value: Buffer; position: Position }, rows: RowWriter): void {
  const { value, position } = found;
  rows.put(keys.entryKey(place, position), value);
  const entry = parseEntryValue(value, position);
  if (entry === undefined) return;
  if (entry.directoryId !== null) rows.put(keys.placeKey(entry.directoryId, position), placeValue(place));
  if (entry.event.type === 'file.ingested' && entry.event.hash !== null)
    rows.put(keys.postingKey(bytesOf(entry.event.hash), place, position), EMPTY);
}

function withAttributes(value: Buffer, attributes: Attributes, source: SourceIdentity | null): Buffer {
  const entry = parseEntryValue(value, 0)!;
  const event: EntryEvent =
    entry.event.type === 'file.ingested'
      ? { ...entry.event, attributes, source: source ?? entry.event.source }
      : { ...entry.event, attributes };
  const bytes = encodeEvent(event);
  return entry.directoryId === null
    ? Buffer.from(bytes)
    : Buffer.concat([keys.positionBytes(entry.directoryId), bytes]);
}

/** @throws HkfsError LOG_DAMAGED for a log that changes what never was: it decodes, yet it cannot be folded */
function existing(value: Buffer | undefined, position: Position): Buffer {
  if (value === undefined || value.length === 0)
    throw new HkfsError('LOG_DAMAGED', `event ${position} speaks of an entry that does not exist`);
  return value;
}

function sourceValue(event: FileIngested, hash: Buffer, position: Position): Buffer {
  const value = Buffer.allocUnsafe(64);
  keys.writePosition(value, event.size, 0);
  value.writeBigInt64BE(event.attributes.mtimeNs, 8);
  value.writeBigInt64BE(event.source!.ctimeNs, 16);
  keys.writePosition(value, position, 24);
  value.set(hash, 32);
  return value;
}

/** A source file as it was when it was last read. */
export interface KnownSource {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** The event that ingested it. */
  readonly position: Position;
  readonly hash: Hash;
}

export function parseSourceValue(value: Buffer): KnownSource {
  return {
    size: BigInt(keys.readPosition(value, 0)),
    mtimeNs: value.readBigInt64BE(8),
    ctimeNs: value.readBigInt64BE(16),
    position: keys.readPosition(value, 24),
    hash: value.toString('hex', 32, 64),
  };
}

/** Parent id, then the raw bytes of the name. */
function placeValue(place: Place): Buffer {
  return Buffer.concat([keys.positionBytes(place.parent), nameToBytes(place.name)]);
}

function findingKey(hash: Hash, position: Position): Buffer {
  return keys.hashPositionKey(keys.PREFIX.finding, bytesOf(hash), position);
}

function timeValue(record: EventRecord): Buffer {
  return keys.positionBytes(record.timeMs);
}

/** The directory, then the operation. */
function tarValue({ directory }: TarIngested, { operation }: EventRecord): Buffer {
  return Buffer.concat([keys.positionBytes(directory), keys.positionBytes(operation)]);
}

function positionAndTime(record: EventRecord): Buffer {
  return Buffer.concat([keys.positionBytes(record.position), timeValue(record)]);
}

function timeAndEvent(record: EventRecord): Buffer {
  return Buffer.concat([timeValue(record), record.bytes]);
}

/** The value of a remote's row taken apart. */
export function parseTimeAndEvent(value: Buffer, position: Position): { timeMs: number; event: HkfsEvent } {
  return { timeMs: keys.readPosition(value, 0), event: decodeEvent(value.subarray(8), position) };
}

function bytesOf(hash: Hash): Buffer {
  return Buffer.from(hash, 'hex');
}
