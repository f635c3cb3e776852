/** Heads with the commit record that they end in: the one record that nothing else vouches for. */
import { damagedRecord, recordHash } from './commit-chain.js';
import type { EventLog } from './log.js';
import { endOf } from './segment.js';
import type { CommitHead, Position } from './types.js';

/** The head at a size, for whoever signs it. @throws RangeError, HkfsError LOG_DAMAGED */
export async function commitHeadAt(log: EventLog, size: Position): Promise<CommitHead> {
  const head = await log.headAt(size);
  const commit = size === 0 ? null : await log.commitAt(size - 1);
  const ends = commit !== null && endOf(commit) === size;
  return ends ? { ...head, commit: recordHash(commit).toString('hex') } : head;
}

/**
 * The last commit record of a head that is known to be of this log.
 *
 * @param who vouches for the head
 * @throws HkfsError LOG_DAMAGED where ours is another one
 */
export async function requireRecord(log: EventLog, { size, commit }: CommitHead, who: string): Promise<void> {
  if (commit === undefined || size === 0) return;
  const ours = await commitHeadAt(log, size);
  if (ours.commit === commit) return;
  const { first } = await log.commitAt(size - 1);
  throw damagedRecord(`the commit record of event ${first} is not the one that ${who} has`);
}
