/** The past: events, operations, differences. */
import type { EventType, Hash, Position } from '../../events/types.js';
import type { MomentText } from './moments.js';

export interface LogRow {
  readonly position: Position;
  readonly time: string;
  readonly operation: number;
  readonly type: EventType;
  /** The event's fields, with `path` (and `from`/`to` as paths) where it names places. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface DiffQuery {
  readonly from: MomentText;
  /** Left out: now. */
  readonly to?: MomentText;
  /** Only what is at or below this path at one of the moments. */
  readonly path?: string;
}

/** One change between two moments; an entry that was renamed and changed has two rows. */
export interface DiffRow {
  readonly change: 'added' | 'removed' | 'renamed' | 'changed' | 'attributes';
  /** As of the later of the two moments asked for; of what was removed, as of the earlier. */
  readonly path: string;
  /** Where what was renamed was before; null for everything else. */
  readonly from: string | null;
  /** Of a file's content, at the moment of `path`. */
  readonly hash: Hash | null;
}

/** An operation in full. */
export interface OperationDetail extends OperationRow {
  /** How many events of each type it has. */
  readonly types: Readonly<Partial<Record<EventType, number>>>;
  /** Its first events. */
  readonly events: readonly LogRow[];
}

export type OperationStatus = 'running' | 'completed' | 'failed' | 'interrupted';

export interface OperationRow {
  readonly operation: number;
  readonly status: OperationStatus;
  readonly command: string;
  readonly args: readonly string[];
  readonly user: string;
  readonly host: string;
  readonly sources: readonly string[];
  readonly started: string;
  readonly ended: string | null;
  readonly first: Position;
  readonly last: Position;
  readonly counts: Readonly<Record<string, number>>;
  readonly reason: string | null;
}
