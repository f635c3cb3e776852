/**
 * What the tree lacks because the file system refused it is nobody's removal. Such entries, and the
 * directories that they are in, stay as they are recorded; what stands at their places is left alone.
 */
import type { Failure } from '../api.js';
import { textOfPlace, type Refusal, type RefusedNames } from '../refused-names.js';
import type { Differences, Plan } from './differences.js';
import type { FoundEntry, MissingEntry } from './nodes.js';

type Lists = Differences<MissingEntry, FoundEntry>;

/** @param plan is asked again where something is held */
export async function planWithoutHeld(
  refused: RefusedNames,
  lists: Lists,
  plan: (lists: Lists) => Plan<MissingEntry, FoundEntry>,
): Promise<{ lists: Lists; plan: Plan<MissingEntry, FoundEntry>; failed: Failure[] }> {
  const failed: Failure[] = [];
  const refusals = await refusalsOf(refused, lists);
  for (let rest = lists; ;) {
    const planned = plan(rest);
    const held = heldOf(rest, new Set(planned.matched.values()), refusals);
    if (held.size === 0) return { lists: rest, plan: planned, failed };
    for (const entry of held) {
      const code = refusals.get(entry)?.code;
      if (code !== undefined) failed.push({ path: entry.path, code, message: HELD });
    }
    rest = without(rest, held);
  }
}

const HELD =
  'it could not be put into the tree, so its absence is no removal: every command that writes tries it ' +
  'again; `hkfs rm` takes it out of the archive';

/** A person's own file that was in the way takes the place of what could not be put there. */
async function refusalsOf(
  refused: RefusedNames,
  { missing, found }: Lists,
): Promise<ReadonlyMap<MissingEntry, Refusal>> {
  const refusals = new Map<MissingEntry, Refusal>();
  if (await refused.isEmpty()) return refusals;
  const places = new Set(found.map(textOfPlace));
  for (const [index, refusal] of (await refused.look(missing)).entries()) {
    const entry = missing[index]!;
    if (refusal === undefined || (refusal.code === 'ECONFLICT' && places.has(textOfPlace(entry)))) continue;
    refusals.set(entry, refusal);
  }
  return refusals;
}

function heldOf(
  { missing }: Lists,
  matched: ReadonlySet<MissingEntry>,
  refusals: ReadonlyMap<MissingEntry, Refusal>,
): Set<MissingEntry> {
  const held = new Set<MissingEntry>();
  if (refusals.size === 0) return held;
  const directories = new Map(missing.map((entry) => [entry.directoryId, entry]));
  for (const entry of missing) {
    if (!refusals.has(entry) || matched.has(entry)) continue;
    for (let at: MissingEntry | undefined = entry; at && !matched.has(at); at = directories.get(at.parent))
      held.add(at);
  }
  return held;
}

function without({ missing, found }: Lists, held: ReadonlySet<MissingEntry>): Lists {
  const places = new Set([...held].map(textOfPlace));
  const below = new Set<number>();
  const left: FoundEntry[] = [];
  // A found directory comes before what is in it.
  for (const one of found) {
    if (!places.has(textOfPlace(one)) && !below.has(one.parent)) left.push(one);
    else if (one.ref !== null) below.add(one.ref);
  }
  return { missing: missing.filter((entry) => !held.has(entry)), found: left };
}
