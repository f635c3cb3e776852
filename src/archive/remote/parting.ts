/** Where a remote's log and ours part. */
import { HkfsError, isHkfsError } from '../../errors.js';
import type { EventLog } from '../../events/log.js';
import type { VerifierKey } from '../../events/signed-note.js';
import type { Position } from '../../events/types.js';
import type { RemoteArchive } from './remote-archive.js';
import { SegmentReader } from './segment-reader.js';

/**
 * The first position at which they differ or only one of them has an event: bisected by the checkpoints,
 * then event by event.
 */
export async function partingPosition(
  remote: RemoteArchive,
  log: EventLog,
  options: { key: VerifierKey; size: Position },
): Promise<Position> {
  const common = await lastCommonSize(remote, log, options.key);
  const end = Math.min(log.size, options.size);
  try {
    return await firstDifference(remote, log, { from: common, to: end });
  } catch (error) {
    // The segments cannot be read that far: it is after the last checkpoint that both share.
    if (isHkfsError(error, 'REMOTE_DAMAGED')) return common;
    throw error;
  }
}

/** @param reason what was seen, before the position */
export function diverged(
  remote: RemoteArchive,
  { reason, position, hint }: { reason: string; position: Position; hint?: string },
): HkfsError {
  return new HkfsError(
    'REMOTE_DIVERGED',
    `the log at ${remote.store.url} is not the beginning of this archive's: ${reason}; they part at position ${position}`,
    {
      hint:
        hint ??
        `look at both with \`hkfs log --from ${position}\` here and in a clone of the remote; then back this archive up to another remote, or clone the remote and ingest there what is only here`,
    },
  );
}

/**
 * What `act` finds damaged may be the log of another history: then that is what is told.
 * @throws HkfsError REMOTE_DIVERGED, or what `act` throws
 */
export async function tellingParted<T>(
  remote: RemoteArchive,
  log: EventLog,
  { act, ...options }: { key: VerifierKey; size: Position; act: () => Promise<T> },
): Promise<T> {
  const before = log.size;
  try {
    return await act();
  } catch (error) {
    if (!isHkfsError(error, 'REMOTE_DAMAGED') || before === 0) throw error;
    const position = await partingPosition(remote, log, options);
    if (position >= before) throw error;
    throw diverged(remote, {
      reason: 'both have events of their own',
      position,
      hint: 'this clone has gone its own way; clone the remote to another directory',
    });
  }
}

async function lastCommonSize(remote: RemoteArchive, log: EventLog, key: VerifierKey): Promise<Position> {
  const sizes = (await remote.checkpoints()).filter((size) => size <= log.size);
  let [low, high] = [-1, sizes.length];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isCommon(remote, log, { key, size: sizes[middle]! })) low = middle;
    else high = middle;
  }
  return sizes[low] ?? 0;
}

async function isCommon(
  remote: RemoteArchive,
  log: EventLog,
  { key, size }: { key: VerifierKey; size: Position },
): Promise<boolean> {
  try {
    return (await remote.checkpoint(size, key)).root === (await log.headAt(size)).root;
  } catch (error) {
    if (isHkfsError(error)) return false;
    throw error;
  }
}

async function firstDifference(
  remote: RemoteArchive,
  log: EventLog,
  { from, to }: { from: Position; to: Position },
): Promise<Position> {
  const segments = await remote.listSegments();
  const reader = new SegmentReader(remote, segments);
  let position = from;
  while (position < to) {
    const { commits } = await reader.read(position, Number.MAX_SAFE_INTEGER);
    for (const { commit, events } of commits) {
      if (commit.first !== position) return position;
      for (const bytes of events) {
        if (position === to) return to;
        if (!bytes.equals(log.bytesAt(position))) return position;
        position += 1;
      }
    }
  }
  return position;
}
