/** Entries by content or name. */
import { HkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { isAtOrBelow } from '../../fs/names.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { EntryRow, FindQuery } from '../api.js';
import { globMatcher } from '../globs.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from './past-paths.js';
import { entryRow } from './rows.js';
import { ingestedTars } from './tars.js';

/** @throws HkfsError NOT_FOUND for a path that is not there, BAD_TARGET or AMBIGUOUS_PREFIX for a hash */
export async function* find(archive: OpenArchive, query: FindQuery, at: Position): AsyncGenerator<EntryRow> {
  const namespace = archive.namespace(at);
  const start = await resolvePathAt(archive, query.path ?? '', at);
  const matches = matcher(query);
  if (query.hash !== undefined) {
    const digits = digitsOf(query.hash);
    if (digits.length === 64)
      for await (const tar of ingestedTars(archive, digits, at))
        if (isAtOrBelow(tar.path, start.path) && matches(tar))
          yield { ...entryRow(tar), ingestedBy: tar.operation };
    const hash = await archive.contents(at).resolvePrefix(digits);
    if (hash === null) return;
    for await (const named of namedEntries(archive, hash, at))
      if (isAtOrBelow(named.path, start.path) && matches(named)) yield entryRow(named);
    return;
  }
  if (start.path !== '' && matches(start)) yield entryRow(start);
  if (start.entry.directoryId === null) return;
  for await (const named of namespace.walk(start)) if (matches(named)) yield entryRow(named);
}

function digitsOf(hash: string): string {
  if (/^[0-9a-f]{1,64}$/i.test(hash)) return hash.toLowerCase();
  throw new HkfsError('BAD_TARGET', `${JSON.stringify(hash)} is no hash`, {
    hint: 'give the 64 hexadecimal digits of a BLAKE3 hash, or the first of them',
  });
}

/** The live entries of a content, in order of their directories and names. */
async function* namedEntries(archive: OpenArchive, hash: Hash, at: Position): AsyncGenerator<NamedEntry> {
  const namespace = archive.namespace(at);
  for await (const place of archive.contents(at).postings(hash)) {
    const entry = await namespace.entryAt(place);
    if (entry?.event.type !== 'file.ingested' || entry.event.hash !== hash) continue;
    const path = await namespace.pathOfPlace(place);
    if (path !== null) yield { path, entry };
  }
}

function matcher(query: FindQuery): (named: NamedEntry) => boolean {
  const { name, kind, minSize = 0, maxSize = Infinity } = query;
  const bySize = query.minSize !== undefined || query.maxSize !== undefined;
  const glob = name === undefined ? null : globMatcher(name.replace(/^\/+/, ''));
  const byPath = name?.includes('/') ?? false;
  return ({ path, entry }) => {
    if (kind !== undefined && entry.kind !== kind) return false;
    if (glob !== null && !glob(byPath ? path : entry.name)) return false;
    if (!bySize) return true;
    return entry.event.type === 'file.ingested' && entry.event.size >= minSize && entry.event.size <= maxSize;
  };
}
