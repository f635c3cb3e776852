/** Names as of one moment: entries of directories, paths down to an entry and up to the root. */
import type { Level } from '../events/level.js';
import { decodeEvent } from '../events/codec.js';
import { nameFromBytes } from '../events/names.js';
import { peekType } from '../events/raw-event.js';
import type { Attributes, DirectoryId, EntryEvent, EntryKind, Place, Position } from '../events/types.js';
import * as keys from './keys.js';

export interface Entry extends Place {
  readonly kind: EntryKind;
  /** Null for everything but directories. */
  readonly directoryId: DirectoryId | null;
  readonly event: EntryEvent;
  /** The event as stored; absent for the root. */
  readonly bytes?: Buffer;
  /** Where the entry got the state that it has at the moment. */
  readonly position: Position;
}

export interface NamedEntry {
  readonly path: string;
  readonly entry: Entry;
}

/** Versions of one name to step over before a lookup and a seek are cheaper. */
const VERSIONS_BEFORE_SEEK = 16;
/** Rows read at once while listing; fewer after a long run, because the next name may have one as well. */
const BATCH_ROWS = 1000;
const BATCH_AFTER_RUN = VERSIONS_BEFORE_SEEK + 1;
/** Directory paths remembered at once; one is a string and an id, so some megabytes at most. */
const MAX_CACHED_PATHS = 50_000;

const ROOT_ATTRIBUTES: Attributes = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  user: null,
  group: null,
  mtimeNs: 0n,
};

export const ROOT: Entry = {
  parent: 0,
  name: '',
  kind: 'directory',
  directoryId: 0,
  position: 0,
  event: { type: 'directory.added', parent: 0, name: '', attributes: ROOT_ATTRIBUTES },
};

export class Namespace {
  private readonly level: Level;
  readonly at: Position;
  private readonly paths = new Map<DirectoryId, string | null>();
  private readonly moved = new Map<DirectoryId, boolean>();

  /** @param at the state just after the event at this position */
  constructor(level: Level, at: Position) {
    this.level = level;
    this.at = at;
  }

  async entryAt(place: Place): Promise<Entry | undefined> {
    const range = keys.entryRange(place, this.at);
    for await (const [key, value] of this.level.iterator({ ...range, reverse: true, limit: 1 }))
      return toEntry(place, keys.readPosition(key, key.length - 8), value);
    return undefined;
  }

  /** What an event put at a place: without a search, and without a turn of the event loop. */
  entryFrom(place: Place, position: Position): Entry | undefined {
    const value = this.level.getSync(keys.entryKey(place, position));
    return value === undefined ? undefined : toEntry(place, position, value);
  }

  /** @param path from the archive's root, without a leading slash */
  async resolve(path: string): Promise<Entry | undefined> {
    let entry: Entry | undefined = ROOT;
    for (const name of path === '' ? [] : path.split('/')) {
      if (entry?.directoryId === null || entry === undefined) return undefined;
      entry = await this.entryAt({ parent: entry.directoryId, name });
    }
    return entry;
  }

  /** The entries of a directory in byte order of their names, in batches. */
  async *list(parent: DirectoryId): AsyncGenerator<Entry[]> {
    const range = keys.directoryRange(parent);
    const iterator = this.level.iterator({ ...range, highWaterMarkBytes: 256 * 1024 });
    const scan = new VersionScan(this.at);
    let batch = BATCH_ROWS;
    try {
      for (;;) {
        const rows = await iterator.nextv(batch);
        const entries: Entry[] = [];
        if (rows.length === 0) pushEntry(entries, parent, scan.take());
        for (const [key, value] of rows) {
          pushEntry(entries, parent, scan.push(key, value));
          if (scan.isLongRun) break;
        }
        // What was read beyond a long run is read again after it: little, where names have long histories.
        batch = scan.isLongRun ? BATCH_AFTER_RUN : Math.min(BATCH_ROWS, batch * 2);
        if (scan.isLongRun) {
          const { name, past } = scan.leaveRun();
          const entry = await this.entryAt({ parent, name });
          if (entry) entries.push(entry);
          iterator.seek(past);
        }
        if (entries.length > 0) yield entries;
        if (rows.length === 0) return;
      }
    } finally {
      await iterator.close();
    }
  }

  /** Everything below a directory, each directory before what it holds, names in byte order. */
  async *walk(directory: NamedEntry): AsyncGenerator<NamedEntry> {
    const stack: AsyncGenerator<NamedEntry>[] = [this.children(directory)];
    try {
      while (stack.length > 0) {
        const step = await stack.at(-1)!.next();
        if (step.done) stack.pop();
        else {
          yield step.value;
          if (step.value.entry.directoryId !== null) stack.push(this.children(step.value));
        }
      }
    } finally {
      for (const open of stack) await open.return(undefined);
    }
  }

  /** The path of a directory, or null when it is not in the tree at the moment. */
  async pathOf(id: DirectoryId): Promise<string | null> {
    if (id === 0) return '';
    const cached = this.paths.get(id);
    if (cached !== undefined) return cached;
    const path = await this.findPath(id);
    if (this.paths.size >= MAX_CACHED_PATHS) this.paths.clear();
    this.paths.set(id, path);
    return path;
  }

  async pathOfPlace(place: Place): Promise<string | null> {
    const parent = await this.pathOf(place.parent);
    return parent === null ? null : parent === '' ? place.name : `${parent}/${place.name}`;
  }

