/** All about one entry or content. */
import { objectPath } from '../../fs/stage.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import type { Hash, Position } from '../../events/types.js';
import { livePath, type Contents } from '../../projections/contents.js';
import { Namespace, type NamedEntry } from '../../projections/namespace.js';
import type { StatRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { entryRow } from './rows.js';
import { resolveTarget } from './targets.js';

export async function stat(archive: OpenArchive, text: string, at: Position): Promise<StatRow> {
  const namespace = archive.namespace(at);
  const contents = archive.contents(at);
  const target = await resolveTarget(text, { root: archive.layout.root, namespace, contents });
  if (target.is === 'content') return contentStat(archive, target.hash, { namespace, contents });
  const { event } = target.named.entry;
  const entry = entryRow(target.named);
  if (event.type !== 'file.ingested' || event.hash === null) return plainStat(target.named);
  return { ...(await contentStat(archive, event.hash, { namespace, contents })), entry };
}

/** Directories, symlinks, specials and empty files have no object. */
function plainStat(named: NamedEntry): StatRow {
  const entry = entryRow(named);
  return {
    hash: null,
    size: entry.size,
    inodes: [],
    links: 0,
    paths: [named.path],
    pastPaths: [],
    firstStored: null,
    lastVerified: null,
    entry,
  };
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
    inodes: (object?.inodes ?? []).map(({ device, inode }) => ({
      device: device.toString(),
      inode: inode.toString(),
    })),
    links: linksOnDisk(archive, hash),
    paths,
    pastPaths,
    firstStored: stored === null ? null : new Date(stored).toISOString(),
    lastVerified: verified === null ? null : new Date(verified).toISOString(),
  };
}

async function pathsOf(
  archive: OpenArchive,
  hash: Hash,
  views: { namespace: Namespace; contents: Contents },
): Promise<{ paths: string[]; pastPaths: string[] }> {
  const paths = new Set<string>();
  const past = new Set<string>();
  for await (const place of views.contents.postings(hash)) {
    const live = await livePath(place, hash, views.namespace);
    if (live !== null) paths.add(live);
    if (live !== null && !(await views.namespace.hasMoved(place.parent))) continue;
    const then = new Namespace(archive.views.level, place.position);
    const before = await then.pathOfPlace(place);
    if (before !== null) past.add(before);
  }
  return { paths: [...paths].sort(), pastPaths: [...past].filter((path) => !paths.has(path)).sort() };
}

/** Names that the object's inodes have now, the hash tree's own among them. */
function linksOnDisk(archive: OpenArchive, hash: Hash): number {
  const object = objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
  return twinPaths(object).reduce((sum, path) => sum + Number(lstatOrNull(path)?.nlink ?? 0n), 0);
}
