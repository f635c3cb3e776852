/**
 * The steps of a plan in an order in which every position of the log is a tree: a place is free before
 * something comes to it, a directory is there before something comes into it and never inside of
 * itself, and what is removed was left by all that goes on elsewhere. Where renames wait for each other
 * in a ring, one is parked under a temporary name at the root.
 */
import type { Differences, DirectoryRef, Found, Missing, PlaceRef, Step } from './differences.js';

export interface OrderingParts<M extends Missing, F extends Found> {
  readonly differences: Differences<M, F>;
  readonly matched: ReadonlyMap<F, M>;
  readonly ids: ReadonlyMap<DirectoryRef, number>;
  /** Names at the root that no temporary name may have. */
  readonly taken: (name: string) => boolean;
}

/** Rounds after which whatever still waits is parked: more events, but no more than two for each rename. */
const MAX_ROUNDS = 20;

export function orderSteps<M extends Missing, F extends Found>(parts: OrderingParts<M, F>): Step<M, F>[] {
  return new Ordering(parts).run();
}

interface Arrival<M, F> {
  /** Null for a directory that is new. */
  readonly entry: M | null;
  readonly found: F;
  readonly to: PlaceRef;
  /** Where the entry is by now. */
  from: PlaceRef | null;
  /** The outermost directory that is removed and that the entry still has to leave. */
  leaves: number | null;
  isDone: boolean;
}

class Ordering<M extends Missing, F extends Found> {
  private readonly parts: OrderingParts<M, F>;
  private readonly steps: Step<M, F>[] = [];
  private readonly arrivals: Arrival<M, F>[] = [];
  private readonly arrivalAt = new Map<string, Arrival<M, F>>();
  private readonly files: { found: F; replaces: M | null }[] = [];
  /** Entries that go, by place; those below others that go leave with them. */
  private readonly removals = new Map<string, M>();
  private readonly removedDirectories = new Set<number>();
  /** How many entries have still to leave a directory before it can be removed. */
  private readonly leaving = new Map<number, number>();
  private readonly occupied = new Set<string>();
  /** Where directories of the lists are by now; of others nothing changes. */
  private readonly above = new Map<DirectoryRef, DirectoryRef>();
  private readonly unborn = new Set<DirectoryRef>();
  private nextTemporary = 1;

  constructor(parts: OrderingParts<M, F>) {
    this.parts = parts;
  }

  run(): Step<M, F>[] {
    this.sort();
    for (let round = 1; this.hasWork(); round += 1) {
      const before = this.steps.length;
      for (const arrival of this.arrivals) this.chase(arrival);
      for (const [place, entry] of this.removals) this.remove(place, entry);
      if (this.steps.length === before) this.parkRings();
      else if (round === MAX_ROUNDS) this.parkAll();
    }
    for (const { found, replaces } of this.files) this.steps.push({ do: 'add', found, replaces });
    return this.steps;
  }

  private sort(): void {
    const { differences, matched } = this.parts;
    const kept = new Set(matched.values());
    const gone = new Map<string, M>();
    for (const entry of differences.missing) {
      if (entry.directoryId !== null) this.above.set(entry.directoryId, entry.parent);
      if (!kept.has(entry)) gone.set(textOf(entry), entry);
    }
    for (const found of differences.found) this.take(found, gone);
    this.keepOutermost(gone);
    for (const arrival of this.arrivals) this.expect(arrival);
    for (const place of this.removals.keys()) this.occupied.add(place);
  }

  private take(found: F, gone: Map<string, M>): void {
    const to = { parent: this.parts.ids.get(found.parent) ?? found.parent, name: found.name };
    const entry = this.parts.matched.get(found) ?? null;
    if (entry === null && found.kind !== 'directory') {
      const old = gone.get(textOf(to)) ?? null;
      const replaces = old?.kind === 'directory' ? null : old;
      if (replaces) gone.delete(textOf(to));
      this.files.push({ found, replaces });
      return;
    }
    if (entry !== null && textOf(entry) === textOf(to)) return;
    const from = entry && { parent: entry.parent, name: entry.name };
    this.arrivals.push({ entry, found, to, from, leaves: null, isDone: false });
    if (entry === null) this.unborn.add(found.ref!);
  }

