/**
 * Commits of a damaged log whose events are proved by the Merkle tree, and whose records are proved by the commit
 * after them, or were made again: all of a record follows from the events but its time, and that has few values
 * that can be, one of which has the hash. Where no commit has the hash (format 1) a record that cannot be right
 * gets the time of the one before it, when nobody else has it.
 */
import { linkIn, recordHash, startedBy } from '../../events/commit-chain.js';
import type { EventLog } from '../../events/log.js';
import { CompactRange } from '../../events/merkle.js';
import { followsFrom, type StoredCommit } from '../../events/segment.js';
import type { CommitRecord } from '../../events/types.js';

/** Milliseconds between two commits that are tried one by one: about two seconds of work. */
const MOST_TRIES = 500_000;
/** Of a time: until the year 10,000 and beyond. */
const TIME_BITS = 48;

export interface ProveOptions {
  /** Nobody else has what is not proved here. */
  readonly mayGuess: boolean;
  /** Told of a commit that got a time which nothing proves. */
  readonly onGuess: () => void;
}

/** A commit, and whether its own record has the fingerprint of its events. */
interface Held {
  readonly stored: StoredCommit;
  readonly isWhole: boolean;
}

/** Those that follow from the end of a log, until one that is not proved. */
export async function* provedCommits(
  log: EventLog,
  commits: AsyncIterable<StoredCommit>,
  options: ProveOptions,
): AsyncGenerator<StoredCommit> {
  const prover = new Prover(log.lastCommit, options);
  const range = CompactRange.from(log.size, log.lastCommit?.range ?? []);
  let held: Held | null = null;
  for await (const { commit, events } of commits) {
    if (commit.first !== range.size) break;
    const isWhole = followsFrom(range, { commit, events });
    const stored = { events, commit: { ...commit, range: range.hashes } };
    const proved = held && prover.prove(held, { stored, isWhole });
    if (held !== null && proved === null) return;
    if (proved !== null) yield proved;
    held = { stored, isWhole };
  }
  const last = held && prover.prove(held, null);
  if (last !== null) yield last;
}

class Prover {
  #before: CommitRecord | null;
  readonly #options: ProveOptions;

  constructor(before: CommitRecord | null, options: ProveOptions) {
    this.#before = before;
    this.#options = options;
  }

  /** @returns null where nothing shows that the events, or what the record says, is what was written */
  prove({ stored, isWhole }: Held, after: Held | null): StoredCommit | null {
    const { commit: given, events } = stored;
    const before = this.#before;
    const link = linkIn(events[0]!);
    if (!isWhole && after?.isWhole !== true) return null;
    if (before !== null && link !== null && Buffer.compare(link, recordHash(before)) !== 0) return null;
    const next = after?.isWhole === true ? after.stored : null;
    const commit = this.#recordOf({ given, before, event: events[0]! }, next);
    if (commit === null) return null;
    this.#before = commit;
    return { commit, events };
  }

  #recordOf({ given, before, event }: Known, next: StoredCommit | null): CommitRecord | null {
    const hash = next && linkIn(next.events[0]!);
    const derived: CommitRecord = {
      ...given,
      format: linkIn(event) === null ? 1 : 2,
      operation: startedBy(event, given.first) ?? before?.operation ?? 0,
    };
    const earliest = before?.timeMs ?? 0;
    const latest = next && next.commit.timeMs >= earliest ? next.commit.timeMs : Number.MAX_SAFE_INTEGER;
    if (hash) return withHash(derived, { hash, earliest, latest });
    if (given.timeMs >= earliest && given.timeMs <= latest) return derived;
    if (!this.#options.mayGuess) return null;
    this.#options.onGuess();
    return { ...derived, timeMs: earliest };
  }
}

interface Known {
  readonly given: CommitRecord;
  readonly before: CommitRecord | null;
  readonly event: Buffer;
}

function withHash(
  commit: CommitRecord,
  { hash, earliest, latest }: { hash: Uint8Array; earliest: number; latest: number },
): CommitRecord | null {
  for (const timeMs of timesToTry(commit.timeMs, earliest, latest)) {
    const tried = { ...commit, timeMs };
    if (Buffer.compare(recordHash(tried), hash) === 0) return tried;
  }
  return null;
}

function* timesToTry(given: number, earliest: number, latest: number): Generator<number> {
  yield given;
  for (let bit = 0; bit < TIME_BITS; bit += 1) {
    const isSet = Math.floor(given / 2 ** bit) % 2 === 1;
    yield given + (isSet ? -1 : 1) * 2 ** bit;
  }
  yield* upTo(earliest, Math.min(latest, earliest + MOST_TRIES));
}

function* upTo(from: number, to: number): Generator<number> {
  for (let time = from; time <= to; time += 1) yield time;
}
