/** The older checkpoints of a remote, and the claims: each has to be of the log that the newest one signs. */
import { isHkfsError } from '../../errors.js';
import type { EventLog } from '../../events/log.js';
import type { VerifierKey } from '../../events/signed-note.js';
import type { Head, Position } from '../../events/types.js';
import { eachAtOnce } from '../../fs/together.js';
import { checkpointName, claimName } from './names.js';
import type { RemoteArchive } from './remote-archive.js';

/** Of more, the newest are looked at. */
const MOST = 1000;

export interface DamagedFile {
  /** Of the remote. */
  readonly name: string;
  readonly reason: string;
}

/** @param options.newest up to where the log was checked already */
export async function checkCheckpoints(
  remote: RemoteArchive,
  log: EventLog,
  { key, newest }: { key: VerifierKey; newest: Position },
): Promise<DamagedFile[]> {
  const sizes = (await remote.checkpoints()).filter((size) => size < newest && size <= log.size);
  const claims = await remote.listClaims();
  const checks = [
    ...sizes.slice(-MOST).map((size) => ({
      name: checkpointName(remote.id, size),
      head: () => remote.checkpoint(size, key),
    })),
    ...claims
      .filter((first) => first < newest)
      .slice(-MOST)
      .map((first) => ({ name: claimName(remote.id, first), head: () => remote.claim(first) })),
  ];
  const found: DamagedFile[] = [];
  await eachAtOnce(checks, remote.store.concurrency, async ({ name, head }) => {
    const reason = await whatIsWrong(log, newest, head);
    if (reason !== null) found.push({ name, reason });
  });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function whatIsWrong(
  log: EventLog,
  newest: Position,
  read: () => Promise<Head | null>,
): Promise<string | null> {
  try {
    const head = await read();
    if (head !== null && head.size > newest) return 'it states more than was ever appended';
    if (head === null || head.size > log.size) return null;
    const ours = await log.headAt(head.size);
    return ours.root === head.root ? null : 'it states another root than the log has';
  } catch (error) {
    if (isHkfsError(error, 'BAD_SIGNATURE') || isHkfsError(error, 'REMOTE_DAMAGED')) return error.message;
    throw error;
  }
}