  /** What is below a directory that goes needs no event of its own. */
  private keepOutermost(gone: ReadonlyMap<string, M>): void {
    const directories = new Set<number>();
    for (const { directoryId } of gone.values()) if (directoryId !== null) directories.add(directoryId);
    for (const [place, entry] of gone) {
      if (directories.has(entry.parent)) continue;
      this.removals.set(place, entry);
      if (entry.directoryId !== null) this.removedDirectories.add(entry.directoryId);
    }
  }

  private expect(arrival: Arrival<M, F>): void {
    this.arrivalAt.set(textOf(arrival.to), arrival);
    if (arrival.from === null) return;
    this.occupied.add(textOf(arrival.from));
    for (let at: number | undefined = arrival.from.parent; at !== undefined; at = this.above.get(at))
      if (this.removedDirectories.has(at)) {
        arrival.leaves = at;
        this.leaving.set(at, (this.leaving.get(at) ?? 0) + 1);
        return;
      }
  }

  private hasWork(): boolean {
    return this.removals.size > 0 || this.arrivals.some(({ isDone }) => !isDone);
  }

  /** Does it where that is possible, then what waited for the place that it left, and so on. */
  private chase(first: Arrival<M, F>): void {
    for (let at: Arrival<M, F> | undefined = first; at !== undefined && this.isPossible(at);) {
      const left: PlaceRef | null = at.from;
      this.arrive(at);
      at = left === null ? undefined : this.arrivalAt.get(textOf(left));
    }
  }

  private isPossible({ entry, to, isDone }: Arrival<M, F>): boolean {
    if (isDone || this.occupied.has(textOf(to)) || this.unborn.has(to.parent)) return false;
    if (entry === null || entry.directoryId === null) return true;
    for (let at: number | undefined = to.parent; at !== undefined; at = this.above.get(at))
      if (at === entry.directoryId) return false;
    return true;
  }

  private arrive(arrival: Arrival<M, F>): void {
    const { entry, found, to } = arrival;
    arrival.isDone = true;
    if (entry !== null) return this.rename(arrival, to, found);
    this.steps.push({ do: 'directory', found });
    this.unborn.delete(found.ref!);
    this.above.set(found.ref!, to.parent);
  }

  private rename(arrival: Arrival<M, F>, to: PlaceRef, found: F | null): void {
    const { from, leaves } = arrival;
    const entry = arrival.entry!;
    this.steps.push({ do: 'rename', entry, from: from!, to, found });
    this.occupied.delete(textOf(from!));
    if (entry.directoryId !== null) this.above.set(entry.directoryId, to.parent);
    if (leaves !== null) this.leaving.set(leaves, this.leaving.get(leaves)! - 1);
    arrival.leaves = null;
    arrival.from = to;
  }

  private remove(place: string, entry: M): void {
    if (entry.directoryId !== null && (this.leaving.get(entry.directoryId) ?? 0) > 0) return;
    this.removals.delete(place);
    this.occupied.delete(place);
    this.steps.push({ do: 'remove', entry, place: { parent: entry.parent, name: entry.name } });
    const waiting = this.arrivalAt.get(place);
    if (waiting) this.chase(waiting);
  }

  /** Of each ring one: the others follow when its place is free. */
  private parkRings(): void {
    const before = this.steps.length;
    for (const arrival of this.arrivals) {
      if (arrival.isDone || arrival.from === null || this.isParked(arrival)) continue;
      const left = arrival.from;
      this.park(arrival);
      const waiting = this.arrivalAt.get(textOf(left));
      if (waiting) this.chase(waiting);
    }
    if (this.steps.length === before) throw new Error('the steps of a sync wait for each other');
  }

  private parkAll(): void {
    for (const arrival of this.arrivals)
      if (!arrival.isDone && arrival.from !== null && !this.isParked(arrival)) this.park(arrival);
  }

  private isParked({ from, entry }: Arrival<M, F>): boolean {
    return from!.parent !== entry!.parent || from!.name !== entry!.name;
  }

  private park(arrival: Arrival<M, F>): void {
    let name: string;
    do name = `.sync-${this.nextTemporary++}`;
    while (this.parts.taken(name));
    this.rename(arrival, { parent: 0, name }, null);
  }
}

/** A name has no slash. */
function textOf({ parent, name }: PlaceRef): string {
  return `${parent}/${name}`;
}
