/** What became of objects that are not in the archive any more. */
import type { Hash } from '../../events/types.js';
import type { CollectedObject } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { commandOf } from './operations.js';

/** When and by which operation an object went; null while it is here, or never was. */
export async function collectedObject(archive: OpenArchive, hash: Hash): Promise<CollectedObject | null> {
  const position = await archive.contents().removedAt(hash);
  if (position === null) return null;
  const { event, operation, timeMs } = await archive.log.get(position);
  return {
    operation,
    command: (await commandOf(archive, operation)) ?? '',
    time: new Date(timeMs).toISOString(),
    lastPath: event.type === 'object.removed' ? (event.lastPath ?? null) : null,
  };
}

export function sayCollected(hash: Hash, { operation, command, time }: CollectedObject): string {
  return `the content ${hash.slice(0, 16)} was removed at ${time} by operation ${operation} (${command})`;
}
