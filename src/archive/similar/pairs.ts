/**
 * All pairs of directories of which one holds much of the other: pure. Neither is in the other; of
 * directories that have the same files only the innermost counts; and what follows from a pair of
 * directories above is not said again.
 */
import { Tallies, type IndexedFiles } from './index-files.js';
import { Overlaps, type Overlap } from './overlaps.js';

export interface Pair extends Overlap {
  /** The directory whose files are found again in `directory`. */
  readonly of: number;
  /** The part of its bytes. */
  readonly containment: number;
}

export function findPairs(index: IndexedFiles, min: number): Pair[] {
  const all = allPairs(index, min);
  const known = new Map(all.map((pair) => [keyOf(pair.of, pair.directory, index), pair]));
  const maximal = all.filter((pair) => !isCovered(pair, known, index));
  const left = new Map(maximal.map((pair) => [keyOf(pair.of, pair.directory, index), pair]));
  return maximal.filter((pair) => isBetterWay(pair, left.get(keyOf(pair.directory, pair.of, index))));
}

function allPairs(index: IndexedFiles, min: number): Pair[] {
  const { totals, holdings } = index;
  const tallies = new Tallies(index);
  const overlaps = new Overlaps(holdings);
  const innermost = withoutTheSameBelow(index);
  const pairs: Pair[] = [];
  for (let of = 1; of < holdings.above.length; of += 1) {
    const bytes = totals.bytes[of]!;
    if (bytes === 0 || !innermost[of]) continue;
    const wanted = { ...tallies.below(of), directory: of, bytes };
    for (const overlap of overlaps.find(wanted, min))
      pairs.push({ ...overlap, of, containment: overlap.bytes / bytes });
  }
  return pairs;
}

/** By directory: 1 where no directory in it has all its files. */
function withoutTheSameBelow({ holdings, totals }: IndexedFiles): Uint8Array {
  const innermost = new Uint8Array(holdings.above.length).fill(1);
  for (const [directory, above] of holdings.above.entries())
    if (above >= 0 && totals.files[above] === totals.files[directory]) innermost[above] = 0;
  return innermost;
}

/** One of a directory above the first, with one at or above the second, says at least as much. */
function isCovered(pair: Pair, known: ReadonlyMap<number, Pair>, index: IndexedFiles): boolean {
  const { above } = index.holdings;
  for (let of = above[pair.of]!; of > 0; of = above[of]!)
    for (let other = pair.directory; other > 0; other = above[other]!) {
      const wider = known.get(keyOf(of, other, index));
      if (wider !== undefined && wider.containment >= pair.containment) return true;
    }
  return false;
}

/** Where each holds the other, the way that says more is told. */
function isBetterWay(pair: Pair, mirrored: Pair | undefined): boolean {
  if (mirrored === undefined || pair.containment > mirrored.containment) return true;
  return pair.containment === mirrored.containment && pair.of < pair.directory;
}

function keyOf(of: number, other: number, { holdings }: IndexedFiles): number {
  return of * holdings.above.length + other;
}
