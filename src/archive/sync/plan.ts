/**
 * From what differs to what happened: a pure function. What is gone here and is found there was renamed;
 * what is left on the one side was removed, on the other added.
 */
import type { Differences, DirectoryRef, Found, Missing, Plan } from './differences.js';
import { matchDirectories } from './match-directories.js';
import { orderSteps } from './order-steps.js';

/** @param taken names at the root that no temporary name may have */
export function planSync<M extends Missing, F extends Found>(
  differences: Differences<M, F>,
  taken: (name: string) => boolean = () => false,
): Plan<M, F> {
  const guess = matchByKey(differences.missing, differences.found, new Map());
  const ids = matchDirectories(differences, guess);
  const matched = new Map<F, M>();
  const directories = new Map<number, M>();
  for (const entry of differences.missing)
    if (entry.directoryId !== null) directories.set(entry.directoryId, entry);
  for (const found of differences.found) {
    const id = found.ref === null ? undefined : ids.get(found.ref);
    if (id !== undefined) matched.set(found, directories.get(id)!);
  }
  for (const [found, entry] of matchInPlace(differences, ids)) matched.set(found, entry);
  const left = leftOf(differences, matched);
  for (const [found, entry] of matchByKey(left.missing, left.found, ids)) matched.set(found, entry);
  return { steps: orderSteps({ differences, matched, ids, taken }), matched, ids };
}

/** In a directory that moved as a whole: the same thing under the same name. */
function matchInPlace<M extends Missing, F extends Found>(
  { missing, found }: Differences<M, F>,
  ids: ReadonlyMap<DirectoryRef, number>,
): Map<F, M> {
  const entries = new Map(missing.map((entry) => [`${entry.parent}/${entry.name}`, entry]));
  const matched = new Map<F, M>();
  for (const one of found) {
    if (one.ref !== null || one.key === null) continue;
    const entry = entries.get(`${ids.get(one.parent) ?? one.parent}/${one.name}`);
    if (entry?.key === one.key) matched.set(one, entry);
  }
  return matched;
}

/** Of several that could be meant: one that kept its place in a moved directory, one of this name, the first. */
function matchByKey<M extends Missing, F extends Found>(
  missing: readonly M[],
  found: readonly F[],
  ids: ReadonlyMap<DirectoryRef, number>,
): Map<F, M> {
  const matched = new Map<F, M>();
  const used = new Set<M>();
  const take = (textOf: (one: M | F) => string): void => {
    const candidates = new Map<string, M[]>();
    for (const entry of missing.toReversed())
      if (entry.key !== null && !used.has(entry)) into(candidates, textOf(entry), entry);
    for (const one of found) {
      if (one.key === null || matched.has(one)) continue;
      const entry = candidates.get(textOf(one))?.pop();
      if (entry === undefined) continue;
      matched.set(one, entry);
      used.add(entry);
    }
  };
  take(({ key, parent, name }) => `${key}/${ids.get(parent) ?? parent}/${name}`);
  take(({ key, name }) => `${key}/${name}`);
  take(({ key }) => key!);
  return matched;
}

function leftOf<M extends Missing, F extends Found>(
  { missing, found }: Differences<M, F>,
  matched: ReadonlyMap<F, M>,
): Differences<M, F> {
  const entries = new Set(matched.values());
  return {
    missing: missing.filter((entry) => !entries.has(entry)),
    found: found.filter((one) => !matched.has(one)),
  };
}

function into<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
