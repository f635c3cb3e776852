/** What an event may say whatever came before it: names, numbers, and positions before its own. */
import { isRemoteName, whyNoTag } from '../../events/chosen-names.js';
import { NEWEST_NS, OLDEST_NS } from '../../events/stored-time.js';
import type {
  Attributes,
  EventRecord,
  FileIngested,
  HkfsEvent,
  Place,
  Position,
  PrunedEntry,
  SourceIdentity,
} from '../../events/types.js';
import { isValidName } from '../../fs/names.js';

/** User and group numbers have 32 bits; the last one means "none" to the kernel. */
export const MAX_ID = 0xffff_ffff;
/** The end of the year 9999: what comes after it has no date of four digits. */
const MAX_TIME_MS = 253_402_300_799_999;
const RESERVED = '.hkfs';

/** What is wrong with the commit around an event; null where nothing is. */
export function whyNoRecord({ position, timeMs, operation }: EventRecord): string | null {
  if (timeMs > MAX_TIME_MS) return `is of the time ${timeMs}, which is no date`;
  // Each operation before it has an event of its own, and so has the archive's creation.
  return operation > position ? `is of operation ${operation}, which cannot be` : null;
}

/** What is wrong with an event for itself; null where nothing is. */
export function whyNoEvent({ event, position, operation }: EventRecord): string | null {
  switch (event.type) {
    case 'archive.created':
      return position === 0 ? null : 'creates the archive again';
    case 'operation.started':
    case 'operation.completed':
    case 'operation.failed':
      return whyNoOperation(event, operation);
    case 'directory.added':
    case 'special.added':
      return whyNoPlace(event) ?? whyNoAttributes(event.attributes);
    case 'file.ingested':
      return whyNoFile(event);
    case 'symlink.added':
      if (event.target.includes('\0')) return 'has a link target with a NUL';
      return whyNoPlace(event) ?? whyNoAttributes(event.attributes);
    case 'attributes.changed':
      return whyNoPlace(event) ?? whyNoAttributes(event.attributes) ?? whyNoSource(event.source);
    case 'path.renamed':
      return whyNoPlace(event.from) ?? whyNoPlace(event.to);
    case 'path.removed':
      return whyNoPlace(event);
    case 'path.restored':
      return whyNoPlace(event) ?? whyNotBefore(event.at, position);
    case 'paths.pruned':
      return firstOf(event.entries, (entry) => whyNotPruned(entry, position));
    case 'tag.added':
      return whyNoTagEvent(event.tag) ?? whyNotBefore(event.position, position);
    case 'tar.ingested':
      return whyNotBefore(event.directory, position);
    case 'remote.added':
    case 'remote.removed':
      return whyNoRemote(event.name);
    case 'backup.completed':
      return whyNoRemote(event.remote) ?? whyTooLarge(event.size, position);
    case 'copies.verified':
      return (
        whyNoRemote(event.remote) ?? whyTooLarge(event.size, position) ?? whyTooLarge(event.before, position)
      );
    case 'object.stored':
    case 'object.relocated':
    case 'object.removed':
    case 'object.damaged':
    case 'object.healed':
    case 'objects.verified':
      return null;
  }
}

/** Why nothing can have this name there; null where it can. */
export function whyNoPlace({ parent, name }: Place): string | null {
  if (!isValidName(name)) return `speaks of ${JSON.stringify(name)}, which is no name`;
  return parent === 0 && name === RESERVED ? `speaks of ${RESERVED} in the root, which is reserved` : null;
}

function whyNoFile(event: FileIngested): string | null {
  const { hash, size, attributes, source } = event;
  if ((hash === null) !== (size === 0)) return `has ${size} bytes and ${hash === null ? 'no' : 'a'} content`;
  return whyNoPlace(event) ?? whyNoAttributes(attributes) ?? whyNoSource(source);
}

function whyNoAttributes({ uid, gid, mtimeNs, xattrs = [] }: Attributes): string | null {
  if (uid > MAX_ID || gid > MAX_ID) return `has an owner of more than 32 bits`;
  if (xattrs.some(([name]) => name === '' || name.includes('\0')))
    return 'has an extended attribute without a name';
  return whyNoTime(mtimeNs);
}

function whyNoSource(source: SourceIdentity | null): string | null {
  return source && whyNoTime(source.ctimeNs);
}

function whyNoTime(ns: bigint): string | null {
  return ns < OLDEST_NS || ns > NEWEST_NS ? 'has a time of more than 64 bits' : null;
}

function whyNoOperation(
  { operation, clockMs = 0 }: Extract<HkfsEvent, { operation: number }>,
  own: number,
): string | null {
  if (clockMs > MAX_TIME_MS) return `has the time ${clockMs}, which is no date`;
  return operation === own ? null : `is about operation ${operation} in a commit of operation ${own}`;
}

function whyNotPruned(entry: PrunedEntry, position: Position): string | null {
  const { kept } = entry;
  const own = whyNoPlace(entry) ?? whyNotBefore(entry.parent, position);
  return own ?? (kept && (whyNoPlace(kept) ?? whyNotBefore(kept.parent, position)));
}

function whyNoTagEvent(tag: string): string | null {
  const reason = whyNoTag(tag);
  return reason && `has the tag ${JSON.stringify(tag)}: ${reason}`;
}

function whyNoRemote(name: string): string | null {
  return isRemoteName(name) ? null : `speaks of the remote ${JSON.stringify(name)}, which is no name of one`;
}

function whyNotBefore(at: Position, position: Position): string | null {
  return at < position ? null : `refers to position ${at}, which is not before it`;
}

function whyTooLarge(size: Position, position: Position): string | null {
  return size <= position ? null : `speaks of a log of ${size} events, and there are ${position} before it`;
}

function firstOf<T>(items: readonly T[], why: (item: T) => string | null): string | null {
  for (const item of items) {
    const reason = why(item);
    if (reason !== null) return reason;
  }
  return null;
}
