/** What a backup is to do, as a value: made from the log alone, before anything is sent. */
import type { Head, Position } from '../../events/types.js';
import type { LostCopies } from './lost-copies.js';
import type { SegmentSpan } from './names.js';
import type { ObjectList } from './object-list.js';

/** Commits are gathered into segments of about this size; a commit is never cut. */
export const SEGMENT_BYTES = 8 << 20;

export interface BackupPlan {
  /** What the remote's newest checkpoint covers; size 0: nothing yet. */
  readonly base: Head;
  /** What the next one is to cover. */
  readonly target: Head;
  /** Contents that events from `base` on name and that may not be at the remote, and what it has lost. */
  readonly objects: ObjectList;
  /** What the log knows that the remote lacks of what `base` covers. */
  readonly lost: LostCopies;
  /** Nothing but what backups and the like say of themselves has happened since `base`. */
  readonly upToDate: boolean;
}

/** A commit's extent and the bytes that it takes in a segment. */
export interface CommitExtent extends SegmentSpan {
  readonly bytes: number;
}

/** The same commits always make the same segments: what a killed backup left is known again. */
export function planSegments(commits: Iterable<CommitExtent>, limit = SEGMENT_BYTES): SegmentSpan[] {
  const segments: SegmentSpan[] = [];
  let open: CommitExtent | null = null;
  for (const { first, last, bytes } of commits) {
    if (open !== null && open.bytes + bytes > limit) {
      segments.push({ first: open.first, last: open.last });
      open = null;
    }
    open = open === null ? { first, last, bytes } : { first: open.first, last, bytes: open.bytes + bytes };
  }
  if (open !== null) segments.push({ first: open.first, last: open.last });
  return segments;
}

/** The parts of `[0, size)` that no segment has. Segments in the order of their first positions. */
export function gapsOf(segments: readonly SegmentSpan[], size: Position): SegmentSpan[] {
  const gaps: SegmentSpan[] = [];
  let next = 0;
  for (const { first, last } of segments) {
    if (first >= size) break;
    if (first > next) gaps.push({ first: next, last: first - 1 });
    next = Math.max(next, last + 1);
  }
  if (next < size) gaps.push({ first: next, last: size - 1 });
  return gaps;
}
