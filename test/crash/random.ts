/** Chance that can be had again: HKFS_SEED=N repeats what a failed run printed. */

import { test } from '@jest/globals';

export const seed = Number(process.env.HKFS_SEED ?? Date.now() % 1_000_000_000);

/** The full counts: `npm run test:crash`, or HKFS_HEAVY=1. */
export const isHeavy = process.env.HKFS_SUITE === 'heavy' || process.env.HKFS_HEAVY === '1';

/** A test that runs only among the full counts. */
export const heavyTest = isHeavy ? test : Object.assign(() => {}, { each: () => () => {} });

/** All of the cases, or only the first few of them when there is little time. */
export function some<T>(cases: readonly T[], few: number): readonly T[] {
  return isHeavy ? cases : cases.slice(0, few);
}

export type Random = () => number;

/** Mulberry32: numbers in [0, 1), the same for the same seed. */
export function randomFrom(start: number): Random {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number below `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** Says on stderr how to have this run again. */
export function printSeed(what: string): void {
  process.stderr.write(`${what}: HKFS_SEED=${seed}\n`);
}
