/**
 * What is different between two moments. The events between them say which places to look at, so that the
 * cost follows their number and not the size of the archive.
 */
import { HkfsError } from '../../errors.js';
import type { DirectoryId, Place, Position } from '../../events/types.js';
import { compareNames, isAtOrBelow } from '../../fs/names.js';
import { together } from '../../fs/together.js';
import type { Entry, NamedEntry, Namespace } from '../../projections/namespace.js';
import type { DiffRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { compare, hashOf, placeKey, type Difference, type Seen } from './compare.js';
import { hintOfPast } from './past-paths.js';
import { TouchedPlaces, type TouchedPlace } from './touched.js';

export interface DiffMoments {
  /** May be later than `to`: then it is told what undoing would do. */
  readonly from: Position;
  readonly to: Position;
}

/**
 * Rows in order of their paths.
 * @param path only what is at or below this path, or below the directory that has it, at one of the moments
 * @throws HkfsError NOT_FOUND for a path that is there at neither
 */
export async function* diff(
  archive: OpenArchive,
  moments: DiffMoments,
  path: string,
): AsyncGenerator<DiffRow> {
  const scope = await scopeOf(archive, moments, path);
  const { from, to } = moments;
  const earlier = { from: Math.min(from, to), to: Math.max(from, to) };
  const gatherer = new Gatherer(archive, await TouchedPlaces.between(archive, earlier), earlier);
  const { before, after } = await gatherer.gather();
  const differences = from <= to ? compare(before, after) : compare(after, before);
  const rows = differences.filter((difference) => concerns(difference, scope)).map(toRow);
  yield* rows.sort(byPathAndChange);
}

/** What is asked for: paths at or below which something was, or is. */
interface Scope {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** The path at both moments, and where what is there at the one was or is at the other. */
async function scopeOf(archive: OpenArchive, { from, to }: DiffMoments, path: string): Promise<Scope> {
  const [first, second] = [archive.namespace(from), archive.namespace(to)];
  const [was, is] = [await first.resolve(path), await second.resolve(path)];
  if (was === undefined && is === undefined) throw await atNeither(archive, path, to);
  return {
    before: [path, ...(await otherPath(is, first))],
    after: [path, ...(await otherPath(was, second))],
  };
}

/** Of a directory, which is the same wherever it hangs. */
async function otherPath(entry: Entry | undefined, there: Namespace): Promise<string[]> {
  const id = entry?.directoryId ?? null;
  const path = id === null || id > there.at ? null : await there.pathOf(id);
  return path === null ? [] : [path];
}

async function atNeither(archive: OpenArchive, path: string, at: Position): Promise<HkfsError> {
  const hint = await hintOfPast(archive, path, at);
  return new HkfsError('NOT_FOUND', `there is no ${JSON.stringify(path)} at either moment`, {
    hint: hint ?? "paths are written from the archive's root; see `hkfs ls`",
  });
}

/** Searches under way at once: LevelDB answers on four threads. */
const SEARCHES = 256;
/** Touched places of one directory from which on it may be listed instead. */
const MANY = 16;
/** So many entries are listed in the time of one search. */
const ENTRIES_A_SEARCH = 30;

/** Collects what stood at the touched places at both moments, and what came or went with directories. */
class Gatherer {
  private readonly touched: TouchedPlaces;
  private readonly before: Side;
  private readonly after: Side;

  constructor(archive: OpenArchive, touched: TouchedPlaces, moments: DiffMoments) {
    this.touched = touched;
    this.before = new Side(archive.namespace(moments.from), (place) => touched.identityBefore(place));
    this.after = new Side(archive.namespace(moments.to), (place) => touched.identityAfter(place));
  }

  async gather(): Promise<{ before: Seen[]; after: Seen[] }> {
    for (const [parent, places] of this.touched.byDirectory()) {
      await this.after.lookUp(parent, places);
      await this.before.search(parent, places);
    }
    await this.before.addBelow(this.after);
    await this.after.addBelow(this.before);
    return { before: this.before.all(), after: this.after.all() };
  }
}

/** One of the two moments. */
class Side {
  private readonly namespace: Namespace;
  private readonly identity: (place: Place) => string;
  private readonly seen = new Map<string, Seen & NamedEntry>();

  constructor(namespace: Namespace, identity: (place: Place) => string) {
    this.namespace = namespace;
    this.identity = identity;
  }

  all(): (Seen & NamedEntry)[] {
    return [...this.seen.values()];
  }

  /** What the last events that spoke of the places put there. */
  async lookUp(parent: DirectoryId, places: readonly TouchedPlace[]): Promise<void> {
    const above = await this.pathOf(parent);
    if (above === null) return;
    for (const { place, last } of places) this.put(above, this.namespace.entryFrom(place, last));
  }

  /** What stood at the places: one search for each, or one listing where they are many. */
  async search(parent: DirectoryId, places: readonly TouchedPlace[]): Promise<void> {
    const above = await this.pathOf(parent);
    if (above === null) return;
    const left = new Map(places.map(({ place }) => [place.name, place]));
    if (places.length >= MANY && (await this.pick(parent, { above, left }))) return;
    for (const chunk of chunks(left.values())) {
      const entries = await together(chunk.map((place) => this.namespace.entryAt(place)));
      for (const entry of entries) this.put(above, entry);
    }
  }

  /** Finds places in a listing of their directory, unless that is much longer. @returns whether all were decided */
  private async pick(
    parent: DirectoryId,
    { above, left }: { above: string; left: Map<string, Place> },
  ): Promise<boolean> {
    let patience = left.size * ENTRIES_A_SEARCH;
    for await (const entries of this.namespace.list(parent)) {
      for (const entry of entries) if (left.delete(entry.name)) this.put(above, entry);
      patience -= entries.length;
      if (left.size === 0 || patience < 0) return left.size === 0;
    }
    return true;
  }

  private put(above: string, entry: Entry | undefined): void {
    if (entry) this.add({ path: above === '' ? entry.name : `${above}/${entry.name}`, entry });
  }

  /** Null for a directory that is not in the tree. */
  private async pathOf(id: DirectoryId): Promise<string | null> {
    // A directory's id is the position where it came up.
    return id > this.namespace.at ? null : this.namespace.pathOf(id);
  }

  /** What is below directories that are not in the tree at the other moment: it came or went with them. */
  async addBelow(other: Side): Promise<void> {
    const left: NamedEntry[] = this.all();
    for (let next = left.pop(); next; next = left.pop()) {
      const { path, entry } = next;
      if (entry.directoryId === null || (await other.has(entry.directoryId))) continue;
      for await (const children of this.namespace.list(entry.directoryId))
        for (const child of children) {
          const isNew = this.add({ path: `${path}/${child.name}`, entry: child });
          if (isNew && child.directoryId !== null) left.push({ path: `${path}/${child.name}`, entry: child });
        }
    }
  }

  private async has(id: DirectoryId): Promise<boolean> {
    return (await this.pathOf(id)) !== null;
  }

  private add({ path, entry }: NamedEntry): boolean {
    const key = placeKey(entry);
    if (this.seen.has(key)) return false;
    this.seen.set(key, { identity: this.identityOf(entry), path, entry });
    return true;
  }

  private identityOf(entry: Entry): string {
    return entry.directoryId === null ? this.identity(entry) : `directory:${entry.directoryId}`;
  }
}

function* chunks<T>(items: Iterable<T>): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < SEARCHES) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function concerns({ before, after }: Difference, scope: Scope): boolean {
  return isWithin(before, scope.before) || isWithin(after, scope.after);
}

function isWithin(seen: Seen | null, paths: readonly string[]): boolean {
  return seen !== null && paths.some((path) => isAtOrBelow(seen.path, path));
}

function toRow({ change, before, after }: Difference): DiffRow {
  const seen = (after ?? before)!;
  const from = change === 'renamed' ? before!.path : null;
  return { change, path: seen.path, from, hash: hashOf(seen) };
}

function byPathAndChange(a: DiffRow, b: DiffRow): number {
  return compareNames(a.path, b.path) || ORDER.indexOf(a.change) - ORDER.indexOf(b.change);
}

/** What goes makes room for what comes; a renamed entry is told before what else became of it. */
const ORDER: readonly DiffRow['change'][] = ['removed', 'renamed', 'added', 'changed', 'attributes'];
