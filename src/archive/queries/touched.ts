/** The places that events of a span of the log spoke of, and what they say about who is who. */
import { asBuffer } from '../../events/bytes.js';
import { nameFromBytes } from '../../events/names.js';
import { peekType, RawEvent } from '../../events/raw-event.js';
import type { DirectoryId, EventRecord, HkfsEvent, Place, Position } from '../../events/types.js';
import type { OpenArchive } from '../open-archive.js';
import { placeKey } from './compare.js';

/** Who stands at a place from a position on; null: nobody. */
type Identity = readonly [from: Position, identity: string | null];

export interface TouchedPlace {
  readonly place: Place;
  /** The last event that spoke of it. */
  readonly last: Position;
}

interface Touched extends TouchedPlace {
  last: Position;
  identities: Identity[] | null;
}

/**
 * An entry that was there before the span is named by its place then; one that came up within it, by the
 * position where it did. A rename carries the name on.
 */
export class TouchedPlaces {
  private readonly archive: OpenArchive;
  private readonly before: Position;
  private readonly touched = new Map<string, Touched>();
  private readonly raw = new RawEvent();

  private constructor(archive: OpenArchive, before: Position) {
    this.archive = archive;
    this.before = before;
  }

  /** @param moments the state after the event at `from`, and after that at `to` */
  static async between(
    archive: OpenArchive,
    moments: { from: Position; to: Position },
  ): Promise<TouchedPlaces> {
    const places = new TouchedPlaces(archive, moments.from);
    const span = { from: moments.from + 1, to: moments.to + 1 };
    for await (const batch of archive.log.read({ ...span, lazy: true }))
      for (const record of batch) await places.add(record);
    return places;
  }

  byDirectory(): Map<DirectoryId, TouchedPlace[]> {
    const directories = new Map<DirectoryId, TouchedPlace[]>();
    for (const touched of this.touched.values()) {
      const places = directories.get(touched.place.parent);
      if (places) places.push(touched);
      else directories.set(touched.place.parent, [touched]);
    }
    return directories;
  }

  /** Who stands at a place when the span is over. */
  identityAfter(place: Place): string {
    const key = placeKey(place);
    return this.touched.get(key)?.identities?.at(-1)?.[1] ?? atFirst(key);
  }

  identityBefore(place: Place): string {
    return atFirst(placeKey(place));
  }

  private async add(record: EventRecord): Promise<void> {
    const type = peekType(record.bytes);
    if (type === 'file.ingested' && this.raw.read(asBuffer(record.bytes)) === type)
      return this.comes({ parent: this.raw.parent, name: nameFromBytes(this.raw.name) }, record.position);
    if (type !== null && SILENT.has(type)) return;
    await this.addEvent(record.event, record.position);
  }

  private async addEvent(event: HkfsEvent, position: Position): Promise<void> {
    switch (event.type) {
      case 'path.removed':
        return this.become(event, position, null);
      case 'path.renamed': {
        const moved = this.now(event.from);
        this.become(event.from, position, null);
        return this.become(event.to, position, moved);
      }
      case 'path.restored':
        return this.become(event, position, await this.identityAt(event, event.at));
      case 'directory.added':
      case 'file.ingested':
      case 'symlink.added':
      case 'special.added':
        return this.comes(event, position);
      case 'attributes.changed':
        this.touch(event, position);
        return;
      default:
        return;
    }
  }

  /** Where something stands already this is a new version of it. */
  private comes(place: Place, position: Position): void {
    const touched = this.touch(place, position);
    const now = touched.identities?.at(-1);
    if (now?.[1] === null) touched.identities!.push([position, `@${position}`]);
  }

  private become(place: Place, position: Position, identity: string | null): void {
    const touched = this.touch(place, position);
    (touched.identities ??= []).push([position, identity]);
  }

  private now(place: Place): string {
    return this.identityAfter(place);
  }

  /** Who stood there just after an event, which may be before the span. */
  private async identityAt(place: Place, at: Position): Promise<string> {
    const identities = this.touched.get(placeKey(place))?.identities ?? [];
    const known = identities.findLast(([from]) => from <= at)?.[1];
    if (typeof known === 'string') return known;
    if (at > this.before) return this.identityBefore(place);
    // The state is older than the span: whether it is what stood there when the span began.
    const then = await this.archive.namespace(at).entryAt(place);
    const first = await this.archive.namespace(this.before).entryAt(place);
    return then?.position === first?.position ? this.identityBefore(place) : `@${then?.position ?? at}`;
  }

  private touch(place: Place, position: Position): Touched {
    const key = placeKey(place);
    const known = this.touched.get(key);
    if (known) {
      known.last = position;
      return known;
    }
    const { parent, name } = place;
    const touched = { place: { parent, name }, last: position, identities: null };
    this.touched.set(key, touched);
    return touched;
  }
}

/** Events that speak of no place, and come by the thousands. */
const SILENT: ReadonlySet<string> = new Set([
  'object.stored',
  'objects.verified',
  'object.relocated',
  'object.removed',
  'paths.pruned',
]);

function atFirst(key: string): string {
  return `before:${key}`;
}
