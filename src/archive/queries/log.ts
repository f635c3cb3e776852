/** Events as rows, with paths where they name places. */
import type { DirectoryId, EventRecord, HkfsEvent, Place, Position } from '../../events/types.js';
import { Namespace } from '../../projections/namespace.js';
import type { ArchiveReader, LogRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';

const MAX_CACHED_PATHS = 50_000;

type LogQuery = NonNullable<Parameters<ArchiveReader['log']>[0]>;

/** Oldest first; with a limit and no start the newest ones, still oldest first. */
export async function* log(
  archive: OpenArchive,
  query: LogQuery,
  path: string | null,
): AsyncGenerator<LogRow> {
  const { operation, limit = Infinity } = query;
  if (limit <= 0) return;
  const to = archive.log.size;
  const from = query.from ?? (await startOf(archive, query, path));
  const paths = new PathsAt(archive);
  let left = limit;
  for await (const batch of archive.log.read({ from, to }))
    for (const record of batch) {
      if (operation !== undefined && record.operation !== operation) continue;
      const row = await toRow(record, paths);
      if (path !== null && !touches(row, path)) continue;
      yield row;
      if ((left -= 1) <= 0) return;
    }
}

/** Where the newest `limit` events begin: found backwards, so that a long log costs nothing. */
async function startOf(archive: OpenArchive, query: LogQuery, path: string | null): Promise<Position> {
  if (query.limit === undefined) return 0;
  const paths = new PathsAt(archive);
  let left = query.limit;
  for await (const batch of archive.log.readReverse({ from: 0, to: archive.log.size }))
    for (const record of batch) {
      if (query.operation !== undefined && record.operation !== query.operation) continue;
      if (path !== null && !touches(await toRow(record, paths), path)) continue;
      if ((left -= 1) <= 0) return record.position;
    }
  return 0;
}

/**
 * Paths of directories as of the events that speak of them. Read in order, forwards or backwards, a path
 * holds until an event moves or removes something.
 */
class PathsAt {
  private readonly archive: OpenArchive;
  private readonly paths = new Map<DirectoryId, string | null>();

  constructor(archive: OpenArchive) {
    this.archive = archive;
  }

  async of(place: Place, position: Position): Promise<string> {
    if (place.parent === 0) return place.name;
    let parent = this.paths.get(place.parent);
    if (parent === undefined) {
      parent = await new Namespace(this.archive.views.level, position).pathOf(place.parent);
      if (this.paths.size >= MAX_CACHED_PATHS) this.paths.clear();
      this.paths.set(place.parent, parent);
    }
    return parent === null ? `#${place.parent}/${place.name}` : `${parent}/${place.name}`;
  }

  forget(): void {
    this.paths.clear();
  }
}

function touches(row: LogRow, path: string): boolean {
  const { data } = row;
  return [data['path'], data['from'], data['to']].some(
    (named) => typeof named === 'string' && (named === path || named.startsWith(`${path}/`)),
  );
}

async function toRow(record: EventRecord, paths: PathsAt): Promise<LogRow> {
  const { position, operation, event } = record;
  const time = new Date(record.timeMs).toISOString();
  return { position, time, operation, type: event.type, data: await dataOf(event, position, paths) };
}

async function dataOf(
  event: HkfsEvent,
  position: Position,
  paths: PathsAt,
): Promise<Record<string, unknown>> {
  const { type: _type, ...fields } = event;
  const moves = event.type.startsWith('path.');
  if (moves) paths.forget();
  const data = plain(fields) as Record<string, unknown>;
  if (event.type === 'path.renamed') {
    data['from'] = await paths.of(event.from, position - 1);
    paths.forget();
    data['to'] = await paths.of(event.to, position);
  } else if ('parent' in event) {
    // A removed directory is not there any more at its own event.
    const at = event.type === 'path.removed' ? position - 1 : position;
    data['path'] = await paths.of(event, at);
    delete data['parent'];
    delete data['name'];
  }
  if (moves) paths.forget();
  return data;
}

/** Values that JSON can hold: big integers as strings, bytes as base64. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}
