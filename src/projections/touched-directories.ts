/** Directories whose entries events of a span of the log changed, and those above them at a moment. */
import type { Level } from '../events/level.js';
import type { EventLog } from '../events/log.js';
import { peekType, RawEvent } from '../events/raw-event.js';
import type { DirectoryId, EventRecord, Position } from '../events/types.js';
import * as keys from './keys.js';

/** @param span positions; `to` is not included */
export async function touchedDirectories(
  log: EventLog,
  span: { from: Position; to: Position },
): Promise<Set<DirectoryId>> {
  const touched = new Set<DirectoryId>();
  const raw = new RawEvent();
  for await (const batch of log.read({ ...span, lazy: true }))
    for (const record of batch) addTouched(touched, record, raw);
  return touched;
}

function addTouched(touched: Set<DirectoryId>, record: EventRecord, raw: RawEvent): void {
  const bytes = record.bytes as Buffer;
  const type = peekType(bytes);
  if (type === 'object.stored' || type === 'objects.verified') return;
  if (type === 'file.ingested' && raw.read(bytes) === type) {
    touched.add(raw.parent);
    return;
  }
  const { event, position } = record;
  if ('parent' in event) touched.add(event.parent);
  if (event.type === 'directory.added') touched.add(position);
  if (event.type !== 'path.renamed') return;
  touched.add(event.from.parent);
  touched.add(event.to.parent);
}

/**
 * These directories and all above them, wherever they hung when they were last in the tree: of no other
 * directory did anything below change.
 */
export async function withDirectoriesAbove(
  level: Level,
  ids: Iterable<DirectoryId>,
  at: Position,
): Promise<Set<DirectoryId>> {
  const found = new Set<DirectoryId>();
  for (const id of ids)
    for (let above: DirectoryId | null = id; above !== null && !found.has(above);) {
      found.add(above);
      above = above === 0 ? null : await parentOf(level, above, at);
    }
  return found;
}

async function parentOf(level: Level, id: DirectoryId, at: Position): Promise<DirectoryId | null> {
  const range = { gte: keys.placeKey(id, 0), lt: keys.placeKey(id, at + 1) };
  const [place] = await level.values({ ...range, reverse: true, limit: 1 }).all();
  return place === undefined ? null : keys.readPosition(place, 0);
}
