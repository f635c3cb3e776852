/** One operation in full. */
import { HkfsError } from '../../errors.js';
import { peekType } from '../../events/raw-event.js';
import type { EventType } from '../../events/types.js';
import type { LogRow, OperationDetail } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { PathsAt, toRow } from './log.js';
import { operations } from './operations.js';

const EVENTS = 20;

/** @throws HkfsError NOT_FOUND for an operation that never was */
export async function showOperation(
  archive: OpenArchive,
  asked: { operation: number; running: number | null; limit?: number },
): Promise<OperationDetail> {
  const { operation, running, limit = EVENTS } = asked;
  for await (const row of operations(archive, running, operation)) {
    const types: Partial<Record<EventType, number>> = {};
    const events: LogRow[] = [];
    const paths = new PathsAt(archive);
    for await (const batch of archive.log.read({ from: row.first, to: row.last + 1, lazy: true }))
      for (const record of batch) {
        const type = peekType(record.bytes) ?? record.event.type;
        types[type] = (types[type] ?? 0) + 1;
        if (events.length < limit) events.push(await toRow(record, paths));
      }
    return { ...row, types, events };
  }
  throw new HkfsError('NOT_FOUND', `there is no operation ${operation}`, { hint: 'see `hkfs ops`' });
}
