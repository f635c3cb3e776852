/**
 * Names of the log that the file system refused to put into the tree. That the tree lacks them is nobody's
 * removal: they are remembered as rows until they are there or the log has no such entry any more. The rows
 * speak of names and not of inodes, so a copy of the archive keeps them.
 */
import type { Level, LevelChange, LevelPut } from '../events/level.js';
import { together } from '../fs/together.js';
import type { EventRecord, Place, Position } from '../events/types.js';
import { baseName } from '../fs/names.js';
import {
  parseRefusedKey,
  positionBytes,
  readPosition,
  REFUSED,
  REFUSED_NAMES,
  refusedKey,
} from '../projections/keys.js';
import { Namespace } from '../projections/namespace.js';

export interface Refusal {
  /** Of the last attempt. */
  readonly code: string;
  /** The version of the place that the tree has instead; null: none. */
  readonly base: Position | null;
}

export interface RefusedName extends Refusal {
  readonly place: Place;
}

/** The rows went with the views: what the tree lacks may have been refused. */
const UNKNOWN = REFUSED.gte;
const BATCH = 1000;

export class RefusedNames {
  private readonly level: Level;
  private none: boolean | null = null;

  constructor(level: Level) {
    this.level = level;
  }

  /** Nearly always: then nothing else has to be asked. */
  async isEmpty(): Promise<boolean> {
    if (this.none !== null) return this.none;
    this.none = true;
    for await (const _key of this.level.keys({ ...REFUSED_NAMES, limit: 1 })) this.none = false;
    return this.none;
  }

  /** In the order of the places; undefined for those that were not refused. */
  async look(places: readonly Place[]): Promise<(Refusal | undefined)[]> {
    if (await this.isEmpty()) return places.map(() => undefined);
    const found: (Refusal | undefined)[] = [];
    for (let at = 0; at < places.length; at += BATCH) {
      const keys = places.slice(at, at + BATCH).map(refusedKey);
      for (const value of await this.level.getMany(keys)) found.push(value && parseRefusal(value));
    }
    return found;
  }

  async *all(): AsyncGenerator<RefusedName> {
    for await (const [key, value] of this.level.iterator(REFUSED_NAMES))
      yield { place: parseRefusedKey(key), ...parseRefusal(value) };
  }

  /**
   * Rows of names at which something was not done just now; none for what the log has no entry of.
   * @param codes by path below the root
   */
  async refuse(
    codes: ReadonlyMap<string, string>,
    at: Position,
  ): Promise<{ rows: LevelPut[]; places: Place[] }> {
    const rows: LevelPut[] = [];
    const places: Place[] = [];
    const namespace = new Namespace(this.level, at);
    for (const [path, code] of codes) {
      const place = await placeOf(namespace, path);
      const entry = place === null ? undefined : await namespace.entryAt(place);
      if (place === null || entry === undefined) continue;
      const [known] = await this.look([place]);
      const base = known ? known.base : await versionBefore(this.level, place, entry.position);
      rows.push(this.row(place, { code, base }));
      places.push(place);
    }
    if (rows.length > 0) this.none = false;
    return { rows, places };
  }

  /** Null for a path that the log has no directory of. */
  async placesOf(paths: readonly string[], at: Position): Promise<(Place | null)[]> {
    const namespace = new Namespace(this.level, at);
    return together(paths.map((path) => placeOf(namespace, path)));
  }

  /** A name that is not in the tree is not there under its next name either. */
  async renamed(records: readonly EventRecord[]): Promise<LevelChange[]> {
    const rows: LevelChange[] = [];
    if (await this.isEmpty()) return rows;
    for (const { event, position } of records) {
      if (event.type !== 'path.renamed') continue;
      const [known] = await this.look([event.from]);
      if (known === undefined) continue;
      const base = await versionBefore(this.level, event.to, position);
      rows.push(this.row(event.to, { code: known.code, base }), ...forget([event.from]));
    }
    return rows;
  }

  row(place: Place, { code, base }: Refusal): LevelPut {
    this.none = false;
    const value = Buffer.concat([positionBytes(base === null ? 0 : base + 1), Buffer.from(code)]);
    return { type: 'put', key: refusedKey(place), value };
  }

  async write(rows: readonly LevelChange[]): Promise<void> {
    if (rows.length === 0) return;
    await this.level.batch([...rows]);
    this.none = null;
  }

  /** Whether rows may have been lost together with the views. */
  async isUnknown(): Promise<boolean> {
    return (await this.level.get(UNKNOWN)) !== undefined;
  }

  /** What is in the tree and what is not was looked at, and agreed to. */
  async becomeKnown(): Promise<void> {
    await this.level.del(UNKNOWN);
  }
}

export const unknownRow: LevelPut = { type: 'put', key: UNKNOWN, value: Buffer.alloc(0) };

export function forget(places: readonly Place[]): LevelChange[] {
  return places.map((place) => ({ type: 'del', key: refusedKey(place) }));
}

export function textOfPlace({ parent, name }: Place): string {
  return `${parent}/${name}`;
}

function parseRefusal(value: Buffer): Refusal {
  const base = readPosition(value, 0);
  return { base: base === 0 ? null : base - 1, code: value.toString('utf8', 8) };
}

async function placeOf(namespace: Namespace, path: string): Promise<Place | null> {
  const name = baseName(path);
  if (name === path) return { parent: 0, name };
  const parent = await namespace.resolve(path.slice(0, -name.length - 1));
  return parent?.directoryId == null ? null : { parent: parent.directoryId, name };
}

async function versionBefore(level: Level, place: Place, position: Position): Promise<Position | null> {
  return (await new Namespace(level, position - 1).entryAt(place))?.position ?? null;
}
