/**
 * Commits joined to each other. From format 2 on the first event of a commit says, in a last field of its own,
 * what the commit record before it hashes to: so a record lies under the Merkle tree as soon as another commit
 * follows it. Such an event has the schema version 2, which is version 1 and that field. Of records that nothing
 * hashes (format 1, and the last one) it is known that times never go back, and that the operation is the one that
 * was started last.
 */
import { HkfsError } from '../errors.js';
import { decodeEvent } from './codec.js';
import { encodeCommit } from './commit-record.js';
import { WAY_OUT } from './level.js';
import { HASH_BYTES, plainHash } from './merkle.js';
import { peekType } from './raw-event.js';
import type { CommitRecord } from './types.js';
import { LINKED_VERSION, SCHEMA_VERSION } from './upcast.js';

/** An array's head has its length as long as it is below 24; no event has half as many fields. */
const MAX_HEAD = 0x97;
/** Of 32 bytes in CBOR. */
const LINK_HEAD = Buffer.from([0x58, HASH_BYTES]);
const LINK_BYTES = LINK_HEAD.length + HASH_BYTES;

/** What the first event after this record says of it. */
export function recordHash(commit: CommitRecord): Buffer {
  return plainHash(encodeCommit(commit));
}

/** The stored bytes of an event that carries a link. */
export function withLink(event: Buffer, link: Uint8Array): Buffer {
  const [head, version] = event;
  if (head === undefined || head >= MAX_HEAD || version !== SCHEMA_VERSION)
    throw new TypeError('no event that a link can be added to');
  return Buffer.concat([Buffer.from([head + 1, LINKED_VERSION]), event.subarray(2), LINK_HEAD, link]);
}

/** Null where the event carries none. */
export function linkIn(event: Uint8Array): Uint8Array | null {
  const at = event.length - LINK_BYTES;
  if (at < 2 || event[1] !== LINKED_VERSION) return null;
  return event[at] === LINK_HEAD[0] && event[at + 1] === LINK_HEAD[1] ? event.subarray(-HASH_BYTES) : null;
}

/** Two commits in a row: what is known of the second, and of the first where the second says it. */
export interface Joint {
  readonly before: CommitRecord | null;
  readonly commit: CommitRecord;
  /** Of `commit`, as it is stored. */
  readonly event: Uint8Array;
}

/** Why these are not what was written, one after the other; null where nothing speaks against it. */
export function whyNotJoined(joint: Joint): string | null {
  const { before, commit, event } = joint;
  const link = linkIn(event);
  if (before !== null && link !== null && Buffer.compare(link, recordHash(before)) !== 0)
    return otherHash(before, commit.first);
  return whyImplausible(joint);
}

/** The same without the hash: all that can be said where the record before may be the one that is damaged. */
export function whyImplausible({ before, commit, event }: Joint): string | null {
  const { first, format, timeMs, operation } = commit;
  const name = `the commit record of event ${first}`;
  if (format !== (linkIn(event) === null ? 1 : 2)) return `${name} has another format than its first event`;
  if ((before?.format ?? 1) > format) return `${name} has an earlier format than the one before it`;
  if (timeMs < (before?.timeMs ?? 0))
    return `${name} has an earlier time than the one before it, of event ${before!.first}`;
  if (operation !== (startedBy(event, first) ?? before?.operation ?? 0))
    return `${name} says operation ${operation}, which is not the one that was under way`;
  return null;
}

export function damagedRecord(reason: string): HkfsError {
  return new HkfsError('LOG_DAMAGED', reason, { hint: WAY_OUT.LOG_DAMAGED });
}

export function otherHash({ first }: CommitRecord, witness: number): string {
  return `the commit record of event ${first} does not have the hash that event ${witness} knows`;
}

/** The operation that a commit's first event opens; null: it goes on with the one before. */
export function startedBy(bytes: Uint8Array, position: number): number | null {
  if (peekType(bytes) !== 'operation.started') return null;
  const event = decodeEvent(bytes, position);
  return event.type === 'operation.started' ? event.operation : null;
}
