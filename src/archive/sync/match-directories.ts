/** Which found directory is which missing one: the one to which most of its contents went. */
import type { Differences, DirectoryRef, Found, Missing } from './differences.js';

interface Pair {
  readonly from: number;
  readonly to: DirectoryRef;
  /** Of the files right in it, and of all below it. */
  own: number;
  all: number;
}

interface Size {
  own: number;
  all: number;
}

/**
 * Each file that was found again votes for its directories, and each pair of directories that agree
 * votes for those above. A directory moved when more than half of its files, of those right in it or of
 * all below it, went to one place.
 */
export function matchDirectories<M extends Missing, F extends Found>(
  differences: Differences<M, F>,
  files: ReadonlyMap<F, M>,
): Map<DirectoryRef, number> {
  const missing = directoriesOf(differences.missing, ({ directoryId }) => directoryId);
  const found = directoriesOf(differences.found, ({ ref }) => ref);
  const sizes = countFiles(differences.missing, missing);
  const votes = new Votes();
  for (const [there, entry] of files) vote(votes, entry, there, { missing, found });
  const ids = new Map<DirectoryRef, number>();
  const taken = new Set<number>();
  for (const { from, to, own, all } of votes.byCount()) {
    const size = sizes.get(from)!;
    if (taken.has(from) || ids.has(to) || (own * 2 <= size.own && all * 2 <= size.all)) continue;
    taken.add(from);
    ids.set(to, from);
  }
  matchByName(differences, ids, taken);
  return ids;
}

/** Upwards as long as both sides are directories that are not where they were. */
function vote<M extends Missing, F extends Found>(
  votes: Votes,
  entry: M,
  there: F,
  directories: { missing: Map<number, M>; found: Map<DirectoryRef, F> },
): void {
  let from = directories.missing.get(entry.parent);
  let to = directories.found.get(there.parent);
  for (let isOwn = true; from !== undefined && to !== undefined; isOwn = false) {
    votes.add(from.directoryId!, to.ref!, isOwn);
    // Above, only what kept its name below speaks for the pair.
    if (from.name !== to.name) return;
    from = directories.missing.get(from.parent);
    to = directories.found.get(to.parent);
  }
}

/** In a directory that moved or stayed, one of the same name is the same, whatever became of its contents. */
function matchByName(differences: Differences, ids: Map<DirectoryRef, number>, taken: Set<number>): void {
  const missing = new Map<string, number>();
  for (const { directoryId, parent, name } of differences.missing)
    if (directoryId !== null) missing.set(`${parent}/${name}`, directoryId);
  // A found directory comes after the one that holds it.
  for (const { ref, parent, name } of differences.found) {
    if (ref === null || ids.has(ref)) continue;
    const id = missing.get(`${ids.get(parent) ?? parent}/${name}`);
    if (id === undefined || taken.has(id)) continue;
    taken.add(id);
    ids.set(ref, id);
  }
}

class Votes {
  private readonly pairs = new Map<string, Pair>();

  add(from: number, to: DirectoryRef, isOwn: boolean): void {
    const key = `${from}:${to}`;
    const pair = this.pairs.get(key) ?? { from, to, own: 0, all: 0 };
    pair.all += 1;
    if (isOwn) pair.own += 1;
    this.pairs.set(key, pair);
  }

  byCount(): Pair[] {
    return [...this.pairs.values()].sort((a, b) => b.all - a.all || a.from - b.from || b.to - a.to);
  }
}

function directoriesOf<T>(all: readonly T[], idOf: (one: T) => number | null): Map<number, T> {
  const directories = new Map<number, T>();
  for (const one of all) {
    const id = idOf(one);
    if (id !== null) directories.set(id, one);
  }
  return directories;
}

/** Files with contents below each missing directory. */
function countFiles<M extends Missing>(
  all: readonly M[],
  directories: ReadonlyMap<number, M>,
): Map<number, Size> {
  const counts = new Map<number, Size>([...directories.keys()].map((id) => [id, { own: 0, all: 0 }]));
  for (const entry of all) {
    if (entry.key === null || entry.kind !== 'file') continue;
    for (let at = directories.get(entry.parent); at !== undefined; at = directories.get(at.parent))
      counts.get(at.directoryId!)!.all += 1;
    const own = counts.get(entry.parent);
    if (own) own.own += 1;
  }
  return counts;
}
