/**
 * Whether a log is one that hkfs could have written. Events that come from elsewhere are judged before anything
 * is done by them: behind this no name leads out of the tree, no directory is below itself, and nothing is
 * changed that is not there. What an archive wrote itself is only told by `verify`.
 */
import { HkfsError } from '../../errors.js';
import { asBuffer } from '../../events/bytes.js';
import { decodeEvent } from '../../events/codec.js';
import type { Level } from '../../events/level.js';
import { RawEvent } from '../../events/raw-event.js';
import type { DirectoryId, EventRecord, HkfsEvent, Place, Position } from '../../events/types.js';
import { whyNoEvent, whyNoRecord } from './judge-fields.js';
import { LiveDirectories } from './live-directories.js';
import { NewestPlaces, rawPlace, rawPlaceOf, type RawPlace } from './newest-places.js';

const SLASH = 0x2f;
const DOT = 0x2e;
const NAME_MAX = 255;

type Event<T extends HkfsEvent['type']> = Extract<HkfsEvent, { type: T }>;

export class LogJudge {
  private readonly places: NewestPlaces;
  private readonly live = new LiveDirectories();
  private readonly raw = new RawEvent();
  /** Owner and mode as the last file that was decoded has them in its bytes. */
  private owner = Buffer.alloc(0);

  /** @param level the views of the events before the first that is judged, or of more */
  constructor(level: Level | null, maxKept?: number) {
    this.places = new NewestPlaces(level, maxKept);
  }

  /** Records that follow those that were judged before. @throws HkfsError LOG_DAMAGED, naming the event */
  async judge(records: readonly EventRecord[]): Promise<void> {
    for (const record of records) {
      const waits = this.usual(record) ?? this.decoded(record);
      if (waits !== DONE) await waits;
    }
  }

  /** The views have the events before this position: what they know need not be kept. */
  forget(position: Position): void {
    this.places.forget(position);
  }

  /** The two commonest events as they mostly are, judged from their bytes; null: the codec has to. */
  private usual(record: EventRecord): typeof DONE | null {
    const bytes = asBuffer(record.bytes);
    if (record.position === 0 || whyNoRecord(record) !== null) return null;
    const type = this.raw.read(bytes);
    if (type === 'object.stored') return DONE;
    if (type === null || !this.isUsualFile(bytes)) return null;
    const { parent, name } = this.raw;
    this.put(rawPlace(parent, name), { position: record.position, id: null });
    return DONE;
  }

  private isUsualFile(bytes: Buffer): boolean {
    const { parent, name, hash, size, ownerAt, ownerEnd } = this.raw;
    const isOwnerKnown =
      this.owner.length === ownerEnd - ownerAt && this.owner.compare(bytes, ownerAt, ownerEnd) === 0;
    return isOwnerKnown && isPlainName(name) && (hash === null) === (size === 0) && this.live.has(parent);
  }

  private async decoded(record: EventRecord): Promise<void> {
    const { position } = record;
    const bytes = asBuffer(record.bytes);
    const event = decodeEvent(bytes, position);
    const reason =
      whyNoRecord(record) ?? whyNoBeginning(event, position) ?? whyNoEvent({ ...recordOf(record), event });
    if (reason !== null) throw refused(position, reason);
    if (event.type === 'file.ingested' && this.raw.read(bytes) === 'file.ingested')
      this.owner = Buffer.from(bytes.subarray(this.raw.ownerAt, this.raw.ownerEnd));
    await this.inTree(event, position);
  }

  private async inTree(event: HkfsEvent, position: Position): Promise<void> {
    switch (event.type) {
      case 'directory.added':
        await this.requireDirectory(event.parent, position);
        return this.put(rawPlaceOf(event), { position, id: position });
      case 'file.ingested':
      case 'symlink.added':
      case 'special.added':
        await this.requireDirectory(event.parent, position);
        return this.put(rawPlaceOf(event), { position, id: null });
      case 'attributes.changed':
        await this.requireEntry(event, position);
        return;
      case 'path.removed':
        await this.requireEntry(event, position);
        return this.put(rawPlaceOf(event), { position, id: undefined });
      case 'path.renamed':
        return this.renamed(event, position);
      case 'path.restored':
        return this.restored(event, position);
      case 'tar.ingested':
        return this.requireDirectory(event.directory, position);
      default:
        return;
    }
  }

