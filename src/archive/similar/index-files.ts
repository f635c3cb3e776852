/** Files by directory and by content, made from a list of both: pure functions over numbers. */
import { lastBelow } from '../../projections/census.js';
import type { Holdings } from './overlaps.js';

export interface NumberedFiles {
  /** By directory number: the one above; -1 for the root, which is number 0. */
  readonly above: Int32Array;
  /** By file, sorted by directory. */
  readonly fileDirectory: Int32Array;
  readonly fileContent: Int32Array;
  readonly sizes: Float64Array;
}

/** Sums over a directory and all below it. */
export interface Totals {
  readonly files: Float64Array;
  readonly bytes: Float64Array;
}

export interface IndexedFiles {
  readonly holdings: Holdings;
  /** By file: its content's number in the holdings, where the rarer come first. */
  readonly contents: Int32Array;
  /** By directory: its first file; what is below it follows. */
  readonly firstFile: Int32Array;
  readonly totals: Totals;
  /** Given content number → number in the holdings. */
  readonly ranks: Int32Array;
}

export function indexFiles(files: NumberedFiles): IndexedFiles {
  const ranks = ranksByRarity(files);
  const contents = files.fileContent.map((content) => ranks[content]!);
  const sizes = new Float64Array(files.sizes.length);
  for (const [content, size] of files.sizes.entries()) sizes[ranks[content]!] = size;
  const { starts, order } = bucket(contents, sizes.length);
  const places = order.map((file) => files.fileDirectory[file]!);
  const holdings = { above: files.above, last: lastBelow(files.above), starts, places, sizes };
  const firstFile = bucket(files.fileDirectory, files.above.length).starts;
  return { holdings, contents, firstFile, totals: totalsOf(files), ranks };
}

/** Contents by the number of their files, the fewest first. */
function ranksByRarity({ fileContent, sizes }: NumberedFiles): Int32Array {
  const counts = new Int32Array(sizes.length);
  for (const content of fileContent) counts[content] = counts[content]! + 1;
  const order = Array.from(counts.keys()).sort((a, b) => counts[a]! - counts[b]!);
  const ranks = new Int32Array(sizes.length);
  for (const [rank, content] of order.entries()) ranks[content] = rank;
  return ranks;
}

/** Indexes by their key, in order; those of key k begin at `starts[k]`. */
function bucket(keys: Int32Array, count: number): { starts: Int32Array; order: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const key of keys) starts[key + 1] = starts[key + 1]! + 1;
  for (let key = 0; key < count; key += 1) starts[key + 1] = starts[key + 1]! + starts[key]!;
  const next = starts.slice();
  const order = new Int32Array(keys.length);
  for (const [index, key] of keys.entries()) {
    order[next[key]!] = index;
    next[key] = next[key]! + 1;
  }
  return { starts, order };
}

function totalsOf({ above, fileDirectory, fileContent, sizes }: NumberedFiles): Totals {
  const files = new Float64Array(above.length);
  const bytes = new Float64Array(above.length);
  for (const [file, directory] of fileDirectory.entries()) {
    files[directory] = files[directory]! + 1;
    bytes[directory] = bytes[directory]! + sizes[fileContent[file]!]!;
  }
  for (let directory = above.length - 1; directory > 0; directory -= 1) {
    const parent = above[directory]!;
    files[parent] = files[parent]! + files[directory]!;
    bytes[parent] = bytes[parent]! + bytes[directory]!;
  }
  return { files, bytes };
}

export interface Tally {
  readonly contents: Int32Array;
  readonly counts: Int32Array;
}

/** Each content once with its files, for many directories after each other. */
export class Tallies {
  private readonly index: IndexedFiles;
  private readonly counts: Int32Array;

  constructor(index: IndexedFiles) {
    this.index = index;
    this.counts = new Int32Array(index.holdings.sizes.length);
  }

  /** Of all files at or below a directory, the rarer contents first. */
  below(directory: number): Tally {
    const { firstFile, holdings, contents } = this.index;
    const from = firstFile[directory]!;
    const to = firstFile[holdings.last[directory]! + 1]!;
    const found: number[] = [];
    for (let file = from; file < to; file += 1) {
      const content = contents[file]!;
      if (this.counts[content] === 0) found.push(content);
      this.counts[content] = this.counts[content]! + 1;
    }
    const distinct = Int32Array.from(found).sort();
    const counts = distinct.map((content) => this.counts[content]!);
    for (const content of distinct) this.counts[content] = 0;
    return { contents: distinct, counts };
  }
}
