/** What to do with a source entry, decided from stats alone: pure functions. */
import type { RawEvent } from '../../events/raw-event.js';
import type { Attributes, EntryEvent, EntryKind, FileIngested, SourceIdentity } from '../../events/types.js';
import { attributesEqual } from '../../fs/attributes.js';
import { deviceNumbers, type DeviceNumbers } from '../../fs/device-numbers.js';
import type { FileStat } from '../../fs/stats.js';
import type { Entry } from '../../projections/namespace.js';

/** A name found in a source directory. */
export interface SourceEntry {
  readonly name: string;
  /** Absolute path in the real filesystem. */
  readonly path: string;
  readonly kind: EntryKind;
  readonly stat: FileStat;
  readonly attributes: Attributes;
  /** A symlink's text. */
  readonly target: string | undefined;
}

export function identityOf(stat: FileStat): SourceIdentity {
  return { device: stat.dev, inode: stat.ino, ctimeNs: stat.ctimeNs };
}

/** The same inode as when it was ingested, untouched since: ctime moves with every change. */
export function isUnchangedFile(event: FileIngested, stat: FileStat): boolean {
  const { source } = event;
  return (
    source !== null &&
    source.inode === stat.ino &&
    source.device === stat.dev &&
    source.ctimeNs === stat.ctimeNs &&
    event.attributes.mtimeNs === stat.mtimeNs &&
    BigInt(event.size) === stat.size
  );
}

/** As `isUnchangedFile`, from the fields of a stored event. */
export function isUnchangedRaw(raw: RawEvent, stat: FileStat): boolean {
  const { numbers } = raw;
  return (
    raw.hasSource &&
    numbers.readBigUInt64BE(24) === BigInt.asUintN(64, stat.ino) &&
    numbers.readBigInt64BE(8) === stat.ctimeNs &&
    numbers.readBigInt64BE(0) === stat.mtimeNs &&
    numbers.readBigUInt64BE(16) === BigInt.asUintN(64, stat.dev) &&
    BigInt(raw.size) === stat.size
  );
}

export type NonFileAction =
  | { readonly do: 'nothing' }
  | { readonly do: 'attributes' }
  | { readonly do: 'add'; readonly replaces: Entry | null };

/** For directories, symlinks and specials. */
export function classifyNonFile(source: SourceEntry, existing: Entry | undefined): NonFileAction {
  if (existing === undefined) return { do: 'add', replaces: null };
  if (existing.kind !== source.kind || !sameIdentity(source, existing.event))
    return { do: 'add', replaces: existing };
  return attributesEqual(existing.event.attributes, source.attributes)
    ? { do: 'nothing' }
    : { do: 'attributes' };
}

function sameIdentity(source: SourceEntry, event: EntryEvent): boolean {
  if (event.type === 'symlink.added') return event.target === source.target;
  if (event.type === 'special.added') {
    const { major, minor } = splitDevice(source);
    return event.major === major && event.minor === minor;
  }
  return true;
}

/** Major and minor number; both 0 for what is no device. */
export function splitDevice(source: SourceEntry): DeviceNumbers {
  const isDevice = source.kind === 'chardev' || source.kind === 'blockdev';
  return isDevice ? deviceNumbers(source.stat.rdev) : { major: 0, minor: 0 };
}
