import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { indexFiles, Tallies } from '../../../src/archive/similar/index-files.js';
import { Overlaps, type Overlap } from '../../../src/archive/similar/overlaps.js';
import { findPairs } from '../../../src/archive/similar/pairs.js';
import { runs } from '../../projections/property.js';
import {
  areRelated,
  below,
  bytesOf,
  CONTENTS,
  directoriesOf,
  forest,
  isAtOrBelow,
  numbered,
  overlapsOf,
  parentOf,
  tightest,
  type Forest,
  type TwinOverlap,
} from './forest.js';

const min = fc.constantFrom(0, 0.1, 0.25, 0.5, 0.75, 1);

function named(directories: readonly string[], overlaps: readonly Overlap[]): Set<TwinOverlap> {
  return new Set(
    overlaps.map(({ directory, bytes, files, reverseBytes, reverseFiles }) => ({
      path: directories[directory]!,
      ...{ bytes, files, reverseBytes, reverseFiles },
    })),
  );
}

describe('the directories that hold much of others', () => {
  test('of any directory are those that comparing all with it gives', () => {
    fc.assert(
      fc.property(forest, min, (given, min) => {
        const directories = directoriesOf(given);
        const index = indexFiles(numbered(given));
        const [overlaps, tallies] = [new Overlaps(index.holdings), new Tallies(index)];
        for (const [directory, path] of directories.entries()) {
          const wanted = { ...tallies.below(directory), directory, bytes: index.totals.bytes[directory]! };
          const contents = below(given, path).map(({ content }) => content);
          expect(wanted.bytes).toBe(bytesOf(given, contents));
          expect(index.totals.files[directory]).toBe(contents.length);
          const expected = overlapsOf(given, contents, (other) => !areRelated(path, other));
          expect(named(directories, overlaps.find(wanted, min))).toEqual(
            new Set(tightest(expected, wanted.bytes, min)),
          );
        }
      }),
      runs(150),
    );
  });

  test('of contents from outside are those that comparing all with them gives', () => {
    const files = fc.array(fc.nat(CONTENTS + 1), { maxLength: 12 });
    fc.assert(
      fc.property(forest, files, min, (given, outside, min) => {
        const directories = directoriesOf(given);
        const index = indexFiles(numbered(given));
        // Two contents are not in the archive at all.
        const bytes = outside.reduce((sum, content) => sum + (given.sizes[content] ?? 7), 0);
        const known = outside.filter((content) => content < CONTENTS);
        const ranks = [...new Set(known)].map((content) => index.ranks[content]!).sort((a, b) => a - b);
        const counts = ranks.map((rank) => known.filter((content) => index.ranks[content] === rank).length);
        const wanted = {
          contents: Int32Array.from(ranks),
          counts: Int32Array.from(counts),
          ...{ directory: -1, bytes },
        };
        const expected = overlapsOf(given, known, () => true);
        expect(named(directories, new Overlaps(index.holdings).find(wanted, min))).toEqual(
          new Set(tightest(expected, bytes, min)),
        );
      }),
      runs(300),
    );
  });
});

interface TwinPair extends TwinOverlap {
  readonly of: string;
  readonly containment: number;
}

/** All pairs, by comparing all with all. */
function pairsOf(forest: Forest, min: number): TwinPair[] {
  const directories = directoriesOf(forest).slice(1);
  const isInnermost = (path: string): boolean =>
    !directories.some(
      (other) => parentOf(other) === path && below(forest, other).length === below(forest, path).length,
    );
  const all = directories.filter(isInnermost).flatMap((of) => {
    const contents = below(forest, of).map(({ content }) => content);
    const total = bytesOf(forest, contents);
    const overlaps = overlapsOf(forest, contents, (other) => !areRelated(of, other));
    return tightest(overlaps, total, min).map((each) => ({ of, containment: each.bytes / total, ...each }));
  });
  const isCovered = (pair: TwinPair): boolean =>
    all.some(
      (wider) =>
        wider.of !== pair.of &&
        isAtOrBelow(pair.of, wider.of) &&
        isAtOrBelow(pair.path, wider.path) &&
        wider.containment >= pair.containment,
    );
  const maximal = all.filter((pair) => !isCovered(pair));
  const isWorse = (pair: TwinPair, other: TwinPair): boolean =>
    other.of === pair.path &&
    other.path === pair.of &&
    (other.containment > pair.containment ||
      (other.containment === pair.containment &&
        directories.indexOf(other.of) < directories.indexOf(pair.of)));
  return maximal.filter((pair) => !maximal.some((other) => isWorse(pair, other)));
}

describe('all pairs of directories', () => {
  test('of which one holds much of the other are those that comparing all with all gives', () => {
    fc.assert(
      fc.property(forest, min, (given, min) => {
        const directories = directoriesOf(given);
        const found = findPairs(indexFiles(numbered(given)), min).map((pair): TwinPair => {
          const { of, directory, ...rest } = pair;
          return { ...rest, of: directories[of]!, path: directories[directory]! };
        });
        expect(new Set(found)).toEqual(new Set(pairsOf(given, min)));
      }),
      runs(150),
    );
  });
});
