/**
 * What the files of a damaged log still have, sorted again in a LevelDB of its own. Nothing of it is believed
 * here: whoever takes commits of it compares their fingerprints.
 */
import { HkfsError, isHkfsError } from '../../errors.js';
import { decodeEvent } from '../codec.js';
import { decodeCommit } from '../commit-record.js';
import { openLevel, type Level } from '../level.js';
import { commitKey, eventKey, eventPosition, FORMAT_KEY, KEY_BYTES } from '../log-keys.js';
import { LOG_FORMAT } from '../log-open.js';
import { peekType } from '../raw-event.js';
import { scan } from '../scan.js';
import { endOf, type StoredCommit } from '../segment.js';
import type { CommitRecord, Position } from '../types.js';
import { readLevelFiles, type DamagedFile } from './level-files.js';

const COMMIT = 0x63;

export interface SalvagedLog {
  readonly damaged: readonly DamagedFile[];
  /** URLs of remotes by name, as events that nobody has checked yet say. */
  readonly remotes: ReadonlyMap<string, string>;
  /** Behind the last event that was found, whether it follows from the others or not. */
  readonly size: Position;
}

/**
 * Reads the files of a log into an empty LevelDB.
 * @throws HkfsError NEWER_FORMAT
 */
export async function salvageLog(directory: string, into: Level): Promise<SalvagedLog> {
  const remotes = new Map<string, string>();
  const damaged: DamagedFile[] = [];
  let batch = into.batch();
  let size = 0;
  const take = (key: Buffer, value: Buffer): void => {
    if (key.equals(FORMAT_KEY)) return refuseNewer(value);
    const isEvent = key.length === KEY_BYTES && key[0] === 0;
    if (!isEvent && !(key.length === KEY_BYTES + 1 && key[0] === COMMIT)) return;
    if (isEvent) size = Math.max(size, eventPosition(key) + 1);
    if (isEvent && peekType(value)?.startsWith('remote.') === true) noteRemote(value, remotes);
    batch.put(key, value);
  };
  // A file has a few MiB at most: one batch each.
  for (const found of readLevelFiles(directory, take)) {
    damaged.push(...found);
    await batch.write();
    batch = into.batch();
  }
  await batch.close();
  return { damaged, remotes, size };
}

/** Commits from a position on, for as long as they are there; one that is damaged ends them. */
export async function* salvagedCommits(level: Level, from: Position): AsyncGenerator<StoredCommit> {
  for (let next = from; ;) {
    const stored = await commitAt(level, next);
    if (stored === null) return;
    yield stored;
    next = endOf(stored.commit);
  }
}

/** The first commit from a position on that was found, whatever lacks before it; null: none. */
export async function nextCommitFrom(level: Level, from: Position): Promise<Position | null> {
  const range = { gte: commitKey(from), lte: commitKey(Number.MAX_SAFE_INTEGER), limit: 1 };
  for await (const [entry] of scan(level, range)) if (entry) return eventPosition(entry[0].subarray(1));
  return null;
}

async function commitAt(level: Level, first: Position): Promise<StoredCommit | null> {
  const record = await level.get(commitKey(first));
  if (record === undefined) return withoutRecord(level, first);
  try {
    const commit = decodeCommit(record, first);
    return (await withEvents(level, commit)) ?? (await withoutRecord(level, first));
  } catch (error) {
    if (!isHkfsError(error, 'LOG_DAMAGED') && !isHkfsError(error, 'UNKNOWN_EVENT')) throw error;
    return await withoutRecord(level, first);
  }
}

/** The next commit tells how many events it had; the rest of its record follows from them, or is looked for. */
async function withoutRecord(level: Level, first: Position): Promise<StoredCommit | null> {
  const next = await nextCommitFrom(level, first + 1);
  if (next === null) return null;
  return withEvents(level, { format: 1, first, count: next - first, timeMs: 0, operation: 0, range: [] });
}

async function withEvents(level: Level, commit: CommitRecord): Promise<StoredCommit | null> {
  const { first } = commit;
  const events: Buffer[] = [];
  for await (const batch of scan(level, { gte: eventKey(first), lt: eventKey(endOf(commit)) }))
    for (const [, value] of batch) events.push(value);
  return events.length === commit.count ? { commit, events } : null;
}

function noteRemote(bytes: Buffer, remotes: Map<string, string>): void {
  try {
    const event = decodeEvent(bytes, 0);
    if (event.type === 'remote.added') remotes.set(event.name, event.url);
  } catch (error) {
    if (!isHkfsError(error)) throw error; // damaged, which its fingerprint tells
  }
}

function refuseNewer(value: Buffer): void {
  const text = value.toString('latin1');
  if (!/^[1-9]\d{0,8}$/.test(text) || Number(text) <= LOG_FORMAT) return;
  throw new HkfsError('NEWER_FORMAT', `the log has format ${text}, this hkfs knows ${LOG_FORMAT}`, {
    hint: 'upgrade hkfs',
  });
}

/** A LevelDB for what is read, empty. One that a kill left damaged is made anew. */
export async function openScratch(location: string, remove: () => void): Promise<Level> {
  let level: Level;
  try {
    level = await openLevel(location, { createIfMissing: true });
  } catch (error) {
    if (!isHkfsError(error, 'LOG_DAMAGED')) throw error;
    remove();
    level = await openLevel(location, { createIfMissing: true });
  }
  await level.clear();
  return level;
}
