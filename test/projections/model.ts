/**
 * The namespace and the contents as plain objects, never changed once made: each event gives a new
 * snapshot, and all snapshots are kept. Simple where the projections are fast.
 */
import type {
  Attributes,
  DirectoryId,
  EntryEvent,
  EntryKind,
  EventRecord,
  Hash,
  HkfsEvent,
  Place,
  Position,
} from '../../src/events/types.js';
import type { InodeId } from '../../src/projections/keys.js';

export interface ModelEntry {
  readonly kind: EntryKind;
  /** Null for everything but directories. */
  readonly id: DirectoryId | null;
  /** Where the entry got its present state. */
  readonly position: Position;
  /** The event that made it, with its present attributes. */
  readonly event: EntryEvent;
  /** Empty for everything but directories. */
  readonly children: ReadonlyMap<string, ModelEntry>;
}

export interface ModelObject {
  readonly size: number;
  readonly firstStored: Position;
  readonly inodes: readonly (InodeId & { readonly position: Position })[];
}

export interface Snapshot {
  readonly root: ModelEntry;
  readonly objects: ReadonlyMap<Hash, ModelObject>;
  /** By `device:inode`. */
  readonly inodes: ReadonlyMap<string, Hash>;
  /** Every place that ever named a content, with the first position at which it did. */
  readonly named: ReadonlyMap<Hash, readonly (Place & { readonly position: Position })[]>;
  readonly verified: ReadonlyMap<Hash, number>;
  readonly findings: ReadonlyMap<Hash, string>;
  /** The last event, and the snapshot before it: what was stays to be looked up. */
  readonly position: Position;
  readonly before: Snapshot | null;
}

const NO_ATTRIBUTES: Attributes = { mode: 0o755, uid: 0, gid: 0, user: null, group: null, mtimeNs: 0n };

export const EMPTY: Snapshot = {
  root: {
    kind: 'directory',
    id: 0,
    position: 0,
    event: { type: 'directory.added', parent: 0, name: '', attributes: NO_ATTRIBUTES },
    children: new Map(),
  },
  objects: new Map(),
  inodes: new Map(),
  named: new Map(),
  verified: new Map(),
  findings: new Map(),
  position: -1,
  before: null,
};

/** The snapshot after an event. */
export function after(before: Snapshot, record: EventRecord): Snapshot {
  return { ...changed(before, record), position: record.position, before };
}

/** The snapshot of a moment that is past. */
export function snapshotAt(snapshot: Snapshot, position: Position): Snapshot {
  let at = snapshot;
  while (at.position > position && at.before) at = at.before;
  return at;
}

/** What a directory holds, or held when it was last in the tree. */
export function lastHeld(snapshot: Snapshot, id: DirectoryId): ModelEntry['children'] {
  for (let at: Snapshot | null = snapshot; at; at = at.before) {
    const found = directoriesOf(at).find(({ entry }) => entry.id === id);
    if (found) return found.entry.children;
  }
  return new Map();
}

function changed(before: Snapshot, { event, position, timeMs }: EventRecord): Snapshot {
  switch (event.type) {
    case 'directory.added':
    case 'file.ingested':
    case 'symlink.added':
    case 'special.added':
      return entryAdded(before, event, position);
    case 'attributes.changed': {
      const entry = entryAt(before, event)!;
      const source = 'source' in entry.event ? { source: event.source ?? entry.event.source } : {};
      const changed = { ...entry.event, attributes: event.attributes, ...source } as EntryEvent;
      return placed(before, event, { ...entry, event: changed, position });
    }
    case 'path.removed':
      return placed(before, event, null);
    case 'path.renamed': {
      const entry = entryAt(before, event.from)!;
      const moved = placed(placed(before, event.from, null), event.to, { ...entry, position });
      return named(moved, entry.event, event.to, position);
    }
    case 'path.restored': {
      const then = entryAt(snapshotAt(before, event.at), event)!;
      const children = then.id === null ? then.children : lastHeld(before, then.id);
      return named(placed(before, event, { ...then, children, position }), then.event, event, position);
    }
    case 'objects.verified':
      return { ...before, verified: withAll(before.verified, event.hashes, timeMs) };
    case 'object.damaged':
      return { ...before, findings: new Map(before.findings).set(event.hash, event.finding) };
    case 'object.healed':
      return { ...before, findings: without(before.findings, event.hash) };
    default:
      return objectChanged(before, event, position);
  }
}

function entryAdded(before: Snapshot, event: EntryEvent, position: Position): Snapshot {
  const isDirectory = event.type === 'directory.added';
  const kind = event.type === 'special.added' ? event.kind : KINDS[event.type];
  const entry = { kind, id: isDirectory ? position : null, position, event, children: new Map() };
  return named(placed(before, event, entry), event, event, position);
}

