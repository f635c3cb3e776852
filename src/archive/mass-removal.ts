/** A disk that is not mounted must not become a mass deletion: more than half is never removed unasked. */
import { HkfsError } from '../errors.js';

export interface Removal {
  /** Entries that would go, with all that is below them. */
  readonly removed: number;
  /** All that there are. */
  readonly total: number;
  /** Whether they were removed is not known: none goes unasked. */
  readonly isDoubtful?: boolean;
}

export interface RemovalWords {
  /** Where they are gone from, such as `the tree`. */
  readonly from: string;
  readonly consequence: string;
  /** What is to be run where it was on purpose. */
  readonly again: string;
}

/** @throws HkfsError TOO_MANY_REMOVED; it has to be asked before anything is changed */
export async function guardMassRemoval(
  { removed, total, isDoubtful = false }: Removal,
  { from, consequence, again }: RemovalWords,
  confirm: ((plan: string) => Promise<boolean>) | undefined,
): Promise<void> {
  if (removed * 2 <= total && !(isDoubtful && removed > 0)) return;
  const finding = `${removed} of ${total} entries are gone from ${from}`;
  if (await confirm?.(`${finding}; ${consequence}`)) return;
  throw new HkfsError('TOO_MANY_REMOVED', finding, {
    hint: `nothing was changed; if they were removed on purpose: ${again}`,
  });
}
