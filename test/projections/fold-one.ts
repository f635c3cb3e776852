/** One event folded alone, and rows to compare with what it gives. */
import { encodeEvent } from '../../src/events/codec.js';
import type { HkfsEvent, Place } from '../../src/events/types.js';
import { evolve, evolveWithLookup, needsLookup } from '../../src/projections/evolve.js';
import * as keys from '../../src/projections/keys.js';
import { ATTRIBUTES, file, hashOf, recordsOf, symlink } from './records.js';

export const AT = 9;
export const HASH = hashOf('aa');
export const HASH_BYTES = Buffer.from(HASH, 'hex');
export const OTHER = { ...ATTRIBUTES, mode: 0o4755, mtimeNs: -1n };

export type Rows = Record<string, string>;

/** The rows of an event at position 9, where `earlier` is the newest row of any place it asks for. */
export async function folded(event: HkfsEvent, earlier?: Buffer): Promise<Rows> {
  const rows: Rows = {};
  const writer = {
    put: (key: Buffer, value: Uint8Array): void => {
      rows[key.toString('hex')] = Buffer.from(value).toString('hex');
    },
  };
  const [record] = recordsOf([event], AT);
  if (needsLookup(event.type)) await evolveWithLookup(record!, writer, async () => earlier);
  else evolve(record!, writer);
  return rows;
}

export function rows(...pairs: (readonly [key: Buffer, value: Uint8Array])[]): Rows {
  return Object.fromEntries(
    pairs.map(([key, value]) => [key.toString('hex'), Buffer.from(value).toString('hex')]),
  );
}

export const GONE = Buffer.alloc(0);
export const entry = (place: Place): Buffer => keys.entryKey(place, AT);
export const posting = (place: Place): Buffer => keys.postingKey(HASH_BYTES, place, AT);
export const withId = (id: number, event: HkfsEvent): Buffer =>
  Buffer.concat([keys.positionBytes(id), encodeEvent(event)]);
export const placeValue = (parent: number, name: string): Buffer =>
  Buffer.concat([keys.positionBytes(parent), Buffer.from(name)]);

export const A_FILE = file(3, 'f');
export const A_SYMLINK = symlink(3, 'l', 'a/b');
export const A_FIFO = {
  type: 'special.added',
  parent: 3,
  name: 'p',
  kind: 'fifo',
  major: 0,
  minor: 0,
  attributes: ATTRIBUTES,
} as const;
