/** The log cut into segments as `planSegments` plans them, each with its bytes, in one pass. */
import type { EventLog } from '../../events/log.js';
import { encodeStoredCommit, endOf } from '../../events/segment.js';
import type { Position } from '../../events/types.js';
import type { SegmentSpan } from './names.js';
import { SEGMENT_BYTES } from './plan.js';

export interface CutSegment extends SegmentSpan {
  readonly bytes: Buffer;
  /** The commit after it did not fit in: a longer log is cut here as well. */
  readonly isFull: boolean;
}

export async function* cutSegments(log: EventLog, { first, last }: SegmentSpan): AsyncGenerator<CutSegment> {
  let open: { first: Position; last: Position; size: number; parts: Buffer[] } | null = null;
  for await (const stored of log.readStored({ from: first, to: last + 1 })) {
    const size = stored.events.reduce((sum, event) => sum + event.length, 0);
    if (open !== null && open.size + size > SEGMENT_BYTES) {
      yield { first: open.first, last: open.last, bytes: Buffer.concat(open.parts), isFull: true };
      open = null;
    }
    open ??= { first: stored.commit.first, last: 0, size: 0, parts: [] };
    open.last = endOf(stored.commit) - 1;
    open.size += size;
    open.parts.push(encodeStoredCommit(stored));
  }
  if (open !== null)
    yield { first: open.first, last: open.last, bytes: Buffer.concat(open.parts), isFull: false };
}

/** The first full segments of a span, to have at hand while contents are still on their way. */
export async function cutAhead(log: EventLog, span: SegmentSpan, count = 4): Promise<CutSegment[]> {
  const segments: CutSegment[] = [];
  for await (const segment of cutSegments(log, span)) {
    if (!segment.isFull || segments.length === count) break;
    segments.push(segment);
  }
  return segments;
}
