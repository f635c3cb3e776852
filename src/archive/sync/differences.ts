/** What differs between the namespace and the tree, as plain values: the planner's input. */
import type { EntryKind, Place } from '../../events/types.js';

/**
 * A directory as the planner speaks of it: the id of one that the log knows, or a negative number for
 * one that was found on the disk and has no id yet.
 */
export type DirectoryRef = number;

/** A recorded entry that is not at its place any more, or whose place holds something else. */
export interface Missing extends Place {
  readonly kind: EntryKind;
  /** What it would be recognised by elsewhere: its content, its target; null for directories. */
  readonly key: string | null;
  readonly directoryId: number | null;
  readonly path: string;
}

/** Something in the tree that the namespace does not have at its place. */
export interface Found {
  readonly parent: DirectoryRef;
  readonly name: string;
  readonly kind: EntryKind;
  /** Null for directories, and for contents that are not known without reading. */
  readonly key: string | null;
  /** Negative, of directories only. */
  readonly ref: DirectoryRef | null;
  readonly path: string;
}

/** Everything below a missing or a found directory is in the lists as well. */
export interface Differences<M extends Missing = Missing, F extends Found = Found> {
  readonly missing: readonly M[];
  readonly found: readonly F[];
}

export interface PlaceRef {
  readonly parent: DirectoryRef;
  readonly name: string;
}

/** What is to be appended, in an order in which each position of the log is a tree. */
export type Step<M extends Missing = Missing, F extends Found = Found> =
  /** `parked`: under a name that another rename of this plan takes away again. */
  | {
      readonly do: 'rename';
      readonly entry: M;
      readonly from: PlaceRef;
      readonly to: PlaceRef;
      readonly found: F | null;
    }
  | { readonly do: 'remove'; readonly entry: M; readonly place: PlaceRef }
  | { readonly do: 'directory'; readonly found: F }
  /** `replaces`: a new version of the entry that was there. */
  | { readonly do: 'add'; readonly found: F; readonly replaces: M | null };

export interface Plan<M extends Missing = Missing, F extends Found = Found> {
  readonly steps: readonly Step<M, F>[];
  /** What was found again, at its place in a directory that moved or elsewhere. */
  readonly matched: ReadonlyMap<F, M>;
  /** The ids of found directories that are recorded ones at a new place. */
  readonly ids: ReadonlyMap<DirectoryRef, number>;
}
