/** Events as rows, with paths where they name places. */
import type {
  DirectoryId,
  EventRecord,
  HkfsEvent,
  Place,
  Position,
  PrunedEntry,
} from '../../events/types.js';
import { Namespace } from '../../projections/namespace.js';
import type { Span } from '../../projections/place-history.js';
import { HkfsError } from '../../errors.js';
import type { ArchiveReader, LogRow, ProofRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { plain } from '../plain-values.js';
import { operationExtent } from './operations.js';
import { tracePath } from './trace.js';

const MAX_CACHED_PATHS = 50_000;

type LogQuery = NonNullable<Parameters<ArchiveReader['log']>[0]>;

/**
 * Oldest first; with a limit and no start the newest ones, still oldest first.
 * @throws HkfsError NOT_FOUND for a path that never was
 */
export async function* log(
  archive: OpenArchive,
  query: LogQuery,
  path: string | null,
): AsyncGenerator<LogRow> {
  const { limit = Infinity } = query;
  if (limit <= 0) return;
  const span = await spanOf(archive, query);
  const paths = new PathsAt(archive);
  let left = limit;
  const records =
    path === null ? recordsIn(archive, query, span) : recordsAbout(archive, { query, span }, path);
  for await (const record of records) {
    yield await toRow(record, paths);
    if ((left -= 1) <= 0) return;
  }
}

/** From the start that was asked for, and no further than the operation that was asked for. */
async function spanOf(archive: OpenArchive, { operation, from = 0 }: LogQuery): Promise<Span> {
  const span = { from, to: archive.log.size };
  if (operation === undefined || operation === 0) return span;
  const own = await operationExtent(archive, operation);
  if (own === null)
    throw new HkfsError('NOT_FOUND', `there is no operation ${operation}`, { hint: '`hkfs ops` lists them' });
  return { from: Math.max(from, own.first), to: own.last + 1 };
}

async function* recordsIn(archive: OpenArchive, query: LogQuery, span: Span): AsyncGenerator<EventRecord> {
  const { operation } = query;
  const from = await startOf(archive, query, span);
  for await (const batch of archive.log.read({ ...span, from }))
    for (const record of batch) if (operation === undefined || record.operation === operation) yield record;
}

/** Where the newest `limit` events begin: found backwards, so that a long log costs nothing. */
async function startOf(archive: OpenArchive, query: LogQuery, span: Span): Promise<Position> {
  if (query.limit === undefined || query.from !== undefined) return span.from;
  let left = query.limit;
  for await (const batch of archive.log.readReverse(span))
    for (const record of batch) {
      if (query.operation !== undefined && record.operation !== query.operation) continue;
      if ((left -= 1) <= 0) return record.position;
    }
  return span.from;
}

async function* recordsAbout(
  archive: OpenArchive,
  { query, span }: { query: LogQuery; span: Span },
  path: string,
): AsyncGenerator<EventRecord> {
  const traced = await tracePath(archive, path);
  if (traced === null)
    throw new HkfsError('NOT_FOUND', `nothing in the archive was ever named ${JSON.stringify(path)}`, {
      hint: "paths are written from the archive's root; see `hkfs ls`",
    });
  const positions = traced.filter((position) => position >= span.from && position < span.to);
  const { limit, from } = query;
  yield* recordsAt(archive, limit === undefined || from !== undefined ? positions : positions.slice(-limit));
}

/** Events that stand so near to each other are read in one go. */
const MAX_GAP = 64;

async function* recordsAt(archive: OpenArchive, positions: readonly Position[]): AsyncGenerator<EventRecord> {
  for (let start = 0; start < positions.length;) {
    let end = start + 1;
    while (end < positions.length && positions[end]! - positions[end - 1]! <= MAX_GAP) end += 1;
    const span = { from: positions[start]!, to: positions[end - 1]! + 1 };
    let next = start;
    for await (const batch of archive.log.read({ ...span, lazy: true }))
      for (const record of batch) {
        if (record.position !== positions[next]) continue;
        next += 1;
        yield record;
      }
    start = end;
  }
}

/**
 * Paths of directories as of the events that speak of them. Read in order, forwards or backwards, a path
 * holds until an event moves or removes something.
 */
export class PathsAt {
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

  async ofDirectory(id: DirectoryId, position: Position): Promise<string> {
    return id === 0 ? '' : (await this.of({ parent: id, name: '' }, position)).slice(0, -1);
  }

  forget(): void {
    this.paths.clear();
  }
}

/** An event as a row. @param paths asked in the order of the log */
export async function toRow(record: EventRecord, paths: PathsAt): Promise<LogRow> {
  const { position, operation, event } = record;
  const { clockMs = record.timeMs } = 'clockMs' in event ? event : {};
  const time = new Date(clockMs).toISOString();
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
  } else if (event.type === 'paths.pruned') {
    data['entries'] = await prunedRows(event.entries, position, paths);
  } else if ('parent' in event) {
    // A removed directory is not there any more at its own event.
    const at = event.type === 'path.removed' ? position - 1 : position;
    data['path'] = await paths.of(event, at);
    delete data['parent'];
    delete data['name'];
  } else if (event.type === 'tar.ingested') {
    data['path'] = await paths.ofDirectory(event.directory, position);
    delete data['directory'];
  }
  if (moves) paths.forget();
  return data;
}

/** The proof is written just before the removals: all of its places are there at its own position. */
async function prunedRows(
  entries: readonly PrunedEntry[],
  position: Position,
  paths: PathsAt,
): Promise<ProofRow[]> {
  const rows: ProofRow[] = [];
  for (const { parent, name, hash, kept } of entries) {
    const path = await paths.of({ parent, name }, position);
    rows.push({ path, hash, kept: kept && (await paths.of(kept, position)) });
  }
  return rows;
}
