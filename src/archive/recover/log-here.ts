/** The archive's own log, as far as it can be read, held until it was replaced. */
import { existsSync } from 'node:fs';
import { isHkfsError, counted } from '../../errors.js';
import type { Level } from '../../events/level.js';
import { EventLog } from '../../events/log.js';
import { readLevelFiles, type DamagedFile } from '../../events/salvage/level-files.js';
import { salvageLog, salvagedCommits, type SalvagedLog } from '../../events/salvage/salvaged-log.js';
import type { StoredCommit } from '../../events/segment.js';
import type { Position } from '../../events/types.js';
import { toFsPath } from '../../fs/names.js';
import { metaKey, readPosition } from '../../projections/keys.js';
import type { Layout } from '../layout.js';
import { lockLog } from './folder.js';

export interface LogHere {
  /** Where LevelDB opens it and every fingerprint holds. */
  readonly whole: EventLog | null;
  readonly damaged: readonly DamagedFile[];
  /** URLs by name; nobody has checked them. */
  readonly remotes: ReadonlyMap<string, string>;
  /** How many events it had, as far as log and views tell. */
  readonly had: Position;
  /** Commits from a position on; each is still to be compared with its fingerprint. */
  commits(from: Position): AsyncIterable<StoredCommit>;
  close(): Promise<void>;
}

/** @throws HkfsError ARCHIVE_HELD, NEWER_FORMAT, and what the file system refuses */
export async function openLogHere(layout: Layout): Promise<LogHere> {
  const scratch = await lockLog(layout);
  let salvaged: SalvagedLog;
  try {
    salvaged = await salvageLog(layout.log, scratch);
  } catch (error) {
    await scratch.close();
    throw error;
  }
  const seen = positionOfViews(layout);
  const had = Math.max(salvaged.size, seen);
  if (salvaged.damaged.length > 0) return fromScratch(scratch, { salvaged, damaged: salvaged.damaged, had });
  // No file has a wrong checksum: LevelDB may look at them.
  await scratch.close();
  const whole = await openWhole(layout, salvaged.size);
  if (whole instanceof EventLog) return fromLog(whole, salvaged, had);
  const again = await lockLog(layout);
  const damaged = [{ name: '', reason: whole, mended: false }];
  return fromScratch(again, { salvaged: await salvageLog(layout.log, again), damaged, had });
}

function fromScratch(
  scratch: Level,
  { salvaged, damaged, had }: { salvaged: SalvagedLog; damaged: readonly DamagedFile[]; had: Position },
): LogHere {
  return {
    whole: null,
    damaged,
    had,
    remotes: salvaged.remotes,
    commits: (from) => salvagedCommits(scratch, from),
    close: () => scratch.close(),
  };
}

function fromLog(log: EventLog, { remotes }: SalvagedLog, had: Position): LogHere {
  return {
    whole: log,
    damaged: [],
    had,
    remotes,
    // What came from elsewhere may reach further.
    commits: (from) => log.readStored({ from: Math.min(from, log.size), to: log.size }),
    close: () => log.close(),
  };
}

/** The log, or what is wrong with it. */
async function openWhole(layout: Layout, size: Position): Promise<EventLog | string> {
  let log: EventLog | null = null;
  try {
    log = await EventLog.open(layout.log);
    for await (const _progress of log.audit()) continue;
    if (log.size >= size && log.size > 0) return log;
    await log.close();
    return `LevelDB finds ${log.size} of its ${counted(size, 'event')}`;
  } catch (error) {
    await log?.close();
    if (!isHkfsError(error, 'LOG_DAMAGED') && !isHkfsError(error, 'LOG_GAP')) throw error;
    return error.message;
  }
}

/** How many events the views have seen: more than the log has when its end was lost. */
function positionOfViews(layout: Layout): Position {
  if (!existsSync(toFsPath(layout.views))) return 0;
  const checkpoint = metaKey('checkpoint');
  let seen = 0;
  const files = readLevelFiles(layout.views, (key, value) => {
    if (key.equals(checkpoint) && value.length === 8) seen = Math.max(seen, readPosition(value, 0));
  });
  for (const _damaged of files) continue;
  return Number.isSafeInteger(seen) ? seen : 0;
}
