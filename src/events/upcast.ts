/**
 * The reading boundary: events of older schema versions become the newest shape here and nowhere
 * else, so that no other code knows that older shapes ever were.
 */
import { HkfsError } from '../errors.js';

/** A decoded event array: `[schema version, type, …fields]`. */
export type StoredFields = readonly unknown[];

/** Turns one schema version into the next; returns events that did not change as they are. */
export type UpcastStep = (fields: StoredFields) => StoredFields;

/** The step at index i turns schema version i + 1 into i + 2. */
const STEPS: readonly UpcastStep[] = [];

/** The version that is written. */
export const SCHEMA_VERSION = STEPS.length + 1;

/** Version 1 with one more field at the end, the link of a commit's first event (commit-chain.ts). */
export const LINKED_VERSION = 2;

/**
 * The same event in the newest schema version.
 *
 * @throws HkfsError UNKNOWN_EVENT for a version newer than this hkfs, LOG_DAMAGED for none at all.
 */
export function upcast(fields: StoredFields, position: number, steps = STEPS): StoredFields {
  const version = fields[0];
  const newest = steps.length + 1;
  if (version === newest) return fields;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    throw new HkfsError('LOG_DAMAGED', `event ${position} has no schema version`);
  if (version > newest) throw unknownEvent(position, `schema version ${version}`);
  let newer = fields;
  for (const step of steps.slice(version - 1)) newer = step(newer);
  return [newest, ...newer.slice(1)];
}

/** The error for an event that a later hkfs wrote: never skipped, because views would be wrong. */
export function unknownEvent(position: number, what: string): HkfsError {
  return new HkfsError('UNKNOWN_EVENT', `event ${position} has the unknown ${what}`, {
    hint: 'a newer hkfs wrote this archive: upgrade hkfs',
  });
}
