/**
 * Commit records against the copy that a remote has: of those that no later commit vouches for, the copy is the
 * only witness. Segments have a digest of each record, so what differs from one that is whole was damaged here.
 */
import { isHkfsError } from '../../errors.js';
import { requireRecord } from '../../events/commit-head.js';
import { damagedRecord, linkIn } from '../../events/commit-chain.js';
import { encodeCommit } from '../../events/commit-record.js';
import type { EventLog } from '../../events/log.js';
import { decodeSegment, endOf, type StoredCommit } from '../../events/segment.js';
import type { CommitHead, Position } from '../../events/types.js';
import type { NamedSegment, RemoteArchive } from './remote-archive.js';

/** A segment that many were merged into is not fetched for one record. */
const MOST_BYTES = 16 << 20;

/**
 * The last record of what a remote is known to have: as its checkpoint signs it, else, of an earlier hkfs, as the
 * last log segment has it.
 *
 * @throws HkfsError LOG_DAMAGED
 */
export async function requireSameLast(log: EventLog, remote: RemoteArchive, head: CommitHead): Promise<void> {
  if (head.size === 0 || head.size > log.size) return;
  if (head.commit !== undefined) return requireRecord(log, head, remote.store.url);
  await requireSameAt(log, remote, head.size - 1);
}

/** The record that covers a position, where the remote has a small segment with it. @throws HkfsError LOG_DAMAGED */
export async function requireSameAt(
  log: EventLog,
  remote: RemoteArchive,
  position: Position,
  segments?: readonly NamedSegment[],
): Promise<void> {
  const covering = (segments ?? (await remote.listSegments())).find(
    ({ first, last, bytes }) => first <= position && position <= last && bytes <= MOST_BYTES,
  );
  const bytes = covering && (await remote.store.read(covering.name));
  if (bytes !== undefined) await requireSameCommits(log, remote, bytes);
}

/** As {@link requireSameCommits}, of a segment that was found to be other than the log has it. */
export async function requireSameSegment(log: EventLog, remote: RemoteArchive, name: string): Promise<void> {
  const bytes = await remote.store.read(name, { max: MOST_BYTES }).catch((error: unknown) => {
    if (isHkfsError(error, 'REMOTE_DAMAGED')) return undefined;
    throw error;
  });
  if (bytes !== undefined) await requireSameCommits(log, remote, bytes);
}

/** All that a segment has of our log. What is wrong with the segment itself is for others to tell. */
async function requireSameCommits(log: EventLog, remote: RemoteArchive, bytes: Buffer): Promise<void> {
  for (const stored of wholeCommits(bytes)) {
    const { first } = stored.commit;
    if (endOf(stored.commit) > log.size) return;
    const ours = await log.commitAt(first);
    if (encodeCommit(ours).equals(encodeCommit(stored.commit)) || isVouchedFor(log, endOf(ours))) continue;
    const isSame = stored.events.every((event, at) => event.equals(log.bytesAt(first + at)));
    if (!isSame) return;
    throw damagedRecord(
      `the commit record of event ${first} is not the one that ${remote.store.url} has: its time or its operation was altered`,
    );
  }
}

function wholeCommits(bytes: Buffer): StoredCommit[] {
  const commits: StoredCommit[] = [];
  try {
    for (const stored of decodeSegment(bytes)) commits.push(stored);
  } catch (error) {
    if (!isHkfsError(error, 'LOG_DAMAGED')) throw error;
  }
  return commits;
}

/** The commit after it has its hash, which was compared when it was read. */
function isVouchedFor(log: EventLog, end: Position): boolean {
  return end < log.size && linkIn(log.bytesAt(end)) !== null;
}
