/** Names of files that are being restored, before they get their own. */
import { threadId } from 'node:worker_threads';
import { isAlive, pidSpace } from './session.js';

const TEMPORARY = /^\.hkfs-restore-(?:([0-9a-f]{16})-)?(\d+)-\d+-\d+$/;
/** Of another machine, container or start of this machine nobody knows more than how old it is. */
const STALE_NS = 24n * 3600n * 1_000_000_000n;

let temporaries = 0;

export function newTemporary(): string {
  return `.hkfs-restore-${pidSpace()}-${process.pid}-${threadId}-${(temporaries += 1)}`;
}

/** What a restore that was killed left: named by us, and its process is gone. */
export function isRestoreTemporary(name: string, { ctimeNs }: { ctimeNs: bigint }): boolean {
  const match = TEMPORARY.exec(name);
  if (!match) return false;
  const [, space, pid] = match;
  if (space !== pidSpace()) return BigInt(Date.now()) * 1_000_000n - ctimeNs > STALE_NS;
  return Number(pid) === process.pid || !isAlive(Number(pid));
}
