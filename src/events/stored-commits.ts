/** Commits read from the log with the bytes of their events: what is sent to another copy of it. */
import { HkfsError } from '../errors.js';
import { commitUpTo, scanCommits } from './commit-scan.js';
import type { Level } from './level.js';
import { gap, notTheFingerprint } from './log-errors.js';
import { eventKey, eventPosition } from './log-keys.js';
import { CompactRange } from './merkle.js';
import type { RecordCheck } from './record-check.js';
import { scan, type Span } from './scan.js';
import { endOf, followsFrom, type StoredCommit } from './segment.js';
import type { CommitRecord, Position } from './types.js';

/**
 * The commits of a span whose ends are commits' ends, in order. Each is compared with its fingerprint:
 * LevelDB hands out what a bit flipped in, and what goes elsewhere may take the place of the last good copy.
 *
 * @throws HkfsError LOG_GAP, LOG_DAMAGED
 */
export async function* readStoredCommits(
  level: Level,
  span: Span,
  records: RecordCheck,
): AsyncGenerator<StoredCommit> {
  if (span.from >= span.to) return;
  const range = await rangeAt(level, span.from);
  const commits = scanCommits(level, span);
  let commit = await nextCommit(commits, span.from);
  await records.require(commit);
  let events: Buffer[] = [];
  let next = span.from;
  for await (const batch of scan(level, { gte: eventKey(span.from), lt: eventKey(span.to) }))
    for (const [key, bytes] of batch) {
      if (eventPosition(key) !== next) throw gap(next);
      events.push(bytes);
      next += 1;
      if (next < endOf(commit)) continue;
      if (!followsFrom(range, { commit, events })) throw notTheFingerprint(commit);
      yield { commit, events };
      events = [];
      if (next >= span.to) continue;
      const before = commit;
      commit = await nextCommit(commits, next);
      await records.require(commit, { before });
    }
  if (next !== span.to || events.length > 0) throw gap(next);
}

/** The tree of the first `size` events, also where they end inside of a commit. */
export async function rangeAt(level: Level, size: Position): Promise<CompactRange> {
  if (size === 0) return CompactRange.empty();
  const commit = await commitUpTo(level, size - 1);
  if (commit === null) throw gap(size - 1);
  if (endOf(commit) === size) return CompactRange.from(size, commit.range);
  const range = await rangeAt(level, commit.first);
  for await (const batch of scan(level, { gte: eventKey(commit.first), lt: eventKey(size) }))
    for (const [, bytes] of batch) range.append(bytes);
  if (range.size !== size) throw gap(range.size);
  return range;
}

async function nextCommit(commits: AsyncIterator<CommitRecord>, first: Position): Promise<CommitRecord> {
  const { value, done } = await commits.next();
  if (done !== true && value.first === first) return value;
  throw new HkfsError('LOG_DAMAGED', `no commit of the log begins at event ${first}`);
}