  /** Whether a directory, or one above it, was ever at another place: only then had it another path. */
  async hasMoved(id: DirectoryId): Promise<boolean> {
    const asked: DirectoryId[] = [];
    let verdict = false;
    for (let at = id; at !== 0;) {
      const known = this.moved.get(at);
      if (known !== undefined) {
        verdict = known;
        break;
      }
      asked.push(at);
      const range = { gte: keys.placeKey(at, 0), lt: keys.placeKey(at + 1, 0) };
      const places = await this.level.values({ ...range, limit: 2 }).all();
      verdict = places.length > 1;
      if (verdict || places.length === 0) break;
      at = keys.readPosition(places[0]!, 0);
    }
    if (this.moved.size >= MAX_CACHED_PATHS) this.moved.clear();
    for (const directory of asked) this.moved.set(directory, verdict);
    return verdict;
  }

  private async *children(directory: NamedEntry): AsyncGenerator<NamedEntry> {
    const prefix = directory.path === '' ? '' : `${directory.path}/`;
    for await (const entries of this.list(directory.entry.directoryId!))
      for (const entry of entries) yield { path: prefix + entry.name, entry };
  }

  /** Iterative, because a path may be a hundred thousand levels deep. */
  private async findPath(id: DirectoryId): Promise<string | null> {
    const names: string[] = [];
    for (let at = id; at !== 0;) {
      const known = this.paths.get(at);
      if (known === null) return null;
      if (known !== undefined) {
        names.push(known);
        break;
      }
      const place = await this.placeOf(at);
      if (place === null || (await this.entryAt(place))?.directoryId !== at) return null;
      names.push(place.name);
      at = place.parent;
    }
    return names.reverse().join('/');
  }

  private async placeOf(id: DirectoryId): Promise<Place | null> {
    const range = { gte: keys.placeKey(id, 0), lt: keys.placeKey(id, this.at + 1) };
    for await (const value of this.level.values({ ...range, reverse: true, limit: 1 }))
      return { parent: keys.readPosition(value, 0), name: nameFromBytes(value.subarray(8)) };
    return null;
  }
}

interface VersionRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Picks, of the versions of each name in key order, the last that is not after the moment. */
class VersionScan {
  private readonly at: Position;
  private picked: VersionRow | null = null;
  private name: Buffer | null = null;
  private versions = 0;

  constructor(at: Position) {
    this.at = at;
  }

  /** Takes the next row; gives the picked row of the name before it when that name is over. */
  push(key: Buffer, value: Buffer): VersionRow | null {
    const name = key.subarray(0, key.length - 8);
    let over: VersionRow | null = null;
    if (this.name === null || !this.name.equals(name)) {
      over = this.take();
      this.name = name;
      this.versions = 0;
    }
    this.versions += 1;
    if (keys.readPosition(key, key.length - 8) <= this.at) this.picked = { key, value };
    return over;
  }

  take(): VersionRow | null {
    const row = this.picked;
    this.picked = null;
    return row;
  }

  /** So many versions of one name that looking its entry up and stepping over the rest is cheaper. */
  get isLongRun(): boolean {
    return this.versions > VERSIONS_BEFORE_SEEK;
  }

  /** Drops what was picked of the current name; gives the name and a key after all its versions. */
  leaveRun(): { name: string; past: Buffer } {
    this.picked = null;
    this.versions = 0;
    const past = Buffer.concat([this.name!, Buffer.alloc(9, 0xff)]);
    return { name: keys.parseEntryKey(past.subarray(0, -1)).name, past };
  }
}

function pushEntry(entries: Entry[], parent: DirectoryId, row: VersionRow | null): void {
  if (row === null) return;
  const { name, position } = keys.parseEntryKey(row.key);
  const entry = toEntry({ parent, name }, position, row.value);
  if (entry) entries.push(entry);
}

/** The entry in a row; undefined where the row says that it is gone. */
export function toEntry(place: Place, position: Position, value: Buffer): Entry | undefined {
  if (value.length === 0) return undefined;
  const isDirectory = value[0] === 0;
  const bytes = isDirectory ? value.subarray(8) : value;
  return new StoredEntry(place, position, {
    bytes,
    directoryId: isDirectory ? keys.readPosition(value, 0) : null,
  });
}

/** Decodes its event when that is asked for: of most entries of most walks it never is. */
class StoredEntry implements Entry {
  readonly parent: DirectoryId;
  readonly name: string;
  readonly position: Position;
  readonly directoryId: DirectoryId | null;
  readonly bytes: Buffer;
  private decoded: EntryEvent | null = null;

  constructor(place: Place, position: Position, stored: { bytes: Buffer; directoryId: DirectoryId | null }) {
    this.parent = place.parent;
    this.name = place.name;
    this.position = position;
    this.directoryId = stored.directoryId;
    this.bytes = stored.bytes;
  }

  get event(): EntryEvent {
    return (this.decoded ??= decodeEvent(this.bytes, this.position) as EntryEvent);
  }

  get kind(): EntryKind {
    if (this.directoryId !== null) return 'directory';
    const type = peekType(this.bytes);
    return type === 'file.ingested' ? 'file' : type === 'symlink.added' ? 'symlink' : kindOf(this.event);
  }
}

export function kindOf(event: EntryEvent): EntryKind {
  switch (event.type) {
    case 'file.ingested':
      return 'file';
    case 'directory.added':
      return 'directory';
    case 'symlink.added':
      return 'symlink';
    case 'special.added':
      return event.kind;
  }
}
