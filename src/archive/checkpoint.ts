/** What an archive signs: its head, for those who keep it elsewhere. */
import { commitHeadAt } from '../events/commit-head.js';
import { encodeCheckpoint } from '../events/checkpoint.js';
import type { SignedHead } from './api.js';
import { archiveKey } from './keys.js';
import type { OpenArchive } from './open-archive.js';

/**
 * The head of the log as a signed checkpoint; its cost does not grow with the log.
 * @throws HkfsError BAD_KEY, KEY_MISMATCH; what the file system refuses where a key is to be made
 */
export async function signedHead(archive: OpenArchive): Promise<SignedHead> {
  const head = await commitHeadAt(archive.log, archive.log.size);
  return { ...head, checkpoint: encodeCheckpoint(head, archiveKey(archive)) };
}
