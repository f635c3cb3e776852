/** One command with what was before and after it: what there is to judge. */
import type { Command, Outcome } from './run-command.js';
import type { Picture } from './picture.js';
import type { Log, World } from './world.js';

export interface Case {
  readonly world: World;
  readonly command: Command;
  readonly outcome: Outcome;
  /** Where somebody wrote while it ran: each state before the last of them. */
  readonly earlier: readonly Picture[];
  readonly before: Picture;
  readonly after: Picture;
  readonly logBefore: Log;
  readonly logAfter: Log;
}

export function describe(world: World, hash: string | null | undefined): string {
  if (hash === null || hash === undefined) return 'an empty file';
  const text = world.known.get(hash)?.subarray(0, 14).toString().trim().replace(/ c.*/, '');
  return `${hash.slice(0, 8)} (${text ?? 'never made'})`;
}
