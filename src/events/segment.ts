/**
 * Log segments: the bytes in which commits travel between copies of a log. A CBOR sequence (RFC 8742)
 * of whole commits, each the array `[commit record, [event, …], digest]` of byte strings; record and events
 * are exactly what the log stores, so that a receiver computes the Merkle tree over the very leaves. The
 * digest is the record's SHA-256: time and operation are in no tree. Because each commit stands for
 * itself, segments that follow each other are joined by joining their bytes.
 */
import { createHash } from 'node:crypto';
import { HkfsError } from '../errors.js';
import { decodeLooseCommit, encodeCommit } from './commit-record.js';
import type { CompactRange } from './merkle.js';
import type { CommitRecord, Position } from './types.js';

/** A commit with the stored bytes of its events. */
export interface StoredCommit {
  readonly commit: CommitRecord;
  readonly events: readonly Buffer[];
}

const BYTES = 0x40;
const ARRAY = 0x80;
const FIELDS = 3;
const MAX_HEAD = 9;
const WORD = 2 ** 32;

/** The position after a commit. */
export function endOf({ first, count }: CommitRecord): Position {
  return first + count;
}

/** The bytes of one commit in a segment, canonical CBOR. */
export function encodeStoredCommit({ commit, events }: StoredCommit): Buffer {
  const record = encodeCommit(commit);
  const digest = digestOf(record);
  const payload = events.reduce((sum, event) => sum + event.length + MAX_HEAD, record.length);
  const into = Buffer.allocUnsafe(payload + digest.length + 4 * MAX_HEAD);
  into[0] = ARRAY + FIELDS;
  let at = writeBytes(into, 1, record);
  at = writeHead(into, at, { major: ARRAY, length: events.length });
  for (const event of events) at = writeBytes(into, at, event);
  return into.subarray(0, writeBytes(into, at, digest));
}

/**
 * The commits of a segment in order. What one says of itself is not believed yet: `followsFrom` checks.
 *
 * @throws HkfsError LOG_DAMAGED where the bytes are no segment, UNKNOWN_EVENT where a newer hkfs wrote it
 */
export function* decodeSegment(bytes: Buffer): Generator<StoredCommit> {
  const reader = new SegmentReader(bytes);
  while (!reader.isAtEnd) yield reader.commit();
}

/**
 * Adds the events of a commit to the tree before it.
 * @returns whether the commit begins where the tree ends and its record is the tree's after it
 */
export function followsFrom(range: CompactRange, { commit, events }: StoredCommit): boolean {
  if (commit.first !== range.size || commit.count !== events.length) return false;
  for (const event of events) range.append(event);
  const { hashes } = range;
  return hashes.length === commit.range.length && hashes.every((hash, at) => hash.equals(commit.range[at]!));
}

function digestOf(record: Buffer): Buffer {
  return createHash('sha256').update(record).digest();
}

function writeBytes(into: Buffer, at: number, bytes: Buffer): number {
  const start = writeHead(into, at, { major: BYTES, length: bytes.length });
  return start + bytes.copy(into, start);
}

/** A length below 2^32 in its shortest form. */
function writeHead(into: Buffer, at: number, { major, length }: { major: number; length: number }): number {
  if (length >= WORD) throw new RangeError(`${length} is too long for a segment`);
  if (length < 24) return into.writeUInt8(major + length, at);
  if (length < 0x100) return into.writeUInt8(length, into.writeUInt8(major + 24, at));
  if (length < 0x1_0000) return into.writeUInt16BE(length, into.writeUInt8(major + 25, at));
  return into.writeUInt32BE(length, into.writeUInt8(major + 26, at));
}

class SegmentReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  commit(): StoredCommit {
    const start = this.at;
    if (this.head(ARRAY) !== FIELDS) throw this.damaged(start);
    const record = this.byteString();
    const commit = decodeLooseCommit(record);
    const count = this.head(ARRAY);
    if (count !== commit.count) throw this.damaged(start);
    const events: Buffer[] = [];
    for (let left = count; left > 0; left -= 1) events.push(this.byteString());
    if (!this.byteString().equals(digestOf(record))) throw this.damaged(start);
    return { commit, events };
  }

  private byteString(): Buffer {
    const start = this.at;
    const length = this.head(BYTES);
    if (this.at + length > this.bytes.length) throw this.damaged(start);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private head(major: number): number {
    const start = this.at;
    const first = this.bytes[this.at++] ?? 0xff;
    const info = first - major;
    if (info < 0 || info > 26) throw this.damaged(start);
    if (info < 24) return info;
    const size = 1 << (info - 24);
    if (this.at + size > this.bytes.length) throw this.damaged(start);
    this.at += size;
    return this.bytes.readUIntBE(this.at - size, size);
  }

  private damaged(at: number): HkfsError {
    return new HkfsError('LOG_DAMAGED', `no commit of a log at byte ${at}`);
  }
}
