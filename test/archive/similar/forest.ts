/** Random directories with files of few contents, and what adding up says about them. */
import fc from 'fast-check';
import type { NumberedFiles } from '../../../src/archive/similar/index-files.js';

export interface TwinFile {
  readonly directory: string;
  readonly content: number;
}

export interface Forest {
  readonly files: readonly TwinFile[];
  readonly sizes: readonly number[];
}

const part = fc.constantFrom('a', 'b', 'c');
const directory = fc.array(part, { maxLength: 4 }).map((parts) => parts.join('/'));

export const CONTENTS = 8;
export const forest: fc.Arbitrary<Forest> = fc.record({
  files: fc.array(fc.record({ directory, content: fc.nat(CONTENTS - 1) }), { maxLength: 40, size: 'max' }),
  sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: CONTENTS, maxLength: CONTENTS }),
});

/** Every directory with what is above it, in an order in which what is below one follows it. */
export function directoriesOf({ files }: Forest): string[] {
  const all = new Set(['']);
  for (const { directory } of files) for (let at = directory; at !== ''; at = parentOf(at)) all.add(at);
  return [...all].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1));
}

export function numbered(forest: Forest): NumberedFiles {
  const directories = directoriesOf(forest);
  const number = new Map(directories.map((path, index) => [path, index]));
  const files = forest.files
    .map(({ directory, content }) => [number.get(directory)!, content] as const)
    .sort(([a], [b]) => a - b);
  return {
    above: Int32Array.from(directories, (path) => (path === '' ? -1 : number.get(parentOf(path))!)),
    fileDirectory: Int32Array.from(files, ([directory]) => directory),
    fileContent: Int32Array.from(files, ([, content]) => content),
    sizes: Float64Array.from(forest.sizes),
  };
}

export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

export function isAtOrBelow(path: string, start: string): boolean {
  return start === '' || path === start || path.startsWith(`${start}/`);
}

export function areRelated(a: string, b: string): boolean {
  return isAtOrBelow(a, b) || isAtOrBelow(b, a);
}

export interface TwinOverlap {
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
  readonly reverseBytes: number;
  readonly reverseFiles: number;
}

/** What each of the directories that may answer has of the contents; nothing where it has none. */
export function overlapsOf(
  forest: Forest,
  wanted: readonly number[],
  mayAnswer: (path: string) => boolean,
): TwinOverlap[] {
  return directoriesOf(forest)
    .filter(mayAnswer)
    .map((path) => {
      const held = below(forest, path).map(({ content }) => content);
      const shared = wanted.filter((content) => held.includes(content));
      const back = held.filter((content) => wanted.includes(content));
      const bytes = bytesOf(forest, shared);
      return {
        path,
        bytes,
        files: shared.length,
        reverseBytes: bytesOf(forest, back),
        reverseFiles: back.length,
      };
    })
    .filter(({ files }) => files > 0);
}

/** Enough, and no directory in it with as much. */
export function tightest(overlaps: readonly TwinOverlap[], total: number, min: number): TwinOverlap[] {
  return overlaps.filter(
    ({ path, bytes }) =>
      bytes / total >= min &&
      !overlaps.some(
        (other) => other.path !== path && parentOf(other.path) === path && other.bytes === bytes,
      ),
  );
}

export function below(forest: Forest, path: string): TwinFile[] {
  return forest.files.filter(({ directory }) => isAtOrBelow(directory, path));
}

export function bytesOf(forest: Forest, contents: readonly number[]): number {
  return contents.reduce((sum, content) => sum + forest.sizes[content]!, 0);
}
