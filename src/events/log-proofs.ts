/**
 * Proofs about a log, as RFC 6962 has them. Each is checked before it is given out, against the head that
 * the last commit knows; where it fails, the rows that it was made of are made again from the events.
 */
import { HkfsError } from '../errors.js';
import type { EventLog } from './log.js';
import { leafHash } from './merkle.js';
import {
  consistencyPath,
  inclusionPath,
  verifyConsistency,
  verifyInclusion,
  type LeafSpan,
} from './merkle-proofs.js';
import type { Position } from './types.js';

/**
 * What shows that the event at `position` is in the log of the first `size` events.
 *
 * @throws RangeError when it is not; HkfsError LOG_GAP, LOG_DAMAGED
 */
export async function inclusionProof(log: EventLog, position: Position, size: number): Promise<Buffer[]> {
  const spans = inclusionPath(position, size);
  const { bytes } = await log.get(position);
  const root = await rootAt(log, size);
  const claim = { leafIndex: position, treeSize: size, leafHash: leafHash(bytes), root };
  return checked(log, spans, (proof) => verifyInclusion({ ...claim, proof }));
}

export interface Consistency {
  readonly root1: Buffer;
  readonly root2: Buffer;
  readonly proof: readonly Buffer[];
}

/**
 * The roots that the log had after `size1` and after `size2` events, and what shows that the first is the
 * beginning of the second.
 *
 * @throws RangeError unless 0 < size1 ≤ size2 ≤ log.size; HkfsError LOG_GAP, LOG_DAMAGED
 */
export async function consistency(log: EventLog, size1: number, size2: number): Promise<Consistency> {
  const spans = [{ start: 0, end: size1 }, ...consistencyPath(size1, size2)];
  const root2 = await rootAt(log, size2);
  const [root1, ...proof] = await checked(log, spans, ([first, ...rest]) =>
    verifyConsistency({ size1, size2, root1: first!, root2, proof: rest }),
  );
  return { root1: root1!, root2, proof };
}

/** What shows that the log of `size1` events is the beginning of that of `size2`. As {@link consistency}. */
export async function consistencyProof(
  log: EventLog,
  size1: number,
  size2: number,
): Promise<readonly Buffer[]> {
  return (await consistency(log, size1, size2)).proof;
}

/**
 * The root that the log had after its first `size` events.
 *
 * @throws RangeError unless 0 < size ≤ log.size; HkfsError LOG_GAP, LOG_DAMAGED
 */
export async function rootAt(log: EventLog, size: number): Promise<Buffer> {
  const head = log.head();
  if (size === head.size) return Buffer.from(head.root, 'hex');
  return (await consistency(log, size, head.size)).root1;
}

async function checked(
  log: EventLog,
  spans: readonly LeafSpan[],
  holds: (hashes: Buffer[]) => boolean,
): Promise<Buffer[]> {
  const end = Math.max(0, ...spans.map((span) => span.end));
  for (const isSecond of [false, true]) {
    if (isSecond) await log.tree.clear();
    await log.tree.fill(end);
    const hashes = await log.tree.hashes(spans);
    if (holds(hashes)) return hashes;
  }
  throw new HkfsError('LOG_DAMAGED', 'the events of the log do not have its fingerprint', {
    hint: '`hkfs verify` says where; restore .hkfs/log from a copy',
  });
}
