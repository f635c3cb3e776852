/**
 * Times are kept as nanoseconds since 1970 in 64 bits with a sign, from 1677-09-21 to 2262-04-11. A time
 * beyond is kept as the nearest of these, and told: btrfs, xfs, tmpfs and tars hold far more years.
 */
export const OLDEST_NS = -(1n << 63n);
export const NEWEST_NS = (1n << 63n) - 1n;

export function storedTime(ns: bigint): bigint {
  return ns > NEWEST_NS ? NEWEST_NS : ns < OLDEST_NS ? OLDEST_NS : ns;
}

/** Nobody has a file of exactly these nanoseconds: it stands for a time that could not be kept. */
export function isBeyondStoredTime(ns: bigint): boolean {
  return ns >= NEWEST_NS || ns <= OLDEST_NS;
}
