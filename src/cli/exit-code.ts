import type { AcrossTrouble, Failure } from '../archive/api.js';
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

const DISTRUSTED = ['REMOTE_DIVERGED', 'REMOTE_DAMAGED', 'BAD_SIGNATURE', 'KEY_MISMATCH', 'LOG_DAMAGED'];

/** 4 where an archive of a remote is not what it was, 3 where one could not be read; null where all is well. */
export function exitCodeAcross(troubles: readonly AcrossTrouble[]): number | null {
  if (troubles.length === 0) return null;
  return troubles.some(({ code }) => DISTRUSTED.includes(code)) ? EXIT.damage : EXIT.partial;
}
