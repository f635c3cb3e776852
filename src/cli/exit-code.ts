import type { Failure } from '../archive/api.js';
import { EXIT } from '../errors.js';

/** Damage outweighs what could not be done. */
export function exitCodeOfFailures(failed: readonly Failure[]): number {
  if (failed.some(({ code }) => code.startsWith('OBJECT_'))) return EXIT.damage;
  return failed.length > 0 ? EXIT.partial : EXIT.ok;
}