const KINDS = {
  'directory.added': 'directory',
  'file.ingested': 'file',
  'symlink.added': 'symlink',
} as const;

function objectChanged(before: Snapshot, event: HkfsEvent, position: Position): Snapshot {
  if (event.type === 'object.stored') return inodeHolds(before, event, { ...event, position });
  if (event.type === 'object.removed') return inodeGone(before, event.hash, event);
  if (event.type !== 'object.relocated') return before;
  return inodeHolds(inodeGone(before, event.hash, event.from), event, { ...event.to, position });
}

function inodeHolds(
  before: Snapshot,
  { hash, size }: { hash: Hash; size: number },
  { device, inode, position }: InodeId & { position: Position },
): Snapshot {
  const object = before.objects.get(hash) ?? { size, firstStored: position, inodes: [] };
  const others = object.inodes.filter((known) => known.device !== device || known.inode !== inode);
  const inodes = [...others, { device, inode, position }];
  return {
    ...before,
    objects: new Map(before.objects).set(hash, { ...object, inodes }),
    inodes: new Map(before.inodes).set(`${device}:${inode}`, hash),
  };
}

function inodeGone(before: Snapshot, hash: Hash, { device, inode }: InodeId): Snapshot {
  const object = before.objects.get(hash)!;
  const inodes = object.inodes.filter((known) => known.device !== device || known.inode !== inode);
  return {
    ...before,
    objects: new Map(before.objects).set(hash, { ...object, inodes }),
    inodes: without(before.inodes, `${device}:${inode}`),
  };
}

function named(before: Snapshot, event: EntryEvent, { parent, name }: Place, position: Position): Snapshot {
  if (event.type !== 'file.ingested' || event.hash === null) return before;
  const places = before.named.get(event.hash) ?? [];
  if (places.some((place) => place.parent === parent && place.name === name)) return before;
  return { ...before, named: new Map(before.named).set(event.hash, [...places, { parent, name, position }]) };
}

function placed(before: Snapshot, place: Place, entry: ModelEntry | null): Snapshot {
  return { ...before, root: replaced(before.root, place, entry) };
}

function replaced(directory: ModelEntry, place: Place, entry: ModelEntry | null): ModelEntry {
  const children = new Map<string, ModelEntry>();
  for (const [name, child] of directory.children)
    children.set(name, child.kind === 'directory' ? replaced(child, place, entry) : child);
  if (directory.id === place.parent) {
    children.delete(place.name);
    if (entry) children.set(place.name, entry);
  }
  return { ...directory, children };
}

export interface Located {
  readonly path: string;
  readonly place: Place;
  readonly entry: ModelEntry;
}

/** Everything below a directory, each directory before what it holds, names in byte order. */
export function* entriesBelow(directory: ModelEntry, prefix = ''): Generator<Located> {
  for (const name of [...directory.children.keys()].sort(byBytes)) {
    const entry = directory.children.get(name)!;
    const path = prefix === '' ? name : `${prefix}/${name}`;
    yield { path, place: { parent: directory.id!, name }, entry };
    if (entry.kind === 'directory') yield* entriesBelow(entry, path);
  }
}

export function directoriesOf(snapshot: Snapshot): { path: string; entry: ModelEntry }[] {
  const below = [...entriesBelow(snapshot.root)].filter(({ entry }) => entry.kind === 'directory');
  return [{ path: '', entry: snapshot.root }, ...below];
}

export function entryAt(snapshot: Snapshot, place: Place): ModelEntry | undefined {
  const directory = directoriesOf(snapshot).find(({ entry }) => entry.id === place.parent);
  return directory?.entry.children.get(place.name);
}

export function pathsOf(snapshot: Snapshot, hash: Hash): string[] {
  return [...entriesBelow(snapshot.root)]
    .filter(({ entry }) => entry.event.type === 'file.ingested' && entry.event.hash === hash)
    .map(({ path }) => path);
}

/** By the bytes of the names; lone surrogates U+DC80–U+DCFF are the bytes 0x80–0xFF. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(rawBytes(a), rawBytes(b));
}

function rawBytes(name: string): Buffer {
  const parts = Array.from(name, (character) => {
    const code = character.codePointAt(0)!;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character);
  });
  return Buffer.concat(parts);
}

function withAll<K, V>(map: ReadonlyMap<K, V>, keys: readonly K[], value: V): Map<K, V> {
  const copy = new Map(map);
  for (const key of keys) copy.set(key, value);
  return copy;
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): Map<K, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
