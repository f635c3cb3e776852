/** What the views answer at one moment, against the model's snapshot of that moment. */
import { expect } from '@jest/globals';
import type { Level } from '../../src/events/level.js';
import type { Hash, Position } from '../../src/events/types.js';
import { Contents } from '../../src/projections/contents.js';
import type { InodeId } from '../../src/projections/keys.js';
import { Namespace, ROOT, type Entry } from '../../src/projections/namespace.js';
import { HASHES, INODES } from './histories.js';
import {
  byBytes,
  directoriesOf,
  entriesBelow,
  entryAt,
  pathsOf,
  type ModelEntry,
  type Snapshot,
} from './model.js';

export interface Moment {
  readonly at: Position;
  readonly snapshot: Snapshot;
  /** Of the whole history, so that names of other moments are asked for too. */
  readonly everyPath: readonly string[];
  readonly everyId: readonly number[];
}

export async function expectNamespace(level: Level, moment: Moment): Promise<void> {
  const { at, snapshot, everyPath, everyId } = moment;
  const namespace = new Namespace(level, at);
  const directories = directoriesOf(snapshot);
  for (const { entry } of directories) {
    const listed = await collect(namespace.list(entry.id!));
    const names = [...entry.children.keys()].sort(byBytes);
    const children = names.map((name) => shown(entry.id!, name, entry.children.get(name)));
    expect(listed.flat().map(plain)).toEqual(children);
  }
  const walked = await collect(namespace.walk({ path: '', entry: ROOT }));
  const below = [...entriesBelow(snapshot.root)];
  expect(walked.map(({ path }) => path)).toEqual(below.map(({ path }) => path));
  expect(walked.map(({ entry }) => plain(entry))).toEqual(
    below.map(({ place, entry }) => shown(place.parent, place.name, entry)),
  );
  const byPath = new Map(below.map((located) => [located.path, located]));
  for (const path of everyPath) {
    const located = byPath.get(path);
    const expected = located && shown(located.place.parent, located.place.name, located.entry);
    expect(plain(await namespace.resolve(path))).toEqual(expected);
  }
  const byId = new Map(directories.map(({ path, entry }) => [entry.id, path]));
  for (const id of everyId) expect(await namespace.pathOf(id)).toBe(byId.get(id) ?? null);
}

export async function expectPlaces(level: Level, { at, snapshot, everyPath }: Moment): Promise<void> {
  const namespace = new Namespace(level, at);
  const names = new Set(everyPath.flatMap((path) => path.split('/')));
  for (const { path, entry } of directoriesOf(snapshot))
    for (const name of names) {
      const place = { parent: entry.id!, name };
      expect(plain(await namespace.entryAt(place))).toEqual(shown(entry.id!, name, entryAt(snapshot, place)));
      expect(await namespace.pathOfPlace(place)).toBe(path === '' ? name : `${path}/${name}`);
    }
}

export async function expectContents(level: Level, { at, snapshot }: Moment): Promise<void> {
  const contents = new Contents(level, at);
  const namespace = new Namespace(level, at);
  const stored = HASHES.filter((hash) => snapshot.objects.has(hash));
  for (const hash of HASHES) {
    expect(await contents.object(hash)).toEqual(shownObject(snapshot, hash));
    const live = await collect(contents.livePaths(hash, namespace));
    expect(live.sort(byBytes)).toEqual(pathsOf(snapshot, hash).sort(byBytes));
    const places = await collect(contents.postings(hash));
    const named = snapshot.named.get(hash) ?? [];
    expect(places).toEqual([...named].sort((a, b) => a.parent - b.parent || byBytes(a.name, b.name)));
    expect(await contents.lastVerified(hash)).toBe(snapshot.verified.get(hash) ?? null);
    expect(await contents.finding(hash)).toBe(snapshot.findings.get(hash) ?? null);
  }
  const objects = await collect(contents.objects());
  expect(objects).toEqual([...stored].sort().map((hash) => shownObject(snapshot, hash)));
  for (const digits of new Set(HASHES.flatMap((hash) => [1, 2, 3, 4, 63, 64].map((n) => hash.slice(0, n)))))
    await expectPrefix(contents, digits, stored);
  for (const digits of ['', 'a', 'ab', 'ab1', 'f'.repeat(64)]) {
    const begins = <V>(map: ReadonlyMap<Hash, V>): Map<Hash, V> =>
      new Map([...map].filter(([hash]) => hash.startsWith(digits)));
    expect(await contents.verifiedTimes(digits, (_position, timeMs) => timeMs)).toEqual(
      begins(snapshot.verified),
    );
    expect(await contents.findings(digits)).toEqual(begins(snapshot.findings));
  }
  for (const inode of INODES) expect(await contents.hashOfInode(inode)).toBe(hashAt(snapshot, inode));
  for (const number of new Set(INODES.map(({ inode }) => inode))) {
    const of = INODES.filter(({ inode }) => inode === number).map((inode) => hashAt(snapshot, inode));
    const found = await contents.hashesOfInodeNumber(number);
    expect(found.sort()).toEqual([...new Set(of.filter((hash) => hash !== null))].sort());
  }
}

async function expectPrefix(contents: Contents, digits: string, stored: readonly Hash[]): Promise<void> {
  const matches = stored.filter((hash) => hash.startsWith(digits));
  if (matches.length > 1)
    await expect(contents.resolvePrefix(digits)).rejects.toMatchObject({ code: 'AMBIGUOUS_PREFIX' });
  else expect(await contents.resolvePrefix(digits)).toBe(matches[0] ?? null);
}

function hashAt(snapshot: Snapshot, { device, inode }: InodeId): Hash | null {
  return snapshot.inodes.get(`${device}:${inode}`) ?? null;
}

function shownObject(snapshot: Snapshot, hash: Hash): unknown {
  const object = snapshot.objects.get(hash);
  return object === undefined ? null : { hash, ...object };
}

/** The event of a renamed entry still has the place it was added at; the entry has the one it is at. */
function plain(entry: Entry | undefined): unknown {
  if (entry === undefined) return undefined;
  const { parent, name, kind, directoryId, position, event } = entry;
  return { parent, name, kind, directoryId, position, event: { ...event, parent: 0, name: '' } };
}

function shown(parent: number, name: string, entry: ModelEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  const { kind, id, position, event } = entry;
  return { parent, name, kind, directoryId: id, position, event: { ...event, parent: 0, name: '' } };
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}
