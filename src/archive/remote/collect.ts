/** Which contents the events of a span of the log bring. */
import { asBuffer } from '../../events/bytes.js';
import type { EventLog } from '../../events/log.js';
import { peekType, RawEvent } from '../../events/raw-event.js';
import type { Span } from '../../events/scan.js';
import type { EventRecord, EventType } from '../../events/types.js';
import type { Contents } from '../../projections/contents.js';
import { ObjectList } from './object-list.js';

/** What operations say of themselves: alone it is no news, or each backup would make the next one due. */
const BOOKKEEPING: ReadonlySet<EventType | null> = new Set<EventType>([
  'operation.started',
  'operation.completed',
  'operation.failed',
  'backup.completed',
  'copies.verified',
]);

/** All that is decoded: file events, which are most, are not. */
const RARE: ReadonlySet<EventType> = new Set<EventType>(['object.stored', 'object.removed', 'object.healed']);

export interface Collected {
  readonly objects: ObjectList;
  readonly hasNews: boolean;
}

/**
 * Each content once, in the order of the log: what was stored in the span, or healed. What was removed since is
 * left out. What is known to be damaged is not: another copy of it may be good, and where none is, whoever sends
 * it says so.
 */
export async function collectObjects(log: EventLog, contents: Contents, span: Span): Promise<Collected> {
  const seen = new Set<string>();
  const objects = new ObjectList();
  const doubtful = new Set<string>();
  const raw = new RawEvent();
  let hasNews = false;
  for await (const records of log.read({ ...span, lazy: true }))
    for (const record of records) {
      const type = peekType(record.bytes);
      hasNews ||= !BOOKKEEPING.has(type);
      if (type === 'object.stored' && raw.read(asBuffer(record.bytes)) === 'object.stored')
        addOnce(seen, objects, { hash: raw.hash!, size: raw.size });
      else if (type === null || RARE.has(type)) await addRare(record, { contents, seen, objects, doubtful });
    }
  return { objects: await withoutRemoved(objects, doubtful, contents), hasNews };
}

interface Collecting {
  readonly contents: Contents;
  readonly seen: Set<string>;
  readonly objects: ObjectList;
  readonly doubtful: Set<string>;
}

async function addRare({ event }: EventRecord, into: Collecting): Promise<void> {
  if (event.type === 'object.removed') into.doubtful.add(event.hash);
  if (event.type === 'object.stored')
    addOnce(into.seen, into.objects, { hash: Buffer.from(event.hash, 'hex'), size: event.size });
  if (event.type !== 'object.healed') return;
  const object = await into.contents.object(event.hash);
  if (object) addOnce(into.seen, into.objects, { hash: Buffer.from(event.hash, 'hex'), size: object.size });
}

function addOnce(
  seen: Set<string>,
  objects: ObjectList,
  { hash, size }: { hash: Buffer; size: number },
): void {
  const text = hash.toString('latin1');
  if (seen.has(text)) return;
  seen.add(text);
  objects.add(hash, size);
}

async function withoutRemoved(
  objects: ObjectList,
  doubtful: ReadonlySet<string>,
  contents: Contents,
): Promise<ObjectList> {
  const removed = new Set<string>();
  for (const hash of doubtful) {
    const object = await contents.object(hash);
    if (object === null || object.inodes.length === 0) removed.add(hash);
  }
  return removed.size === 0 ? objects : objects.filter(({ hash }) => !removed.has(hash));
}
