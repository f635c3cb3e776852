/** What must hold before a log is believed: its format, and an end that its last commit knows. */
import { HkfsError } from '../errors.js';
import { lastCommitOf } from './commit-scan.js';
import type { Level } from './level.js';
import { gap } from './log-errors.js';
import { eventKey, eventPosition, FORMAT_KEY } from './log-keys.js';
import { scan } from './scan.js';
import type { CommitRecord, Position } from './types.js';

export const LOG_FORMAT = 1;

const ALL_EVENTS = { gte: eventKey(0), lte: eventKey(Number.MAX_SAFE_INTEGER) };

/**
 * The last commit, null for an empty log. LevelDB silently drops what it cannot read of its
 * write-ahead log, so the end is compared from both sides: commits and events.
 *
 * @throws HkfsError LOG_GAP or LOG_DAMAGED when they disagree, NEWER_FORMAT for a later format.
 */
export async function checkedLastCommit(level: Level): Promise<CommitRecord | null> {
  const hasFormat = await checkFormat(level);
  const commit = await lastCommitOf(level);
  const last = await lastEventOf(level);
  const covered = commit === null ? -1 : commit.first + commit.count - 1;
  if (last < covered) throw gap(last + 1);
  if (last > covered) throw new HkfsError('LOG_DAMAGED', `event ${last} is in the log but in no commit`);
  if (commit !== null && !hasFormat) throw new HkfsError('LOG_DAMAGED', 'the log has lost its format record');
  if (!hasFormat) await level.put(FORMAT_KEY, Buffer.from(String(LOG_FORMAT)), { sync: true });
  return commit;
}

async function checkFormat(level: Level): Promise<boolean> {
  const stored = await level.get(FORMAT_KEY);
  if (stored === undefined) return false;
  const text = stored.toString('latin1');
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new HkfsError('LOG_DAMAGED', 'the log has a damaged format record');
  if (Number(text) > LOG_FORMAT)
    throw new HkfsError('NEWER_FORMAT', `the log has format ${text}, this hkfs knows ${LOG_FORMAT}`, {
      hint: 'upgrade hkfs',
    });
  return true;
}

/** The highest position in the log, -1 when it is empty. */
async function lastEventOf(level: Level): Promise<Position> {
  for await (const [entry] of scan(level, { ...ALL_EVENTS, reverse: true, limit: 1 }))
    if (entry !== undefined) return eventPosition(entry[0]);
  return -1;
}
