/** All about one entry or content. */
import { objectPath } from '../../fs/stage.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import type { Hash, Place, Position } from '../../events/types.js';
import { livePath, type Contents, type StoredObject } from '../../projections/contents.js';
import type { InodeId } from '../../projections/keys.js';
import type { NamedEntry, Namespace } from '../../projections/namespace.js';
import { overlap, PlaceHistory, type Span } from '../../projections/place-history.js';
import type { StatRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { copiesOf } from './copies.js';
import { livesOf } from './lives.js';
import { resolveTargetAt } from './past-paths.js';
import { entryRow } from './rows.js';

export async function stat(archive: OpenArchive, text: string, at: Position): Promise<StatRow> {
  const namespace = archive.namespace(at);
  const contents = archive.contents(at);
  const target = await resolveTargetAt(archive, text, at);
  if (target.is === 'content') return contentStat(archive, target.hash, { namespace, contents });
  const { event } = target.named.entry;
  const entry = entryRow(target.named);
  if (event.type !== 'file.ingested' || event.hash === null) return plainStat(archive, target.named, at);
  return { ...(await contentStat(archive, event.hash, { namespace, contents })), entry };
}

/** Directories, symlinks, specials and empty files have no object. */
async function plainStat(archive: OpenArchive, named: NamedEntry, at: Position): Promise<StatRow> {
  const entry = entryRow(named);
  const past = await pastPathsOf(archive, named, at);
  return {
    hash: null,
    size: entry.size,
    inodes: [],
    links: 0,
    paths: [named.path],
    pastPaths: past,
    firstStored: null,
    lastVerified: null,
    copies: [],
    entry,
  };
}

/** Where an entry itself was before. */
async function pastPathsOf(
  archive: OpenArchive,
  { path, entry }: NamedEntry,
  at: Position,
): Promise<string[]> {
  if (path === '') return [];
  const history = new PlaceHistory(archive.views.level);
  const until = { from: 0, to: at + 1 };
  const past = new Set<string>();
  for (const life of await livesOf(archive, entry, at))
    for (const before of await pathsDuring(history, life.place, overlap(life, until))) past.add(before);
  past.delete(path);
  return [...past].sort();
}

async function contentStat(
  archive: OpenArchive,
  hash: Hash,
  views: { namespace: Namespace; contents: Contents },
): Promise<StatRow> {
  const { contents } = views;
  const object = await contents.object(hash);
  const { paths, pastPaths } = await pathsOf(archive, hash, views);
  const verified = await contents.lastVerified(hash);
  const stored = object && (await archive.log.commitAt(object.firstStored)).timeMs;
  return {
    hash,
    size: object?.size ?? null,
    inodes: inodesOf(archive, hash, { object, at: contents.at }).map(({ device, inode }) => ({
      device: device.toString(),
      inode: inode.toString(),
    })),
    links: linksOnDisk(archive, hash),
    paths,
    pastPaths,
    firstStored: stored === null ? null : new Date(stored).toISOString(),
    lastVerified: verified === null ? null : new Date(verified).toISOString(),
    copies: object === null ? [] : await copiesOf(archive, object, contents.at),
  };
}

async function pathsOf(
  archive: OpenArchive,
  hash: Hash,
  views: { namespace: Namespace; contents: Contents },
): Promise<{ paths: string[]; pastPaths: string[] }> {
  const { namespace, contents } = views;
  const history = new PlaceHistory(archive.views.level);
  const until = { from: 0, to: namespace.at + 1 };
  const paths = new Set<string>();
  const past = new Set<string>();
  for await (const place of contents.postings(hash)) {
    const live = await livePath(place, hash, namespace);
    if (live !== null) paths.add(live);
    if (live !== null && !(await namespace.hasMoved(place.parent))) continue;
    for (const span of await spansOfContent(history, place, hash))
      for (const path of await pathsDuring(history, place, overlap(span, until))) past.add(path);
  }
  return { paths: [...paths].sort(), pastPaths: [...past].filter((path) => !paths.has(path)).sort() };
}

async function spansOfContent(history: PlaceHistory, place: Place, hash: Hash): Promise<Span[]> {
  const versions = await history.versions(place);
  return versions.filter(({ entry }) => entry?.event.type === 'file.ingested' && entry.event.hash === hash);
}

async function pathsDuring(history: PlaceHistory, place: Place, span: Span | null): Promise<string[]> {
  return span === null ? [] : (await history.pathsOfPlace(place, span)).map(({ path }) => path);
}

/** Now those of the hash tree, whatever became of the disk since the log told of them; before, those it told. */
function inodesOf(
  archive: OpenArchive,
  hash: Hash,
  { object, at }: { object: StoredObject | null; at: Position },
): readonly InodeId[] {
  if (object === null || object.inodes.length === 0 || at !== archive.now) return object?.inodes ?? [];
  const path = objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
  return twinPaths(path)
    .reverse()
    .flatMap((file) => {
      const stat = lstatOrNull(file);
      return stat === null ? [] : [{ device: stat.dev, inode: stat.ino }];
    });
}

/** Names that the object's inodes have now, the hash tree's own among them. */
function linksOnDisk(archive: OpenArchive, hash: Hash): number {
  const object = objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
  return twinPaths(object).reduce((sum, path) => sum + Number(lstatOrNull(path)?.nlink ?? 0n), 0);
}
