/** The words in which a tree is made of a tar, and what can be told from values alone. */
import type {
  Attributes,
  DirectoryId,
  EntryEvent,
  FileIngested,
  Hash,
  Place,
  Position,
  SpecialKind,
} from '../../../events/types.js';
import type { Entry } from '../../../projections/namespace.js';
import type { Seen } from './seen-places.js';

/** A link group of a tar is named by no device and the position of its first file. */
export const NO_DEVICE = 0n;

/** Why a member cannot be where it says. */
export class MemberRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface TreeRoot {
  readonly id: DirectoryId;
  /** Null for the root of the archive, which has no attributes. */
  readonly place: Place | null;
  readonly attributes: Attributes | null;
}

export interface FileContent {
  readonly hash: Hash | null;
  readonly size: number;
  readonly origin: 'new' | 'duplicate' | 'empty';
}

export type OtherEntry =
  | { readonly type: 'symlink.added'; readonly target: string }
  | {
      readonly type: 'special.added';
      readonly kind: SpecialKind;
      readonly major: number;
      readonly minor: number;
    };

/** What stands at a place: made by this run, or there before it. */
export type Standing =
  { readonly seen: Seen; readonly entry: undefined } | { readonly seen: undefined; readonly entry: Entry };

export function positionOf(standing: Standing): Position {
  return standing.seen === undefined ? standing.entry.position : standing.seen.position;
}

export function contentOf({ hash, size }: FileIngested): Pick<FileIngested, 'hash' | 'size'> {
  return { hash, size };
}

/** The group that an earlier ingest of a tar gave to a file is as good as none. */
export function withKeptGroup(attributes: Attributes, before: Attributes): Attributes {
  const { linkGroup } = before;
  const isOurs = linkGroup?.[0] === NO_DEVICE && (attributes.linkGroup?.[0] ?? NO_DEVICE) === NO_DEVICE;
  return isOurs ? { ...attributes, linkGroup } : attributes;
}

export function isSameOther(before: EntryEvent, entry: OtherEntry): boolean {
  if (entry.type === 'symlink.added') return before.type === entry.type && before.target === entry.target;
  return (
    before.type === entry.type &&
    before.kind === entry.kind &&
    before.major === entry.major &&
    before.minor === entry.minor
  );
}
