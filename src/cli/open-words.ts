import type { Message } from '../archive/api.js';
import { visibleName } from './visible-name.js';

const WHAT = 'is open to others, who can read what is in it whatever the modes of the sources';

/** Of an archive that was made in a folder that others may enter. */
export function openLine(archive: string): string {
  return `${visibleName(archive)} ${WHAT}; chmod 700 keeps them out, as --private would have.`;
}

export function openMessage(path: string): Message {
  return { level: 'warning', code: 'OPEN_TO_OTHERS', text: `${path} ${WHAT}: chmod 700 keeps them out` };
}
