/** Which orphans may go: values only. */
import type { Position } from '../../events/types.js';
import type { Orphan } from '../queries/orphans.js';
import type { OrphanStay } from '../api.js';

export interface GcRules {
  /** Only what lost its last name up to this, milliseconds since 1970. */
  readonly untilMs: number;
  /** Only what lost its last name before this event: what an undo needs lost it there or later. */
  readonly before: Position;
  /** The moments that tags mean. */
  readonly tagged: readonly Position[];
}

/**
 * By position and by time, so that a clock that is wrong takes nothing that the last change of names can
 * still give back.
 * @param sinceMs the time of the commit that took the last name
 */
export function judgeOrphan(
  { since, named }: Pick<Orphan, 'since' | 'named'>,
  sinceMs: number,
  rules: GcRules,
): 'collect' | Extract<OrphanStay, 'undo' | 'recent' | 'tagged'> {
  if (since >= rules.before) return 'undo';
  if (sinceMs > rules.untilMs) return 'recent';
  const isTagged = named.some(({ from, to }) => rules.tagged.some((at) => from <= at && at < to));
  return isTagged ? 'tagged' : 'collect';
}