  private async renamed({ from, to }: Event<'path.renamed'>, position: Position): Promise<void> {
    const id = await this.requireEntry(from, position);
    await this.requireDirectory(to.parent, position);
    if (id !== null && (await this.isBelow(to.parent, id, position)))
      throw refused(position, `moves directory ${id} below itself`);
    this.put(rawPlaceOf(from), { position, id: undefined });
    this.put(rawPlaceOf(to), { position, id });
  }

  private async restored(event: Event<'path.restored'>, position: Position): Promise<void> {
    await this.requireDirectory(event.parent, position);
    const place = rawPlaceOf(event);
    const id = await this.places.at(place, event.at);
    if (id === undefined)
      throw refused(position, `restores ${nameOf(event)}, which was not there at position ${event.at}`);
    if (id !== null && (await this.isElsewhere(id, place, position)))
      throw refused(position, `puts directory ${id} where it would be twice`);
    this.put(place, { position, id });
  }

  private put(place: RawPlace, held: { position: Position; id: DirectoryId | null | undefined }): void {
    this.places.put(place, held);
    this.live.changed(place.key);
  }

  /** Null for what is no directory. */
  private async requireEntry(place: Place, position: Position): Promise<DirectoryId | null> {
    await this.requireDirectory(place.parent, position);
    const id = await this.places.at(rawPlaceOf(place), position - 1);
    if (id === undefined) throw refused(position, `changes ${nameOf(place)}, which is not there`);
    return id;
  }

  private async requireDirectory(id: DirectoryId, position: Position): Promise<void> {
    if (this.live.has(id) || (await this.isLive(id, position))) return;
    throw refused(position, `speaks of directory ${id}, which is not in the tree`);
  }

  /** Whether it hangs in the tree; all above it do then as well. */
  private async isLive(id: DirectoryId, position: Position): Promise<boolean> {
    const above = new Map<DirectoryId, string>();
    for (let at = id; !this.live.has(at);) {
      const place = await this.attached(at, position);
      if (place === null || above.has(at)) return false;
      above.set(at, place.key);
      at = place.parent;
    }
    for (const [directory, place] of above) this.live.add(directory, place);
    return true;
  }

  /** Where a directory is; null for one that was taken away, and for what never was one. */
  private async attached(id: DirectoryId, position: Position): Promise<RawPlace | null> {
    const place = await this.places.placeOf(id, position - 1);
    if (place === undefined || (await this.places.at(place, position - 1)) !== id) return null;
    return place;
  }

  private async isElsewhere(id: DirectoryId, place: RawPlace, position: Position): Promise<boolean> {
    const there = await this.attached(id, position);
    return there !== null && there.key !== place.key;
  }

  /** Of two directories that hang in the tree: whether one is the other or below it. */
  private async isBelow(id: DirectoryId, above: DirectoryId, position: Position): Promise<boolean> {
    for (let at = id; at !== 0;) {
      if (at === above) return true;
      at = (await this.places.placeOf(at, position - 1))!.parent;
    }
    return false;
  }
}

/** Nothing is left to wait for. */
const DONE = Symbol('done');

/** The record around an event, which is decoded only once. */
function recordOf({ position, timeMs, operation, bytes }: EventRecord): Omit<EventRecord, 'event'> {
  return { position, timeMs, operation, bytes };
}

function whyNoBeginning(event: HkfsEvent, position: Position): string | null {
  return position === 0 && event.type !== 'archive.created' ? 'does not begin an archive' : null;
}

/** False for what the codec has to judge: also `.hkfs`, and whatever else begins with a dot. */
function isPlainName(name: Buffer): boolean {
  const { length } = name;
  return length > 0 && length <= NAME_MAX && name[0] !== DOT && !name.includes(SLASH) && !name.includes(0);
}

function nameOf({ parent, name }: Place): string {
  return `${JSON.stringify(name)} in directory ${parent}`;
}

/** Says of an error that it is of this judge, and not of a disk that gave wrong bytes. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Refusal;
}

class Refusal extends HkfsError {}

function refused(position: Position, reason: string): HkfsError {
  return new Refusal('LOG_DAMAGED', `event ${position} is not one that hkfs writes: it ${reason}`, {
    hint: 'do not trust the place that this log came from, and keep a copy of it as it is',
  });
}
