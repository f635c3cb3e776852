import type { Failure } from '../archive/api.js';
import { EXIT } from '../errors.js';

/** Damage outweighs what could not be done. What was deleted on purpose is no damage. */
export function exitCodeOfFailures(failed: readonly Failure[]): number {
  const isDamage = ({ code }: Failure): boolean => code.startsWith('OBJECT_') && code !== 'OBJECT_COLLECTED';
  if (failed.some(isDamage)) return EXIT.damage;
  return failed.length > 0 ? EXIT.partial : EXIT.ok;
}
