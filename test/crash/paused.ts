/** A process that stands still at a failpoint's `pause`. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves once the process is stopped. @throws when it ended instead */
export async function isStopped(pid: number): Promise<void> {
  while (!/^\d+ \(.*\) [Tt] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(5);
}
