/** Batches of key and value from LevelDB, in bounded memory. */
import { explainLevelError, type Level } from './level.js';
import type { Position } from './types.js';

/** Positions from `from` up to but not including `to`. */
export interface Span {
  readonly from: Position;
  readonly to: Position;
}

export interface ScanRange {
  readonly gte?: Buffer;
  readonly lte?: Buffer;
  readonly lt?: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

const BATCH_RECORDS = 1024;
// LevelDB hands out 16 KiB at a time unless told otherwise: too little to hide the thread's round trip.
const BATCH_BYTES = 512 * 1024;

/** Batches of at most 1,024 entries. @throws HkfsError LOG_DAMAGED or IO_ERROR where LevelDB fails. */
export async function* scan(level: Level, range: ScanRange): AsyncGenerator<[Buffer, Buffer][]> {
  const iterator = level.iterator({ ...range, highWaterMarkBytes: BATCH_BYTES, fillCache: false });
  try {
    let next = iterator.nextv(BATCH_RECORDS);
    for (;;) {
      const batch = await next;
      if (batch.length === 0) return;
      // The next batch is on its way while this one is worked on.
      next = iterator.nextv(BATCH_RECORDS);
      next.catch(() => {});
      yield batch;
    }
  } catch (error) {
    throw explainLevelError(error, level.location);
  } finally {
    await iterator.close();
  }
}
