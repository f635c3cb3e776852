/** Operations: one user command each, told from their opening and closing events. */
import type { EventRecord, OperationStarted, Position } from '../../events/types.js';
import * as keys from '../../projections/keys.js';
import { readRows } from '../../projections/views.js';
import type { OperationRow, OperationStatus } from '../api.js';
import type { OpenArchive } from '../open-archive.js';

interface Mark {
  readonly position: Position;
  readonly timeMs: number;
}

/** The number of the newest operation, 0 when there was none. */
export async function lastOperation(archive: OpenArchive): Promise<number> {
  const range = keys.prefixRange(Buffer.from([keys.PREFIX.started]));
  const [key] = await archive.views.level.keys({ ...range, reverse: true, limit: 1 }).all();
  return key === undefined ? 0 : keys.readPosition(key, 1);
}

/** Operations in order, or the one that is asked for. @param running the one under way in this process, if any */
export async function* operations(
  archive: OpenArchive,
  running: number | null,
  only?: number,
): AsyncGenerator<OperationRow> {
  const range = startedRange(only);
  for await (const rows of readRows(archive.views.level, range))
    for (const { key, value } of rows) {
      const operation = keys.readPosition(key, 1);
      yield toRow(archive, { operation, started: parseMark(value), running });
    }
}

/** The command of an operation, null when there is no such operation. */
export async function commandOf(archive: OpenArchive, operation: number): Promise<string | null> {
  const started = await mark(archive, keys.PREFIX.started, operation);
  if (started === null) return null;
  const { event } = await archive.log.get(started.position);
  return event.type === 'operation.started' ? event.command : null;
}

/** The last position of an operation: where `op:N` points. Null when there is no such operation. */
export async function operationEnd(archive: OpenArchive, operation: number): Promise<Position | null> {
  const started = await mark(archive, keys.PREFIX.started, operation);
  if (started === null) return null;
  return (await endOf(archive, operation)).position;
}

/** First and last position of an operation. Null when there is no such operation. */
export async function operationExtent(
  archive: OpenArchive,
  operation: number,
): Promise<{ first: Position; last: Position } | null> {
  const started = await mark(archive, keys.PREFIX.started, operation);
  if (started === null) return null;
  return { first: started.position, last: (await endOf(archive, operation)).position };
}

async function toRow(
  archive: OpenArchive,
  about: { operation: number; started: Mark; running: number | null },
): Promise<OperationRow> {
  const { operation, started } = about;
  const { event } = await archive.log.get(started.position);
  const { command, args, user, host, sources, clockMs = started.timeMs } = event as OperationStarted;
  const end = await endOf(archive, operation);
  const closing = end.timeMs === null ? null : (await archive.log.get(end.position)).event;
  return {
    operation,
    status: statusOf(closing, about),
    command,
    args,
    user,
    host,
    sources,
    started: new Date(clockMs).toISOString(),
    ended: end.timeMs === null ? null : new Date(readOr(closing, end.timeMs)).toISOString(),
    first: started.position,
    last: end.position,
    counts: closing !== null && 'counts' in closing ? closing.counts : {},
    reason: closing?.type === 'operation.failed' ? closing.reason : null,
  };
}

/** As the clock was read, where the log was ahead of it. */
function readOr(event: EventRecord['event'] | null, timeMs: number): number {
  return (event !== null && 'clockMs' in event ? event.clockMs : undefined) ?? timeMs;
}

function statusOf(
  closing: EventRecord['event'] | null,
  about: { operation: number; running: number | null },
): OperationStatus {
  if (closing === null) return about.operation === about.running ? 'running' : 'interrupted';
  if (closing.type === 'operation.completed') return 'completed';
  return closing.type === 'operation.failed' && closing.reason === 'interrupted' ? 'interrupted' : 'failed';
}

/** An operation that was never closed ends where the next begins, or with the log. */
async function endOf(
  archive: OpenArchive,
  operation: number,
): Promise<{ position: Position; timeMs: number | null }> {
  const ended = await mark(archive, keys.PREFIX.ended, operation);
  if (ended !== null) return ended;
  const next = await mark(archive, keys.PREFIX.started, operation + 1);
  return { position: (next === null ? archive.now + 1 : next.position) - 1, timeMs: null };
}

function startedRange(only: number | undefined): keys.KeyRange {
  const key = (operation: number): Buffer => keys.operationKey(keys.PREFIX.started, operation);
  return only === undefined
    ? keys.prefixRange(Buffer.from([keys.PREFIX.started]))
    : { gte: key(only), lt: key(only + 1) };
}

async function mark(archive: OpenArchive, prefix: number, operation: number): Promise<Mark | null> {
  const value = await archive.views.level.get(keys.operationKey(prefix, operation));
  return value === undefined ? null : parseMark(value);
}

function parseMark(value: Buffer): Mark {
  return { position: keys.readPosition(value, 0), timeMs: keys.readPosition(value, 8) };
}
