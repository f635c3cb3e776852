/**
 * Events as stored: the canonical CBOR array `[schema version, type, …fields]`. Fields are only ever
 * appended, and a reader ignores those it does not know. Names and link targets are byte strings,
 * hashes are 32 bytes.
 */
import { HkfsError } from '../errors.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { readerOf } from './event-readers.js';
import { fieldsOf } from './event-writers.js';
import { HASH_BYTES } from './merkle.js';
import { FieldReader } from './read-fields.js';
import type { HkfsEvent, Position } from './types.js';
import { LINKED_VERSION, unknownEvent, upcast, type StoredFields } from './upcast.js';

/**
 * The bytes of an event: the value in the log and the leaf of the Merkle tree.
 *
 * @throws HkfsError BAD_PATH for a name that stands for no bytes; TypeError for values outside their
 * range, which the reader would refuse.
 */
export function encodeEvent(event: HkfsEvent): Uint8Array {
  return encodeCbor(fieldsOf(event));
}

/**
 * The event in these bytes; `position` is only for the errors.
 *
 * @throws HkfsError LOG_DAMAGED where the bytes are not an event, UNKNOWN_EVENT where a newer hkfs
 * wrote them.
 */
export function decodeEvent(bytes: Uint8Array, position: Position): HkfsEvent {
  const fields = upcast(withoutLink(arrayIn(bytes, position), position), position);
  const type = fields[1];
  if (typeof type !== 'string') throw new HkfsError('LOG_DAMAGED', `event ${position} has no type`);
  const read = readerOf(type);
  if (read === undefined) throw unknownEvent(position, `type ${JSON.stringify(type)}`);
  return read(new FieldReader(fields, position));
}

/** The link belongs to the log, and to no event. */
function withoutLink(fields: StoredFields, position: Position): StoredFields {
  if (fields[0] !== LINKED_VERSION) return fields;
  const link = fields.at(-1);
  if (link instanceof Uint8Array && link.length === HASH_BYTES) return [1, ...fields.slice(1, -1)];
  throw new HkfsError('LOG_DAMAGED', `event ${position} is damaged: its last field is no hash`);
}

function arrayIn(bytes: Uint8Array, position: Position): StoredFields {
  let value: unknown;
  try {
    value = decodeCbor(bytes);
  } catch (cause) {
    throw new HkfsError('LOG_DAMAGED', `event ${position} is damaged: not canonical CBOR`, { cause });
  }
  if (!Array.isArray(value)) throw new HkfsError('LOG_DAMAGED', `event ${position} is not an array`);
  return value;
}
