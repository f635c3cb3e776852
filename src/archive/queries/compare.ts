/** What became of entries between two moments, told from the entries alone. */
import type { Attributes, DirectoryId, EntryEvent, Hash, Place, Xattr } from '../../events/types.js';

/** An entry at one of the two moments. */
export interface Seen {
  /** The same at both moments for what the log knows to be the same entry. */
  readonly identity: string;
  readonly path: string;
  readonly entry: Place & { readonly directoryId: DirectoryId | null; readonly event: EntryEvent };
}

export type Change = 'added' | 'removed' | 'renamed' | 'changed' | 'attributes';

export interface Difference {
  readonly change: Change;
  /** Null for what was added. */
  readonly before: Seen | null;
  /** Null for what was removed. */
  readonly after: Seen | null;
}

/**
 * Entries are paired by what the log says, then by their place (something else of the same name), then,
 * of files that are left, by their content. A directory takes what is below it along without a word.
 */
export function compare(before: readonly Seen[], after: readonly Seen[]): Difference[] {
  const pairing = new Pairing(before, after);
  pairing.byIdentity();
  pairing.byPlace();
  pairing.byContent();
  return pairing.differences();
}

class Pairing {
  private readonly left: Set<Seen>;
  private readonly right: Set<Seen>;
  private readonly pairs: (readonly [Seen, Seen])[] = [];
  /** Directories that took the place of others: they correspond to those. */
  private readonly successors = new Map<DirectoryId, DirectoryId>();

  constructor(before: readonly Seen[], after: readonly Seen[]) {
    // Sorted, a directory comes before what is in it, and the answer does not depend on the order of the log.
    this.left = new Set(before.toSorted(byPath));
    this.right = new Set(after.toSorted(byPath));
  }

  byIdentity(): void {
    const known = new Map([...this.right].map((seen) => [seen.identity, seen]));
    for (const seen of this.left) this.pair(seen, known.get(seen.identity));
  }

  byPlace(): void {
    const known = new Map([...this.right].map((seen) => [placeKey(seen.entry), seen]));
    for (const seen of this.left) this.pair(seen, known.get(placeKey(this.placeAfter(seen))));
  }

  /** Of several files of one content those that keep their name come first. */
  byContent(): void {
    this.byKey((seen, hash) => `${hash}/${seen.entry.name}`);
    this.byKey((_seen, hash) => hash);
  }

  /** Pairs files whose keys are equal, in order of their paths. */
  private byKey(keyOf: (seen: Seen, hash: Hash) => string): void {
    const known = new Map<string, Seen[]>();
    for (const seen of [...this.right].reverse()) {
      const hash = hashOf(seen);
      if (hash === null) continue;
      const same = known.get(keyOf(seen, hash));
      if (same) same.push(seen);
      else known.set(keyOf(seen, hash), [seen]);
    }
    for (const seen of this.left) {
      const hash = hashOf(seen);
      if (hash !== null) this.pair(seen, known.get(keyOf(seen, hash))?.pop());
    }
  }

  differences(): Difference[] {
    const removed = [...this.left].map((before) => ({ change: 'removed', before, after: null }) as const);
    const added = [...this.right].map((after) => ({ change: 'added', before: null, after }) as const);
    return [...removed, ...added, ...this.pairs.flatMap((pair) => this.changesOf(pair))];
  }

  private changesOf([before, after]: readonly [Seen, Seen]): Difference[] {
    const changes: Change[] = [];
    if (placeKey(this.placeAfter(before)) !== placeKey(after.entry)) changes.push('renamed');
    if (!sameContent(before.entry.event, after.entry.event)) changes.push('changed');
    else if (!sameAttributes(before.entry.event.attributes, after.entry.event.attributes))
      changes.push('attributes');
    return changes.map((change) => ({ change, before, after }));
  }

  private pair(before: Seen, after: Seen | undefined): void {
    if (after === undefined || !this.right.has(after)) return;
    this.left.delete(before);
    this.right.delete(after);
    this.pairs.push([before, after]);
    const [was, is] = [before.entry.directoryId, after.entry.directoryId];
    if (was !== null && is !== null && was !== is) this.successors.set(was, is);
  }

  private placeAfter({ entry: { parent, name } }: Seen): Place {
    return { parent: this.successors.get(parent) ?? parent, name };
  }
}

export function placeKey({ parent, name }: Place): string {
  return `${parent}/${name}`;
}

function byPath(a: Seen, b: Seen): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** Null for what is no file and for empty files, which are all alike. */
export function hashOf({ entry: { event } }: Seen): Hash | null {
  return event.type === 'file.ingested' ? event.hash : null;
}

function sameContent(a: EntryEvent, b: EntryEvent): boolean {
  if (a.type === 'file.ingested') return b.type === a.type && b.hash === a.hash;
  if (a.type === 'symlink.added') return b.type === a.type && b.target === a.target;
  if (a.type === 'directory.added') return b.type === a.type;
  return b.type === a.type && b.kind === a.kind && b.major === a.major && b.minor === a.minor;
}

const PLAIN = ['mode', 'uid', 'gid', 'user', 'group', 'mtimeNs'] as const;

function sameAttributes(a: Attributes, b: Attributes): boolean {
  if (PLAIN.some((field) => a[field] !== b[field])) return false;
  if ((a.sparse ?? false) !== (b.sparse ?? false)) return false;
  if (String(a.linkGroup) !== String(b.linkGroup)) return false;
  return sameXattrs(a.xattrs ?? [], b.xattrs ?? []);
}

/** They are sorted by their names. */
function sameXattrs(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(([name, value], at) => b[at]![0] === name && Buffer.compare(value, b[at]![1]) === 0);
}
