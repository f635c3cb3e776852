/**
 * A clone names its contents before they are synced. After a kill they are whole all the same; after a
 * power cut their names may be on the disk without their bytes. So a clone that goes on after the machine
 * was started anew reads what is there.
 */
import { readFileSync, rmSync } from 'node:fs';
import { CHECK } from '../../fs/tasks.js';
import type { FetchTarget } from './fetch-objects.js';

const FAN_OUT = 256;

/** Another after each start of the machine; where there is none, nothing is trusted. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/** Removes objects that have other bytes than their names say. */
export async function dropTorn({ layout, pool }: FetchTarget): Promise<void> {
  for (let at = 0; at < FAN_OUT; at += 1) {
    const prefix = at.toString(16).padStart(2, '0');
    const directory = `${layout.objects}/${prefix}`;
    const { names, status } = await pool.run({ task: 'check', directory, prefix });
    for (const [index, name] of names.entries())
      if (status[index] !== CHECK.good) rmSync(`${directory}/${name}`, { recursive: true, force: true });
  }
}
