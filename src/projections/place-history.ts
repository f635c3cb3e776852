/** What places held and where directories hung, over the whole log: the namespace along time. */
import type { Level } from '../events/level.js';
import { nameFromBytes } from '../events/names.js';
import type { DirectoryId, Place, Position } from '../events/types.js';
import * as keys from './keys.js';
import { toEntry, type Entry } from './namespace.js';
import { readRows } from './views.js';

/** From the event at `from` until just before the one at `to`; Infinity: still. */
export interface Span {
  readonly from: Position;
  readonly to: Position;
}

/** What a place held during a span: an entry in one state, or nothing. */
export interface Version extends Span {
  readonly entry: Entry | null;
}

/** A directory hung at this place during this span. */
export interface Stay extends Span {
  readonly place: Place;
}

export interface PathSpan extends Span {
  readonly path: string;
}

/** An entry stood at a path during a span. */
export interface Occupancy extends Span {
  readonly place: Place;
  readonly directoryId: DirectoryId | null;
}

/** Directories whose places are remembered at once. */
const MAX_KNOWN = 50_000;

const ALWAYS: Span = { from: 0, to: Infinity };

/** The time that two spans share; null where there is none. */
export function overlap(a: Span, b: Span): Span | null {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  return from < to ? { from, to } : null;
}

export class PlaceHistory {
  private readonly level: Level;
  private readonly known = new Map<DirectoryId, readonly Stay[]>();

  constructor(level: Level) {
    this.level = level;
  }

  /** Everything that a place ever held, oldest first. */
  async versions(place: Place): Promise<Version[]> {
    const range = keys.entryRange(place, Number.MAX_SAFE_INTEGER - 1);
    const versions: Version[] = [];
    for await (const rows of readRows(this.level, range))
      for (const { key, value } of rows) {
        const from = keys.readPosition(key, key.length - 8);
        const before = versions.pop();
        if (before) versions.push({ ...before, to: from });
        versions.push({ from, to: Infinity, entry: toEntry(place, from, value) ?? null });
      }
    return versions;
  }

  /** Where a directory hung, oldest first. The directories above it may have been gone meanwhile. */
  async stays(id: DirectoryId): Promise<readonly Stay[]> {
    const known = this.known.get(id) ?? (await this.readStays(id));
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    this.known.set(id, known);
    return known;
  }

  /** Every path that a directory had during a span; none while it, or one above it, was gone. */
  async pathsOf(id: DirectoryId, span: Span = ALWAYS): Promise<PathSpan[]> {
    if (id === 0) return [{ path: '', ...span }];
    const paths: PathSpan[] = [];
    for (const stay of await this.stays(id)) {
      const shared = overlap(stay, span);
      if (shared !== null) paths.push(...(await this.pathsOfPlace(stay.place, shared)));
    }
    return paths;
  }

  /** Every path that a place had during a span. Directories form no ring at any one time, so this ends. */
  async pathsOfPlace({ parent, name }: Place, span: Span): Promise<PathSpan[]> {
    const above = await this.pathsOf(parent, span);
    return above.map(({ path, ...when }) => ({ path: path === '' ? name : `${path}/${name}`, ...when }));
  }

  /** When a path stood for an entry, and for which: one row for each stay of each entry, oldest first. */
  async occupancies(path: string): Promise<Occupancy[]> {
    let found: Occupancy[] = [{ place: { parent: 0, name: '' }, directoryId: 0, ...ALWAYS }];
    for (const name of path === '' ? [] : path.split('/')) {
      const next: Occupancy[] = [];
      for (const above of found) {
        if (above.directoryId === null) continue;
        const place = { parent: above.directoryId, name };
        for (const version of await this.versions(place)) pushOccupancy(next, { place, version, above });
      }
      found = next;
    }
    return found;
  }

  private async readStays(id: DirectoryId): Promise<Stay[]> {
    const range = { gte: keys.placeKey(id, 0), lt: keys.placeKey(id + 1, 0) };
    const stays: Stay[] = [];
    for await (const rows of readRows(this.level, range))
      for (const { key, value } of rows) {
        const place = { parent: keys.readPosition(value, 0), name: nameFromBytes(value.subarray(8)) };
        const from = keys.readPosition(key, 9);
        const versions = await this.versions(place);
        const end = versions.find((later) => later.from > from && later.entry?.directoryId !== id);
        stays.push({ place, from, to: end?.from ?? Infinity });
      }
    return stays;
  }
}

/** Versions of one entry that follow each other are one stay. */
function pushOccupancy(into: Occupancy[], found: { place: Place; version: Version; above: Span }): void {
  const { place, version, above } = found;
  const shared = version.entry && overlap(version, above);
  if (!shared) return;
  const { directoryId } = version.entry;
  const last = into.at(-1);
  const goesOn =
    last?.to === shared.from && last.place.parent === place.parent && last.directoryId === directoryId;
  if (goesOn) into[into.length - 1] = { ...last, to: shared.to };
  else into.push({ place, directoryId, ...shared });
}
