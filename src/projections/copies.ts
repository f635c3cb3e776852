/**
 * Which copies of an object are at a remote, from what the log says of backups and checks. There are no rows
 * for the many that are there: an object stored before the last backup has a copy, unless a check has told
 * otherwise since.
 */
import type { Level } from '../events/level.js';
import type { BackupCompleted, CopiesVerified, Hash, Position } from '../events/types.js';
import { parseTimeAndEvent } from './evolve.js';
import * as keys from './keys.js';
import { readRows } from './views.js';

/** `stored`: sent, and not read there since. */
export type CopyState = 'stored' | 'verified' | 'damaged' | 'missing';

export interface Copy {
  readonly state: CopyState;
  /** When its bytes were last read there, milliseconds since 1970; also of one that was wrong. */
  readonly readMs: number | null;
  /** The event that says so; -1: none. */
  readonly readAt: Position;
}

interface Check {
  readonly position: Position;
  readonly timeMs: number;
  readonly event: CopiesVerified;
  readonly lists: { readonly [state in 'damaged' | 'missing' | 'healed']: ReadonlySet<Hash> };
}

/** What was found wrong with an object here, by position; null: nothing any more. */
type LocalFindings = ReadonlyMap<Hash, readonly { position: Position; isLost: boolean }[]>;

const BUCKETS = 256;

export class RemoteCopies {
  /** What the last backup covers; 0: there was none. */
  readonly size: Position;
  private readonly sizes: readonly Position[];
  /** By the first byte of the hash: the checks that looked at any such object. */
  private readonly buckets: readonly (readonly Check[])[];
  private readonly lost: LocalFindings;

  private constructor(parts: { sizes: readonly Position[]; checks: readonly Check[]; lost: LocalFindings }) {
    this.sizes = parts.sizes;
    this.size = Math.max(0, ...parts.sizes);
    this.lost = parts.lost;
    this.buckets = Array.from({ length: BUCKETS }, (_, byte) =>
      parts.checks.filter((check) => looksInto(check, byte.toString(16).padStart(2, '0'))),
    );
  }

  /** @param span the position of the event that added the remote, and the moment up to which to look */
  static async load(
    level: Level,
    remote: string,
    { since, at }: { since: Position; at: Position },
  ): Promise<RemoteCopies> {
    const sizes: Position[] = [];
    const checks: Check[] = [];
    for await (const { event } of rowsOf(level, keys.PREFIX.backup, { remote, since, at }))
      sizes.push((event as BackupCompleted).size);
    for await (const row of rowsOf(level, keys.PREFIX.copies, { remote, since, at })) {
      const event = row.event as CopiesVerified;
      const { damaged, missing, healed } = event;
      const lists = { damaged: new Set(damaged), missing: new Set(missing), healed: new Set(healed) };
      checks.push({ position: row.position, timeMs: row.timeMs, event, lists });
    }
    return new RemoteCopies({ sizes, checks, lost: await localFindings(level, at) });
  }

  /** Null where the object was never sent there. */
  of(hash: Hash, firstStored: Position): Copy | null {
    if (!this.wasSent(hash, firstStored)) return null;
    let copy: Copy = { state: 'stored', readMs: null, readAt: -1 };
    for (const check of this.buckets[firstByte(hash)]!) copy = afterCheck(copy, check, { hash, firstStored });
    return copy;
  }

  /** All that may not be there as it was sent: what a check told, and what was damaged here at some time. */
  suspects(): Set<Hash> {
    const hashes = new Set<Hash>(this.lost.keys());
    for (const { lists } of new Set(this.buckets.flat()))
      for (const hash of [...lists.damaged, ...lists.missing]) hashes.add(hash);
    return hashes;
  }

  /** A backup does not send what is damaged here at the time, unless another copy of it was good. */
  private wasSent(hash: Hash, firstStored: Position): boolean {
    if (firstStored >= this.size) return false;
    const findings = this.lost.get(hash);
    if (findings === undefined || this.wasHealed(hash)) return true;
    return this.sizes.some((size) => {
      if (firstStored >= size) return false;
      return findings.findLast(({ position }) => position < size)?.isLost !== true;
    });
  }

  private wasHealed(hash: Hash): boolean {
    return this.buckets[firstByte(hash)]!.some(({ lists }) => lists.healed.has(hash));
  }
}

function firstByte(hash: Hash): number {
  return Number.parseInt(hash.slice(0, 2), 16);
}

function looksInto({ event, lists }: Check, byte: string): boolean {
  const isAbove = event.after === null || event.after.slice(0, 2) <= byte;
  const isBelow = event.upTo === null || event.upTo.slice(0, 2) >= byte;
  const isListed = Object.values(lists).some((hashes) => [...hashes].some((hash) => hash.startsWith(byte)));
  return (isAbove && isBelow) || isListed;
}

function afterCheck(
  copy: Copy,
  { position, timeMs, event, lists }: Check,
  object: { hash: Hash; firstStored: Position },
): Copy {
  const { hash } = object;
  const isRead = !event.quick && covers(event, object, copy.readAt);
  const read = isRead ? { readMs: timeMs, readAt: position } : copy;
  if (lists.healed.has(hash)) return { ...read, state: 'stored' };
  if (lists.damaged.has(hash)) return { ...read, state: 'damaged' };
  if (lists.missing.has(hash)) return { ...read, state: 'missing' };
  if (isRead) return { ...read, state: 'verified' };
  // Listed again; whether its bytes are right, a listing does not tell.
  const isBack = event.quick && copy.state === 'missing' && covers(event, object, -1);
  return isBack ? { ...copy, state: 'stored' } : copy;
}

function covers(
  { size, before, after, upTo }: CopiesVerified,
  { hash, firstStored }: { hash: Hash; firstStored: Position },
  readAt: Position,
): boolean {
  const isAbove = after === null || hash > after;
  return firstStored < size && readAt < before && isAbove && (upTo === null || hash <= upTo);
}

async function* rowsOf(
  level: Level,
  prefix: number,
  { remote, since, at }: { remote: string; since: Position; at: Position },
): AsyncGenerator<{ position: Position; timeMs: number; event: unknown }> {
  const gte = keys.remoteKey(prefix, remote, since);
  for await (const rows of readRows(level, { gte, lt: keys.remoteKey(prefix, remote, at + 1) }))
    for (const { key, value } of rows) {
      const { position } = keys.parseRemoteKey(key);
      yield { position, ...parseTimeAndEvent(value, position) };
    }
}

async function localFindings(level: Level, at: Position): Promise<LocalFindings> {
  const found = new Map<Hash, { position: Position; isLost: boolean }[]>();
  for await (const rows of readRows(level, keys.prefixRange(Buffer.of(keys.PREFIX.finding))))
    for (const { key, value } of rows) {
      const position = keys.readPosition(key, 33);
      if (position > at) continue;
      const hash = key.toString('hex', 1, 33);
      const finding = { position, isLost: value.length > 0 };
      const others = found.get(hash);
      if (others) others.push(finding);
      else found.set(hash, [finding]);
    }
  return found;
}
