/** Whether a file's times can tell of a change that comes after they were looked at. */

/** A change within the same tick of the file system's clock leaves the times as they are. */
export const SETTLED_NS = 100_000_000n;
/**
 * Whole seconds are those of coarse clocks: FAT counts by two, and where a server's clock stamps the files
 * it is not ours, so that a minute leaves room for what the two are apart.
 */
const COARSE_SETTLED_NS = 60_000_000_000n;
const SECOND_NS = 1_000_000_000n;

export interface Times {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * Whether every change after `nowNs` has to move the times.
 * @param nowNs when the reading that is to be remembered began, or before
 */
export function isSettled(times: Times, nowNs: bigint): boolean {
  return nowNs - times.ctimeNs > (isCoarse(times) ? COARSE_SETTLED_NS : SETTLED_NS);
}

/**
 * Whether a write in the very tick of the ctime would have moved the mtime. Our own links and modes move
 * the ctime to now, so that of a file that was linked just now only the mtime can tell. In a tick of a whole
 * second there is time to write and to set the mtime back: then nothing tells.
 */
export function isApart(times: Times): boolean {
  const { mtimeNs, ctimeNs } = times;
  const apart = mtimeNs < ctimeNs ? ctimeNs - mtimeNs : mtimeNs - ctimeNs;
  return apart > SETTLED_NS && !isCoarse(times);
}

export function isCoarse({ mtimeNs, ctimeNs }: Times): boolean {
  return ctimeNs % SECOND_NS === 0n && mtimeNs % SECOND_NS === 0n;
}

export function nowInNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
