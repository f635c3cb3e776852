/** Proofs about the history, for those who have only a head of it. */
import { HkfsError, counted } from '../errors.js';
import { requireRecord } from '../events/commit-head.js';
import { verifyCheckpoint } from '../events/checkpoint.js';
import { consistency, inclusionProof } from '../events/log-proofs.js';
import { formatProof } from '../events/proof-text.js';
import type { Head, Position } from '../events/types.js';
import type { KnownHead, Proof, ProofQuery } from './api.js';
import { signedHead } from './checkpoint.js';
import { archiveKey } from './keys.js';
import type { OpenArchive } from './open-archive.js';

/**
 * @throws HkfsError BAD_MOMENT for what is beyond the log; HEAD_DIFFERS for a head that this log never
 *   had; of a signed head also KEY_MISMATCH, WRONG_ORIGIN, BAD_SIGNATURE, BAD_NOTE
 */
export async function prove(archive: OpenArchive, query: ProofQuery): Promise<Proof> {
  return 'position' in query ? proveEvent(archive, query.position) : proveSince(archive, query.since);
}

async function proveEvent(archive: OpenArchive, position: Position): Promise<Proof> {
  const { log } = archive;
  const head = await signedHead(archive);
  refuseBeyond(position, head);
  const hashes = await inclusionProof(log, position, head.size);
  const leaf = Buffer.from((await log.get(position)).bytes);
  const { checkpoint } = head;
  return {
    kind: 'inclusion',
    position,
    ...head,
    proof: formatProof({ kind: 'inclusion', position, leaf, hashes, checkpoint }),
  };
}

async function proveSince(archive: OpenArchive, given: KnownHead): Promise<Proof> {
  const head = await signedHead(archive);
  const known =
    'checkpoint' in given ? verifyCheckpoint(given.checkpoint, archiveKey(archive).verifier) : given;
  const size = sizeOf(known, head);
  const { root1, proof: hashes } = await consistency(archive.log, size, head.size);
  const since = { size, root: root1.toString('hex') };
  if ('root' in known && known.root !== since.root)
    throw differs(`after ${counted(size, 'event')} this log had the root ${since.root}, not ${known.root}`);
  if ('root' in known) await requireRecord(archive.log, known, 'the head that was given');
  const { checkpoint } = head;
  return {
    kind: 'consistency',
    since,
    ...head,
    proof: formatProof({ kind: 'consistency', since, hashes, checkpoint }),
  };
}

/** Of the older head. */
function sizeOf(known: Head | { position: Position }, now: Head): number {
  if ('position' in known) {
    refuseBeyond(known.position, now);
    return known.position + 1;
  }
  const { size } = known;
  if (size === 0)
    throw new HkfsError('BAD_MOMENT', 'a head of no events proves nothing', { hint: 'give a later head' });
  if (size > now.size)
    throw differs(`the log has ${counted(now.size, 'event')}, the head that was given has ${size}`);
  return size;
}

function refuseBeyond(position: Position, { size }: Head): void {
  if (Number.isSafeInteger(position) && position >= 0 && position < size) return;
  throw new HkfsError('BAD_MOMENT', `there is no event @${position}: the log ends at @${size - 1}`, {
    hint: 'see `hkfs log` for positions',
  });
}

function differs(what: string): HkfsError {
  return new HkfsError('HEAD_DIFFERS', `that head is not of this history: ${what}`, {
    hint: 'it is of another archive, or this log lost or changed events since; `hkfs verify` checks it',
  });
}
