/** The new log, beside the old one: what is proved here, then what another place has, then what follows of here. */
import { HkfsError } from '../../errors.js';
import { EventLog } from '../../events/log.js';
import type { StoredCommit } from '../../events/segment.js';
import type { Head } from '../../events/types.js';
import { Views } from '../../projections/views.js';
import { foldLog } from '../open-archive.js';
import { remove } from './folder.js';
import type { LogHere } from './log-here.js';
import { provedCommits } from './proved-commits.js';
import { partedFrom, type BringOptions, type RecoverSource } from './source.js';

const BATCH_EVENTS = 8192;

export interface BuiltLog {
  readonly head: Head;
  /** Of the archive, as its first event says. */
  readonly id: string;
  readonly createdMs: number;
  readonly here: number;
  readonly fetched: number;
  /** Commits whose time nothing proves. */
  readonly guessed: number;
  readonly source: RecoverSource | null;
}

export interface BuildOptions extends BringOptions {
  readonly location: string;
  /** Asked for once it is known which archive the log here is of; null: there is no other place. */
  readonly openSource: ((id: string | null) => Promise<RecoverSource>) | null;
}

/** @throws HkfsError LOG_DAMAGED where nothing can be had; REMOTE_* */
export async function buildLog(here: LogHere, options: BuildOptions): Promise<BuiltLog> {
  remove(options.location);
  if (here.whole !== null && options.openSource === null) return asItIs(here.whole);
  const log = await EventLog.open(options.location, { createIfMissing: true });
  let source: RecoverSource | null = null;
  try {
    let { events: kept, guessed } = await takeHere(log, here, options.openSource === null);
    let fetched = 0;
    if (options.openSource !== null) {
      source = await options.openSource(idOf(log));
      fetched = await bring(log, source, options);
      if (fetched > 0 && !source.isOwn) await judgeLog(log, `${options.location}.judged`);
      const more = await takeHere(log, here, true);
      kept += more.events;
      ({ guessed } = more);
    }
    if (log.size === 0) throw nothingProved();
    await log.compactForClose();
    return { ...(await asItIs(log)), here: kept, fetched, guessed, source };
  } catch (error) {
    await source?.close();
    throw error;
  } finally {
    await log.close();
  }
}

async function asItIs(log: EventLog): Promise<BuiltLog> {
  const { timeMs } = await log.get(0);
  return {
    head: log.head(),
    id: idOf(log)!,
    createdMs: timeMs,
    ...{ here: log.size, fetched: 0, guessed: 0, source: null },
  };
}

/** What was written is read again, by whoever is to read it from now on. @throws HkfsError LOG_DAMAGED */
export async function checkBuilt(location: string, head: Head): Promise<void> {
  const log = await EventLog.open(location);
  try {
    for await (const _progress of log.audit()) continue;
    if (log.head().root === head.root && log.size === head.size) return;
    throw new HkfsError('LOG_DAMAGED', `the new log ${location} is not what was written`, {
      hint: 'check the disk and its memory',
    });
  } finally {
    await log.close();
  }
}

/** @param mayGuess also a commit of which something is not proved, because nobody else has it */
async function takeHere(
  log: EventLog,
  here: LogHere,
  mayGuess: boolean,
): Promise<{ events: number; guessed: number }> {
  const before = log.size;
  let batch: StoredCommit[] = [];
  let events = 0;
  let guessed = 0;
  const onGuess = (): void => void (guessed += 1);
  for await (const stored of provedCommits(log, here.commits(log.size), { mayGuess, onGuess })) {
    batch.push(stored);
    events += stored.events.length;
    if (events < BATCH_EVENTS) continue;
    await log.adopt(batch);
    [batch, events] = [[], 0];
  }
  await log.adopt(batch);
  return { events: log.size - before, guessed };
}

async function bring(log: EventLog, source: RecoverSource, options: BringOptions): Promise<number> {
  const { head, url } = source;
  const before = log.size;
  if (head.size > before) await source.bring(log, options);
  if ((await log.headAt(head.size)).root !== head.root) throw partedFrom(url, Math.min(before, head.size));
  return log.size - before;
}

/** By views that nobody else reads. @throws HkfsError LOG_DAMAGED, naming the event */
async function judgeLog(log: EventLog, scratch: string): Promise<void> {
  remove(scratch);
  const views = (await Views.open(scratch, true, true))!;
  try {
    await foldLog(log, views, { judged: true });
  } finally {
    await views.close();
    remove(scratch);
  }
}

function idOf(log: EventLog): string | null {
  if (log.size === 0) return null;
  const event = log.getSync(0);
  if (event.type === 'archive.created') return event.archiveId;
  throw new HkfsError('LOG_DAMAGED', 'the first event of the log does not make an archive', {
    hint: 'recover from a remote with --from',
  });
}

function nothingProved(): HkfsError {
  return new HkfsError('LOG_DAMAGED', 'nothing of the log can be read here', {
    hint: 'name a remote, a bundle or a clone that has it with --from; without any, `hkfs recover --from-tree` makes a new history of what is on the disk',
  });
}
