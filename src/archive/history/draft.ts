/** The namespace as it would be after changes that are only planned: what is now, and what they put over it. */
import { decodeEvent, encodeEvent } from '../../events/codec.js';
import type { Level } from '../../events/level.js';
import { nameFromBytes } from '../../events/names.js';
import { peekType } from '../../events/raw-event.js';
import type { DirectoryId, Place, Position } from '../../events/types.js';
import { joinPath } from '../../fs/names.js';
import * as keys from '../../projections/keys.js';
import { Namespace } from '../../projections/namespace.js';
import { readRows } from '../../projections/views.js';

/** An entry row's value; null where there is nothing. Equal values are equal entries. */
export type Value = Buffer | null;

export interface Version {
  readonly position: Position;
  readonly value: Value;
}

export interface Child {
  readonly place: Place;
  readonly directoryId: DirectoryId | null;
  /** Since when it is as it is; null where a planned change put it there. */
  readonly position: Position | null;
}

/** Most places have one version or two; asking for more at once costs more. */
const FEW_VERSIONS = 4;

/** Directories read whole that are remembered at once, and rows of one: some tens of megabytes. */
const REMEMBERED = 8;
const MAX_ROWS = 20_000;

export class Draft {
  private readonly level: Level;
  readonly now: Namespace;
  private readonly changes = new Map<DirectoryId, Map<string, Value>>();
  private readonly read = new Map<DirectoryId, ReadonlyMap<string, Version[]> | null>();
  private readonly moved = new Map<DirectoryId, Place>();
  /** Paths of directories; null: not in the tree. */
  private readonly paths = new Map<DirectoryId, string | null>();

  constructor(level: Level, now: Position) {
    this.level = level;
    this.now = new Namespace(level, now);
  }

  /** What a place held, newest first, down to the state just before the position `from`. */
  async versions(place: Place, from: Position): Promise<Version[]> {
    const few = await this.newest(place, FEW_VERSIONS);
    const isAll = few.length < FEW_VERSIONS || few.some(({ position }) => position < from);
    const versions = isAll ? few : await this.newest(place, Infinity);
    const end = versions.findIndex(({ position }) => position < from);
    return end < 0 ? versions : versions.slice(0, end + 1);
  }

  /** As versions, for a directory of whose entries most will be asked for: read whole and remembered. */
  async versionsAmong(place: Place, from: Position): Promise<Version[]> {
    const { parent, name } = place;
    if (!this.read.has(parent)) {
      const [oldest] = this.read.keys();
      if (this.read.size >= REMEMBERED && oldest !== undefined) this.read.delete(oldest);
      this.read.set(parent, await this.readWhole(parent));
    }
    const whole = this.read.get(parent);
    return whole ? (whole.get(name) ?? []) : this.versions(place, from);
  }

  /** What a change put at the place; undefined where none did. */
  changed(place: Place): Value | undefined {
    return this.changes.get(place.parent)?.get(place.name);
  }

  put(place: Place, value: Value, former: Value): void {
    const before = this.changes.get(place.parent) ?? new Map<string, Value>();
    this.changes.set(place.parent, before.set(place.name, value));
    const id = directoryOf(value);
    if (id !== null) this.moved.set(id, place);
    if (id !== null || directoryOf(former) !== null) this.paths.clear();
  }

  async valueOf(place: Place): Promise<Value> {
    const changed = this.changed(place);
    return changed === undefined ? ((await this.versions(place, Infinity))[0]?.value ?? null) : changed;
  }

  /** What a directory holds. */
  async *children(id: DirectoryId): AsyncGenerator<Child> {
    const changes = this.changes.get(id);
    for await (const entries of this.now.list(id))
      for (const { name, directoryId, position } of entries)
        if (!changes?.has(name)) yield { place: { parent: id, name }, directoryId, position };
    for (const [name, value] of changes ?? [])
      if (value !== null)
        yield { place: { parent: id, name }, directoryId: directoryOf(value), position: null };
  }

