/** From where a backup goes on: what the remote's newest checkpoint covers, once it was checked against our log. */
import { HkfsError, counted } from '../../errors.js';
import type { EventLog } from '../../events/log.js';
import type { VerifierKey } from '../../events/signed-note.js';
import type { CommitHead, Position } from '../../events/types.js';
import { keyName } from './names.js';
import { diverged, partingPosition } from './parting.js';
import type { RemoteArchive } from './remote-archive.js';
import { requireSameLast } from './same-commits.js';

export interface BaseOptions {
  readonly key: VerifierKey;
  /** The size that a backup to this remote has reached, as our log knows; null: none. */
  readonly known: Position | null;
  /** Go on also where the remote has lost checkpoints that it had. */
  readonly mend: boolean;
}

/**
 * @returns the head that the remote's newest checkpoint states, which is one that our log had
 * @throws HkfsError KEY_MISMATCH, BAD_SIGNATURE, REMOTE_DIVERGED with the position at which the logs part; LOG_DAMAGED
 */
export async function remoteBase(
  remote: RemoteArchive,
  log: EventLog,
  { key, known, mend }: BaseOptions,
): Promise<CommitHead> {
  const sizes = await checkpointsFrom(remote, known);
  const newest = sizes.at(-1) ?? 0;
  const base = newest === 0 ? await log.headAt(0) : await signedHead(remote, { key, size: newest });
  if (base.size > log.size || (await log.headAt(base.size)).root !== base.root)
    throw await partedFrom(remote, log, { key, size: base.size });
  await requireSameLast(log, remote, base);
  if (known !== null && base.size < known && !mend) throw rolledBack(remote, base.size, known);
  return base;
}

/** Usually one request: from what is known on; all where that is not there any more. */
async function checkpointsFrom(remote: RemoteArchive, known: Position | null): Promise<Position[]> {
  if (known === null || known === 0) return remote.checkpoints();
  const sizes = await remote.checkpoints(known - 1);
  return sizes.length > 0 ? sizes : remote.checkpoints();
}

async function signedHead(
  remote: RemoteArchive,
  { key, size }: { key: VerifierKey; size: Position },
): Promise<CommitHead> {
  try {
    return await remote.checkpoint(size, key);
  } catch (error) {
    await refuseOtherKey(remote, key);
    throw error;
  }
}

/** @throws HkfsError KEY_MISMATCH where the remote belongs to another key than ours */
export async function refuseOtherKey(remote: RemoteArchive, key: VerifierKey): Promise<void> {
  const theirs = await remote.key();
  if (theirs === null || Buffer.compare(theirs.publicKey, key.publicKey) === 0) return;
  throw new HkfsError(
    'KEY_MISMATCH',
    `${remote.store.url} has backups of this archive that another key signed (${remote.describe(keyName(remote.id))})`,
    {
      hint: 'bring that private key to .hkfs/keys/archive; without it, back up to another remote',
    },
  );
}

async function partedFrom(
  remote: RemoteArchive,
  log: EventLog,
  options: { key: VerifierKey; size: Position },
): Promise<HkfsError> {
  const position = await partingPosition(remote, log, options);
  if (position < log.size || options.size <= log.size)
    return diverged(remote, { reason: 'both have events of their own', position });
  return diverged(remote, {
    reason: `it has ${counted(options.size - log.size, 'event')} more`,
    position,
    hint: 'this archive was brought back from an earlier state, or a copy of it went on elsewhere: `hkfs clone` gives all that the remote has',
  });
}

function rolledBack(remote: RemoteArchive, size: Position, known: Position): HkfsError {
  return new HkfsError(
    'REMOTE_DIVERGED',
    `${remote.store.url} was rolled back or lost files: a backup has reached position ${known}, and its newest checkpoint is at position ${size}`,
    { hint: '`hkfs backup NAME --mend` looks for all that is missing there and sends it again' },
  );
}
