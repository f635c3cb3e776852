/** What a failed run prints: how to have it again, what is wrong, and all that was done until then. */
import type { World } from './world.js';

export function report(world: World, wrong: readonly string[]): string {
  const head = `HKFS_SEED=${world.seed} on ${world.disk.kind}:`;
  return [head, ...wrong, '', 'after:', ...world.trace].join('\n').replaceAll(world.disk.at, '');
}
