/** Events from the log, forwards or backwards, each checked before it is handed out. */
import { commitUpTo } from './commit-scan.js';
import { storedEvent, BLOCK, type LeafAt, type LeafCheck } from './leaf-check.js';
import type { Level } from './level.js';
import { eventKey, eventPosition } from './log-keys.js';
import { scan, type Span } from './scan.js';
import { gap, notTheFingerprint } from './log-errors.js';
import { endOf, followsFrom } from './segment.js';
import { rangeAt } from './stored-commits.js';
import type { Position } from './types.js';

type Stored = [key: Buffer, bytes: Buffer];

/**
 * The events of a span with their keys. A block is handed out when all of it is there.
 *
 * @throws HkfsError LOG_GAP, LOG_DAMAGED
 */
export async function* scanChecked(
  level: Level,
  check: LeafCheck,
  { span, reverse = false }: { span: Span; reverse?: boolean },
): AsyncGenerator<Stored[]> {
  let held: Stored[] = [];
  const range = { gte: eventKey(span.from), lt: eventKey(span.to) };
  for await (const batch of scan(level, { ...range, reverse })) {
    const all = held.length === 0 ? batch : [...held, ...batch];
    const whole = wholeBlocks(all);
    await checkBlocks(level, check, all.slice(0, whole));
    if (whole > 0) yield all.slice(0, whole);
    held = all.slice(whole);
  }
  await checkBlocks(level, check, held);
  if (held.length > 0) yield held;
}

/** How many of these come before the block of the last: of that one, more may follow. */
function wholeBlocks(events: readonly Stored[]): number {
  const last = blockOf(events.at(-1)!);
  let count = events.length - 1;
  while (count > 0 && blockOf(events[count - 1]!) === last) count -= 1;
  return count;
}

async function checkBlocks(level: Level, check: LeafCheck, events: readonly Stored[]): Promise<void> {
  for (let from = 0; from < events.length;) {
    const block = blockOf(events[from]!);
    let to = from + 1;
    while (to < events.length && blockOf(events[to]!) === block) to += 1;
    await checkBlock(level, check, { block, events: events.slice(from, to) });
    from = to;
  }
}

async function checkBlock(
  level: Level,
  check: LeafCheck,
  { block, events }: { block: number; events: readonly Stored[] },
): Promise<void> {
  const given = new Map(events.map(([key, bytes]) => [eventPosition(key), bytes]));
  const leafAt: LeafAt = (position) => {
    const bytes = given.get(position) ?? storedEvent(level, position);
    if (bytes === undefined) throw gap(position);
    return bytes;
  };
  if (check.holds(block, leafAt)) return;
  await checkCommits(level, leafAt, {
    from: Math.min(...given.keys()),
    to: Math.max(...given.keys()) + 1,
  });
}

/** One event as it was written. @throws HkfsError LOG_GAP, LOG_DAMAGED */
export async function checkEvent(level: Level, check: LeafCheck, position: Position): Promise<void> {
  if (check.knows(position)) return;
  const bytes = storedEvent(level, position);
  if (bytes === undefined) throw gap(position);
  const block = Math.floor(position / BLOCK);
  await checkBlock(level, check, { block, events: [[eventKey(position), bytes]] });
}

/**
 * What is wrong with a block may be another event of it, or a row above, which proofs make again: an event
 * is right that has the fingerprint of its commit.
 */
async function checkCommits(level: Level, leafAt: LeafAt, { from, to }: Span): Promise<void> {
  for (let at = from; at < to;) {
    const commit = await commitUpTo(level, at);
    if (commit === null || endOf(commit) <= at) throw gap(at);
    const events = Array.from({ length: commit.count }, (_, index) => leafAt(commit.first + index));
    if (!followsFrom(await rangeAt(level, commit.first), { commit, events })) throw notTheFingerprint(commit);
    at = endOf(commit);
  }
}

function blockOf([key]: Stored): number {
  return Math.floor(eventPosition(key) / BLOCK);
}
