/** Names of files that are being restored, before they get their own. */
import { threadId } from 'node:worker_threads';
import { errnoOf } from '../errors.js';

const TEMPORARY = /^\.hkfs-restore-(\d+)-\d+-\d+$/;

let temporaries = 0;

export function newTemporary(): string {
  return `.hkfs-restore-${process.pid}-${threadId}-${(temporaries += 1)}`;
}

/** What a restore that was killed left: named by us, and its process is gone. */
export function isRestoreTemporary(name: string): boolean {
  const match = TEMPORARY.exec(name);
  if (!match) return false;
  const pid = Number(match[1]);
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}
