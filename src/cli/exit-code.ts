import type { Failure } from '../archive/api.js';
import { EXIT } from '../errors.js';

/** Damage outweighs what could not be done. What was deleted on purpose is no damage. */
export function exitCodeOfFailures(failed: readonly Failure[]): number {
  const isDamage = ({ code }: Failure): boolean => code.startsWith('OBJECT_') && code !== 'OBJECT_COLLECTED';
  if (failed.some(isDamage)) return EXIT.damage;
  return failed.length > 0 ? EXIT.partial : EXIT.ok;
}

/** 4 where contents could not be had. */
export function exitCodeOfLost({
  damaged,
  missing,
}: {
  readonly damaged: readonly unknown[];
  readonly missing: readonly unknown[];
}): number {
  return damaged.length + missing.length > 0 ? EXIT.damage : EXIT.ok;
}
