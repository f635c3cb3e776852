/** What must hold before a log is believed: its format, and an end that its last commit knows. */
import { HkfsError } from '../errors.js';
import { damagedRecord, whyImplausible } from './commit-chain.js';
import { commitUpTo, lastCommitOf } from './commit-scan.js';
import type { Level } from './level.js';
import { gap } from './log-errors.js';
import { eventKey, eventPosition, FORMAT_KEY } from './log-keys.js';
import { scan } from './scan.js';
import { followsFrom } from './segment.js';
import { rangeAt } from './stored-commits.js';
import type { CommitRecord, Position } from './types.js';

/** From 2 on, commits know the hash of the record before (commit-chain.ts); a log has 1 until its first such one. */
export const LOG_FORMAT = 2;

const ALL_EVENTS = { gte: eventKey(0), lte: eventKey(Number.MAX_SAFE_INTEGER) };

/**
 * The last commit, null for an empty log. LevelDB silently drops what it cannot read of its
 * write-ahead log, so the end is compared from both sides: commits and events.
 *
 * @throws HkfsError LOG_GAP or LOG_DAMAGED when they disagree, NEWER_FORMAT for a later format.
 */
export async function checkedLastCommit(level: Level): Promise<CommitRecord | null> {
  const format = await checkFormat(level);
  const commit = await lastCommitOf(level);
  const last = await lastEventOf(level);
  const covered = commit === null ? -1 : commit.first + commit.count - 1;
  if (last < covered) throw gap(last + 1);
  if (last > covered) throw new HkfsError('LOG_DAMAGED', `event ${last} is in the log but in no commit`);
  if (commit !== null && format === null)
    throw new HkfsError('LOG_DAMAGED', 'the log has lost its format record');
  if (commit !== null && commit.format > Number(format))
    throw damagedRecord(`the log says format ${format}, and its last commit has ${commit.format}`);
  if (commit !== null) await requirePlausible(level, commit);
  if (format === null) await level.put(FORMAT_KEY, Buffer.from('1'), { sync: true });
  return commit;
}

/** What raises the log's format with the commit that needs it. */
export function formatRow(before: CommitRecord | null, now: CommitRecord | null): [Buffer, Buffer][] {
  const format = now?.format ?? 1;
  return format > (before?.format ?? 1) ? [[FORMAT_KEY, Buffer.from(String(format))]] : [];
}

/** No commit that comes next is to vouch for a damaged record. Damaged events are told by whoever reads them. */
async function requirePlausible(level: Level, commit: CommitRecord): Promise<void> {
  const { first, count } = commit;
  const events: Buffer[] = [];
  const before = first === 0 ? null : await commitUpTo(level, first - 1);
  const event = await level.get(eventKey(first));
  if (event === undefined) throw gap(first);
  const reason = whyImplausible({ before, commit, event });
  if (reason === null) return;
  for await (const batch of scan(level, { gte: eventKey(first), lt: eventKey(first + count) }))
    for (const [, bytes] of batch) events.push(bytes);
  if (followsFrom(await rangeAt(level, first), { commit, events })) throw damagedRecord(reason);
}

/** @returns what the log says of its format, null where it says nothing */
async function checkFormat(level: Level): Promise<string | null> {
  const stored = await level.get(FORMAT_KEY);
  if (stored === undefined) return null;
  const text = stored.toString('latin1');
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new HkfsError('LOG_DAMAGED', 'the log has a damaged format record');
  if (Number(text) > LOG_FORMAT)
    throw new HkfsError('NEWER_FORMAT', `the log has format ${text}, this hkfs knows ${LOG_FORMAT}`, {
      hint: 'upgrade hkfs',
    });
  return text;
}

/** The highest position in the log, -1 when it is empty. */
async function lastEventOf(level: Level): Promise<Position> {
  for await (const [entry] of scan(level, { ...ALL_EVENTS, reverse: true, limit: 1 }))
    if (entry !== undefined) return eventPosition(entry[0]);
  return -1;
}
