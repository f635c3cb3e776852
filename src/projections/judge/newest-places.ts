/** What stands where after the events that were judged: those that are not in the views yet are kept here. */
import type { Level } from '../../events/level.js';
import { nameToBytes } from '../../events/names.js';
import type { DirectoryId, Place, Position } from '../../events/types.js';
import * as keys from '../keys.js';

/** A place by the bytes of its name, which `latin1` has as characters. */
export interface RawPlace {
  readonly parent: DirectoryId;
  readonly latin1: string;
  /** Different for different places. */
  readonly key: string;
}

/** Since when a place holds what: a directory by its id, null for anything else, undefined for nothing. */
export interface Held {
  readonly position: Position;
  readonly id: DirectoryId | null | undefined;
}

/** Places kept at once where the views have them as well. */
const MAX_KEPT = 50_000;

export function rawPlace(parent: DirectoryId, name: Uint8Array): RawPlace {
  const latin1 = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
  return { parent, latin1, key: `${parent}/${latin1}` };
}

export function rawPlaceOf({ parent, name }: Place): RawPlace {
  return rawPlace(parent, nameToBytes(name));
}

export class NewestPlaces {
  private readonly level: Level | null;
  private readonly maxKept: number;
  private readonly held = new Map<string, Held | Held[]>();
  private readonly directories = new Map<DirectoryId, { position: Position; place: RawPlace }>();

  /** @param level the views, of which rows after the moment that is asked for are not looked at */
  constructor(level: Level | null, maxKept = MAX_KEPT) {
    this.level = level;
    this.maxKept = maxKept;
  }

  put(place: RawPlace, held: Held): void {
    const before = this.held.get(place.key);
    if (before === undefined) this.held.set(place.key, held);
    else if (Array.isArray(before)) before.push(held);
    else this.held.set(place.key, [before, held]);
    if (typeof held.id === 'number') this.directories.set(held.id, { position: held.position, place });
  }

  /** What a place held just after the event at a position; undefined for nothing. */
  async at(place: RawPlace, position: Position): Promise<DirectoryId | null | undefined> {
    const kept = this.held.get(place.key);
    if (kept !== undefined) {
      const found = [kept].flat().findLast((held) => held.position <= position);
      if (found) return found.id;
    }
    return this.level === null ? undefined : entryIn(this.level, place, position);
  }

  /** Where a directory was put last, up to a position; undefined for what never was one. */
  async placeOf(id: DirectoryId, position: Position): Promise<RawPlace | undefined> {
    const kept = this.directories.get(id);
    if (kept) return kept.place;
    return this.level === null ? undefined : placeIn(this.level, id, position);
  }

  /** Rows of events before this position can be read. */
  forget(position: Position): void {
    if (this.held.size < this.maxKept) return;
    for (const [key, held] of this.held) if ([held].flat().at(-1)!.position < position) this.held.delete(key);
    for (const [id, placed] of this.directories) if (placed.position < position) this.directories.delete(id);
  }
}

async function entryIn(
  level: Level,
  { parent, latin1 }: RawPlace,
  position: Position,
): Promise<DirectoryId | null | undefined> {
  const name = Buffer.from(latin1, 'latin1');
  const range = { gte: keys.rawEntryKey(parent, name, 0), lt: keys.rawEntryKey(parent, name, position + 1) };
  const [value] = await level.values({ ...range, reverse: true, limit: 1 }).all();
  if (value === undefined || value.length === 0) return undefined;
  return value[0] === 0 ? keys.readPosition(value, 0) : null;
}

async function placeIn(level: Level, id: DirectoryId, position: Position): Promise<RawPlace | undefined> {
  const range = { gte: keys.placeKey(id, 0), lt: keys.placeKey(id, position + 1) };
  const [value] = await level.values({ ...range, reverse: true, limit: 1 }).all();
  return value && rawPlace(keys.readPosition(value, 0), value.subarray(8));
}
