/** Objects that no entry names: what they were called last, and since when nothing names them. */
import { RawEvent } from '../../events/raw-event.js';
import type { Hash, Position } from '../../events/types.js';
import type { StoredObject } from '../../projections/contents.js';
import { ROOT, type Entry, type Namespace } from '../../projections/namespace.js';
import { overlap, PlaceHistory, type PathSpan } from '../../projections/place-history.js';
import type { OrphanRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';

export interface Orphan {
  readonly object: StoredObject;
  /** The event that took the last name; of what never had one, the one that stored it. */
  readonly since: Position;
  readonly lastPath: string | null;
  /** When it had which path in the tree. */
  readonly named: readonly PathSpan[];
}

/** In the order of their hashes. One walk through the tree tells what is named, at about 100 bytes a content. */
export async function* findOrphans(archive: OpenArchive, at = archive.now): AsyncGenerator<Orphan> {
  const named = await namedContents(archive.namespace(at));
  const history = new PlaceHistory(archive.views.level);
  for await (const object of archive.contents(at).objects())
    if (object.inodes.length > 0 && !named.has(keyOf(Buffer.from(object.hash, 'hex'))))
      yield orphanOf(object, await namesOf(archive, history, { hash: object.hash, at }));
}

export async function orphanRow(
  archive: OpenArchive,
  { object, since, lastPath }: Orphan,
): Promise<OrphanRow> {
  const { timeMs } = await archive.log.commitAt(since);
  const { hash, size } = object;
  return { hash, size, lastPath, since: new Date(timeMs).toISOString() };
}

async function namedContents(namespace: Namespace): Promise<Set<string>> {
  const named = new Set<string>();
  const raw = new RawEvent();
  for await (const { entry } of namespace.walk({ path: '', entry: ROOT })) {
    const hash = contentOf(entry, raw);
    if (hash !== null) named.add(keyOf(hash));
  }
  return named;
}

/** From the stored bytes where they are in the common form: decoding each entry would take most of the time. */
function contentOf(entry: Entry, raw: RawEvent): Buffer | null {
  if (entry.directoryId !== null) return null;
  if (entry.bytes !== undefined && raw.read(entry.bytes) === 'file.ingested') return raw.hash;
  const { event } = entry;
  return event.type === 'file.ingested' && event.hash !== null ? Buffer.from(event.hash, 'hex') : null;
}

/** A byte a character: half of the memory of hexadecimal digits. */
function keyOf(hash: Buffer): string {
  return hash.toString('latin1');
}

/** Every path that named the content up to a moment, and when. */
async function namesOf(
  archive: OpenArchive,
  history: PlaceHistory,
  { hash, at }: { hash: Hash; at: Position },
): Promise<PathSpan[]> {
  const names: PathSpan[] = [];
  const past = { from: 0, to: at + 1 };
  for await (const place of archive.contents(at).postings(hash))
    for (const version of await history.versions(place)) {
      const { entry } = version;
      const span = overlap(version, past);
      if (span === null || entry?.event.type !== 'file.ingested' || entry.event.hash !== hash) continue;
      for (const path of await history.pathsOfPlace(place, span)) names.push(path);
    }
  return names;
}

function orphanOf(object: StoredObject, named: readonly PathSpan[]): Orphan {
  let last: PathSpan | null = null;
  for (const span of named) {
    const isLater = last === null || span.to > last.to || (span.to === last.to && span.path < last.path);
    if (isLater) last = span;
  }
  return { object, named, since: last?.to ?? object.firstStored, lastPath: last?.path ?? null };
}
