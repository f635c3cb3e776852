/** A time as node:fs takes it: a number below 0 would mean now to it, but a Date is taken at its word. */
export function nodeTime(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : Number(ns) / 1e9;
}
