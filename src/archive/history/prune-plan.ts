/** What a prune takes and what stands in its way: one walk, each entry judged by what stays elsewhere. */
import type { HkfsEvent, PrunedEntry } from '../../events/types.js';
import { isAtOrBelow } from '../../fs/names.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { ProofRow, RefusalRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { placeOfEntry } from './change.js';
import type { Keeper, Keepers } from './keepers.js';

/** Entries of one event: some 100 KiB of log. */
const ENTRIES_PER_EVENT = 1024;

export interface Proven {
  readonly gone: NamedEntry;
  readonly keeper: Keeper | null;
}

export interface Weeding {
  /** Outermost entries that may go, with all that is below them. */
  readonly removals: readonly NamedEntry[];
  readonly proven: readonly Proven[];
  readonly refusing: readonly RefusalRow[];
}

/** A directory on the way down. */
interface Frame {
  readonly named: NamedEntry;
  /** Something at or below it goes, or stays. */
  goes: boolean;
  stays: boolean;
  readonly removals: NamedEntry[];
}

/**
 * A directory goes as a whole when nothing below it stays. One that holds nothing goes with the directory
 * it is in, and stays where that stays.
 */
export async function weed(archive: OpenArchive, start: NamedEntry, keepers: Keepers): Promise<Weeding> {
  const weeder = new Weeder(keepers);
  if (start.entry.directoryId === null) await weeder.take(start);
  else {
    weeder.enter(start);
    for await (const named of archive.namespace().walk(start)) {
      weeder.leaveTo(named.path);
      if (named.entry.directoryId === null) await weeder.take(named);
      else weeder.enter(named);
    }
  }
  return weeder.finish(start);
}

class Weeder {
  private readonly keepers: Keepers;
  private readonly frames: Frame[] = [];
  private readonly proven: Proven[] = [];
  private readonly refusing: RefusalRow[] = [];
  private last: Frame | null = null;

  constructor(keepers: Keepers) {
    this.keepers = keepers;
  }

  enter(named: NamedEntry): void {
    this.frames.push({ named, goes: false, stays: false, removals: [] });
  }

  async take(named: NamedEntry): Promise<void> {
    const verdict = await this.keepers.judge(named.entry);
    const above = this.frames.at(-1);
    if ('reason' in verdict) {
      this.refusing.push(refusalRow(named, verdict.reason));
      if (above) above.stays = true;
      return;
    }
    this.proven.push({ gone: named, keeper: verdict.keeper });
    if (!above) return;
    above.goes = true;
    above.removals.push(named);
  }

  /** Directories that do not hold the path are done. */
  leaveTo(path: string): void {
    for (let top = this.frames.at(-1); top && !isAtOrBelow(path, top.named.path); top = this.frames.at(-1))
      this.leave();
  }

  finish(start: NamedEntry): Weeding {
    while (this.frames.length > 0) this.leave();
    const { proven, refusing } = this;
    const removals = refusing.length === 0 ? [start] : (this.last?.removals ?? []);
    return { removals, proven, refusing };
  }

  private leave(): void {
    const frame = this.frames.pop()!;
    const above = this.frames.at(-1);
    this.last = frame;
    if (!above) return;
    if (frame.stays) {
      above.stays = true;
      above.goes ||= frame.goes;
      for (const removal of frame.removals) above.removals.push(removal);
    } else if (frame.goes) {
      above.goes = true;
      above.removals.push(frame.named);
    }
  }
}

function refusalRow({ path, entry }: NamedEntry, reason: string): RefusalRow {
  const { event } = entry;
  const isFile = event.type === 'file.ingested';
  const content = isFile ? { hash: event.hash, size: event.size } : { hash: null, size: null };
  return { path, kind: entry.kind, ...content, reason };
}

export function proofRow({ gone, keeper }: Proven): ProofRow {
  return { path: gone.path, hash: hashOf(gone), kept: keeper?.path ?? null };
}

/** The proof, then the removals it is of: all of one commit. */
export function pruneEvents({ proven, removals }: Weeding): HkfsEvent[] {
  const events: HkfsEvent[] = [];
  for (let at = 0; at < proven.length; at += ENTRIES_PER_EVENT)
    events.push({
      type: 'paths.pruned',
      entries: proven.slice(at, at + ENTRIES_PER_EVENT).map(prunedEntry),
    });
  for (const { entry } of removals) events.push({ type: 'path.removed', ...placeOfEntry(entry) });
  return events;
}

function prunedEntry({ gone, keeper }: Proven): PrunedEntry {
  return { ...placeOfEntry(gone.entry), hash: hashOf(gone), kept: keeper?.place ?? null };
}

function hashOf({ entry }: NamedEntry): string | null {
  return entry.event.type === 'file.ingested' ? entry.event.hash : null;
}
