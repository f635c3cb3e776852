/** Moments of the past. */
import type { Position } from '../../events/types.js';

/** A moment as the user wrote it: `@1234`, `op:12`, `tag:NAME`, an ISO time or a phrase. */
export type MomentText = string;

/** A moment resolved: the state just after the event at `position`. */
export interface Moment {
  readonly position: Position;
  /** ISO time of the commit that holds the position. */
  readonly time: string;
}

export interface AtOption {
  readonly at?: MomentText;
}
