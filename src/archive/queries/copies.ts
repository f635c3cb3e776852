/** Which contents have how many copies, here and at remotes. */
import type { Hash, Position } from '../../events/types.js';
import { RemoteCopies } from '../../projections/copies.js';
import type { CopiesQuery, CopiesRow, CopyRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { remotesAt } from '../remote/registered.js';
import { resolvePathAt } from './past-paths.js';

interface NamedCopies {
  readonly name: string;
  readonly copies: RemoteCopies;
}

/** The copies at remotes as of a moment, in the order of the remotes' names. */
export async function copiesOf(
  archive: OpenArchive,
  { hash, firstStored }: { hash: Hash; firstStored: Position },
  at: Position,
): Promise<CopyRow[]> {
  const rows: CopyRow[] = [];
  for (const { name, copies } of await loadCopies(archive, at)) {
    const copy = copies.of(hash, firstStored);
    if (copy === null) continue;
    const verified = copy.readMs === null ? null : new Date(copy.readMs).toISOString();
    rows.push({ remote: name, state: copy.state, verified });
  }
  return rows;
}

/** Files at and below a path; each name of a content is a row. @throws HkfsError NOT_FOUND */
export async function* copies(
  archive: OpenArchive,
  { path = '', min = Infinity }: CopiesQuery,
): AsyncGenerator<CopiesRow> {
  const start = await resolvePathAt(archive, path, archive.now);
  const remotes = await loadCopies(archive, archive.now);
  const contents = archive.contents();
  const damaged = await contents.findings('');
  const isFile = start.entry.directoryId === null;
  for await (const { path: name, entry } of isFile ? [start] : archive.namespace().walk(start)) {
    const { event } = entry;
    if (event.type !== 'file.ingested' || event.hash === null) continue;
    const object = await contents.object(event.hash);
    if (object === null) continue;
    const here = object.inodes.length > 0 && !damaged.has(event.hash) ? 1 : 0;
    const there = remotes.filter(({ copies }) => isGood(copies.of(object.hash, object.firstStored)?.state));
    const count = here + there.length;
    if (count < min) yield { path: name, hash: event.hash, size: event.size, copies: count };
  }
}

function isGood(state: CopyRow['state'] | undefined): boolean {
  return state === 'stored' || state === 'verified';
}

async function loadCopies(archive: OpenArchive, at: Position): Promise<NamedCopies[]> {
  const found: NamedCopies[] = [];
  for (const { name, since } of await remotesAt(archive, at))
    found.push({ name, copies: await RemoteCopies.load(archive.views.level, name, { since, at }) });
  return found;
}