  /** Null when the directory is not in the tree. */
  async pathOf(id: DirectoryId): Promise<string | null> {
    const above = await this.chainOf(id);
    if (above === null) return null;
    let path = '';
    for (const { id: at, name } of above.reverse()) this.paths.set(at, (path = joinPath(path, name)));
    return id === 0 ? '' : this.paths.get(id)!;
  }

  async pathOfPlace({ parent, name }: Place): Promise<string | null> {
    const path = await this.pathOf(parent);
    return path === null ? null : joinPath(path, name);
  }

  /** Whether a directory is another one or lies in it. */
  async isWithin(id: DirectoryId, other: DirectoryId): Promise<boolean> {
    for (
      let at: DirectoryId | undefined = id;
      at !== undefined && at !== 0;
      at = (await this.placeOf(at))?.parent
    )
      if (at === other) return true;
    return false;
  }

  /** Where a directory was last put, up to a position. */
  async placeOf(id: DirectoryId, at?: Position): Promise<Place | undefined> {
    const moved = at === undefined ? this.moved.get(id) : undefined;
    if (moved !== undefined) return moved;
    const range = { gte: keys.placeKey(id, 0), lt: keys.placeKey(id, (at ?? this.now.at) + 1) };
    for await (const value of this.level.values({ ...range, reverse: true, limit: 1 }))
      return { parent: keys.readPosition(value, 0), name: nameFromBytes(value.subarray(8)) };
    return undefined;
  }

  /** Every version of every entry, newest first; null where those are too many to remember. */
  private async readWhole(id: DirectoryId): Promise<Map<string, Version[]> | null> {
    const whole = new Map<string, Version[]>();
    let count = 0;
    for await (const rows of readRows(this.level, keys.directoryRange(id)))
      for (const { key, value } of rows) {
        const { name, position } = keys.parseEntryKey(key);
        const version = { position, value: value.length === 0 ? null : value };
        const others = whole.get(name);
        if (others) others.unshift(version);
        else whole.set(name, [version]);
        if ((count += 1) > MAX_ROWS) return null;
      }
    return whole;
  }

  private async newest(place: Place, limit: number): Promise<Version[]> {
    const range = keys.entryRange(place, this.now.at);
    const rows = await this.level.iterator({ ...range, reverse: true, limit }).all();
    return rows.map(([key, value]) => ({
      position: keys.readPosition(key, key.length - 8),
      value: value.length === 0 ? null : value,
    }));
  }

  /** The directories from here up to the root or to one whose path is known; null when cut off. */
  private async chainOf(id: DirectoryId): Promise<{ id: DirectoryId; name: string }[] | null> {
    const chain: { id: DirectoryId; name: string }[] = [];
    for (let at = id; at !== 0;) {
      const known = this.paths.get(at);
      if (known !== undefined) {
        if (known !== null) chain.push({ id: at, name: known });
        return known === null ? null : chain;
      }
      const place = await this.placeOf(at);
      if (place === undefined || directoryOf(await this.valueOf(place)) !== at) {
        for (const below of [{ id: at }, ...chain]) this.paths.set(below.id, null);
        return null;
      }
      chain.push({ id: at, name: place.name });
      at = place.parent;
    }
    return chain;
  }
}

export function directoryOf(value: Value): DirectoryId | null {
  // An event is a CBOR array and begins with 0x80 or more; a directory's id is below 2^53.
  return value?.[0] === 0 ? keys.readPosition(value, 0) : null;
}

export function same(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  return a.equals(b) || withoutSource(a)?.equals(withoutSource(b) ?? Buffer.alloc(0)) === true;
}

/** Which inode a file was read from is no part of what it is; null where that is not told. */
function withoutSource(value: Buffer): Buffer | null {
  if (peekType(value) !== 'file.ingested') return null;
  const event = decodeEvent(value, 0);
  return event.type === 'file.ingested' ? Buffer.from(encodeEvent({ ...event, source: null })) : null;
}
