import type { CheckedProof } from '../archive/api.js';
import { plural } from './format.js';
import { visibleName, visibleText } from './visible-name.js';

/** What a checked proof says, in words. */
export function proofText(checked: CheckedProof): string {
  const { holds, origin, size, root, reason } = checked;
  if (!holds) return `Does not hold: ${visibleText(reason ?? '')}.`;
  const signed = `${visibleName(origin)} signed its history of ${plural(size, 'event')}.\nroot ${root}`;
  if (checked.since !== undefined)
    return `Holds: ${signed}\nIt had this head before, and only grew since.\nold ${checked.since.size} ${checked.since.root}`;
  if (checked.position === undefined) return `Holds: ${signed}`;
  return `Holds: ${signed}\nThis event is in it.\n@${checked.position} ${eventText(checked.event)}`;
}

function eventText(event: CheckedProof['event']): string {
  if (event === null || event === undefined) return 'of a kind that this hkfs does not know';
  return `${event.type} ${JSON.stringify(event.data)}`;
}
