/** Proofs about the history, for those who have only a head of it. */
import { HkfsError } from '../errors.js';
import { verifyCheckpoint } from '../events/checkpoint.js';
import { consistencyProof, inclusionProof, rootAt } from '../events/log-proofs.js';
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

async function proveSince(archive: OpenArchive, known: KnownHead): Promise<Proof> {
  const head = await signedHead(archive);
  const since = await headOf(archive, known, head);
  const hashes = await consistencyProof(archive.log, since.size, head.size);
  const { checkpoint } = head;
  return {
    kind: 'consistency',
    since,
    ...head,
    proof: formatProof({ kind: 'consistency', since, hashes, checkpoint }),
  };
}

/** The older head, once the log was seen to have had it. */
async function headOf(archive: OpenArchive, known: KnownHead, now: Head): Promise<Head> {
  if ('position' in known) {
    refuseBeyond(known.position, now);
    const size = known.position + 1;
    return { size, root: (await rootAt(archive.log, size)).toString('hex') };
  }
  const { size, root } =
    'checkpoint' in known ? verifyCheckpoint(known.checkpoint, archiveKey(archive).verifier) : known;
  if (size === 0)
    throw new HkfsError('BAD_MOMENT', 'a head of no events proves nothing', { hint: 'give a later head' });
  if (size > now.size) throw differs(`the log has ${now.size} events, the head that was given has ${size}`);
  const own = (await rootAt(archive.log, size)).toString('hex');
  if (own !== root) throw differs(`after ${size} events this log had the root ${own}, not ${root}`);
  return { size, root };
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
