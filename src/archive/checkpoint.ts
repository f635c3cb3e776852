/** What an archive signs: its head, for those who keep it elsewhere. */
import { encodeCheckpoint } from '../events/checkpoint.js';
import { archiveKey } from './keys.js';
import type { OpenArchive } from './open-archive.js';

/** The head of the log as a signed checkpoint; its cost does not grow with the log. */
export function signCheckpoint(archive: OpenArchive): Promise<string> {
  return Promise.resolve(encodeCheckpoint(archive.log.head(), archiveKey(archive)));
}
