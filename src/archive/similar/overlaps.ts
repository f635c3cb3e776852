/**
 * Which directories hold how much of given contents: pure functions over numbers. Contents are numbered
 * with the rarer first, directories so that what is below one follows it. A directory can only reach
 * the least containment when it has one of the rarer contents, so only their places are followed; of
 * the common ones it is asked whether the directories found so far have them.
 */

export interface Holdings {
  /** By directory: the one above (-1 for the root), and the last at or below it. */
  readonly above: Int32Array;
  readonly last: Int32Array;
  /** By content: its files' directories are `places[starts[c]]` to before `places[starts[c + 1]]`, sorted. */
  readonly starts: Int32Array;
  readonly places: Int32Array;
  readonly sizes: Float64Array;
}

/** What is looked for. */
export interface Wanted {
  /** Each once, rarer first. */
  readonly contents: Int32Array;
  /** By index in `contents`: how many files have it. */
  readonly counts: Int32Array;
  /** The directory whose files these are: it, and what is above and below, is no answer. -1: none. */
  readonly directory: number;
  /** Of all that is looked for, contents among them that the holdings do not have. */
  readonly bytes: number;
}

export interface Overlap {
  readonly directory: number;
  /** Files that are wanted and whose content is at or below the directory. */
  readonly bytes: number;
  readonly files: number;
  /** Files at or below the directory whose content is wanted. */
  readonly reverseBytes: number;
  readonly reverseFiles: number;
}

/** Rounding must not lose a directory that holds exactly the least. */
const SLACK = 1 - 1e-9;
/** A place costs a climb of some directories, a question a search among places. */
const PLACES_PER_QUESTION = 2;

export class Overlaps {
  private readonly holdings: Holdings;
  private readonly bytes: Float64Array;
  private readonly files: Int32Array;
  /** By directory: the search, and the content, that saw it last. */
  private readonly search: Int32Array;
  private readonly seen: Float64Array;
  private searches = 0;
  private steps = 0;
  private found: number[] = [];

  constructor(holdings: Holdings) {
    const directories = holdings.above.length;
    this.holdings = holdings;
    this.bytes = new Float64Array(directories);
    this.files = new Int32Array(directories);
    this.search = new Int32Array(directories);
    this.seen = new Float64Array(directories);
  }

  /** Directories with at least `min` of the wanted bytes, and no directory in them with as much. */
  find(wanted: Wanted, min: number): Overlap[] {
    const elsewhere = this.elsewhere(wanted);
    const need = min * wanted.bytes;
    let left = elsewhere.reduce((sum, index) => sum + this.weight(wanted, index), 0);
    this.searches += 1;
    this.found = [];
    if (left < need * SLACK || wanted.bytes === 0) return [];
    for (const index of elsewhere) {
      const mayBegin = left >= need * SLACK;
      if (mayBegin) this.follow(wanted, index, true);
      else if (this.placesOf(wanted.contents[index]!) > this.found.length * PLACES_PER_QUESTION)
        this.ask(wanted, index, need - left);
      else this.follow(wanted, index, false);
      left -= this.weight(wanted, index);
    }
    const reached = this.found.filter((directory) => this.bytes[directory]! / wanted.bytes >= min);
    return this.tightest(reached).map((directory) => this.overlap(wanted, elsewhere, directory));
  }

  /** Indexes of wanted contents that are also outside of the wanted directory. */
  private elsewhere(wanted: Wanted): number[] {
    const indexes: number[] = [];
    const isInside = wanted.directory >= 0;
    for (const [index, content] of wanted.contents.entries())
      if (this.placesOf(content) > (isInside ? wanted.counts[index]! : 0)) indexes.push(index);
    return indexes;
  }

  private weight(wanted: Wanted, index: number): number {
    return wanted.counts[index]! * this.holdings.sizes[wanted.contents[index]!]!;
  }

  private placesOf(content: number): number {
    return this.holdings.starts[content + 1]! - this.holdings.starts[content]!;
  }

  /** Adds a content to every directory that has it. @param begins also to such as were not found before */
  private follow(wanted: Wanted, index: number, begins: boolean): void {
    const { starts, places, above, last } = this.holdings;
    const content = wanted.contents[index]!;
    const { directory } = wanted;
    const end = directory < 0 ? -1 : last[directory]!;
    this.steps += 1;
    for (let place = starts[content]!; place < starts[content + 1]!; place += 1) {
      const from = places[place]!;
      if (from >= directory && from <= end) continue;
      for (let at = from; at >= 0 && this.seen[at] !== this.steps; at = above[at]!) {
        // What is above the wanted directory has all of it anyway.
        if (at <= directory && directory <= last[at]!) break;
        this.seen[at] = this.steps;
        if (this.search[at] !== this.searches && !begins) continue;
        this.add(at, wanted, index);
      }
    }
  }

  /** Asks every directory found so far, and forgets those that cannot reach `least` any more. */
  private ask(wanted: Wanted, index: number, least: number): void {
    const content = wanted.contents[index]!;
    const kept: number[] = [];
    for (const directory of this.found) {
      if (this.bytes[directory]! < least * SLACK) {
        this.search[directory] = 0;
        continue;
      }
      if (countIn(this.holdings, directory, content) > 0) this.add(directory, wanted, index);
      kept.push(directory);
    }
    this.found = kept;
  }

  private add(directory: number, wanted: Wanted, index: number): void {
    if (this.search[directory] !== this.searches) {
      this.search[directory] = this.searches;
      this.bytes[directory] = 0;
      this.files[directory] = 0;
      this.found.push(directory);
    }
    this.bytes[directory] = this.bytes[directory]! + this.weight(wanted, index);
    this.files[directory] = this.files[directory]! + wanted.counts[index]!;
  }

  private tightest(directories: readonly number[]): number[] {
    const loose = new Set<number>();
    for (const directory of directories) {
      const above = this.holdings.above[directory]!;
      if (above < 0 || this.search[above] !== this.searches) continue;
      if (this.bytes[above] === this.bytes[directory]) loose.add(above);
    }
    return loose.size === 0 ? [...directories] : directories.filter((directory) => !loose.has(directory));
  }

  private overlap(wanted: Wanted, elsewhere: readonly number[], directory: number): Overlap {
    let reverseBytes = 0;
    let reverseFiles = 0;
    for (const index of elsewhere) {
      const content = wanted.contents[index]!;
      const files = countIn(this.holdings, directory, content);
      reverseFiles += files;
      reverseBytes += files * this.holdings.sizes[content]!;
    }
    const [bytes, files] = [this.bytes[directory]!, this.files[directory]!];
    return { directory, bytes, files, reverseBytes, reverseFiles };
  }
}

/** Files at or below the directory with the content. */
export function countIn(holdings: Holdings, directory: number, content: number): number {
  const from = firstPlace(holdings, content, directory);
  return firstPlace(holdings, content, holdings.last[directory]! + 1) - from;
}

/** The first place of a content whose directory is not before this one. */
function firstPlace({ starts, places }: Holdings, content: number, directory: number): number {
  let low = starts[content]!;
  let high = starts[content + 1]!;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]! < directory) low = middle + 1;
    else high = middle;
  }
  return low;
}
