/**
 * The positions of the events about a path, found through the rows of the places that it had: the
 * cost is that of the answer, not of the log.
 *
 * Whatever stood at the path is followed back through its renames, those of the directories above it
 * included, to what made it, and forward until it left the path. Of a directory, also what happened
 * below it meanwhile.
 */
import type { DirectoryId, HkfsEvent, Place, Position } from '../../events/types.js';
import * as keys from '../../projections/keys.js';
import { overlap, PlaceHistory, type Span } from '../../projections/place-history.js';
import { readRows } from '../../projections/views.js';
import type { OpenArchive } from '../open-archive.js';
import { livesOf } from './lives.js';

/** In order; null for a path that never was. */
export async function tracePath(archive: OpenArchive, path: string): Promise<Position[] | null> {
  const history = new PlaceHistory(archive.views.level);
  const occupancies = await history.occupancies(path);
  if (occupancies.length === 0) return null;
  const tracer = new Tracer(archive, history);
  for (const { place, from, to } of occupancies) await tracer.follow(place, { from, to });
  return [...tracer.positions].sort((a, b) => a - b);
}

class Tracer {
  readonly positions = new Set<Position>();
  private readonly archive: OpenArchive;
  private readonly history: PlaceHistory;

  constructor(archive: OpenArchive, history: PlaceHistory) {
    this.archive = archive;
    this.history = history;
  }

  /** What stood at a place during a span: that span, and everything before it. */
  async follow(place: Place, { from, to }: Span): Promise<void> {
    for (const arrival of await this.arrivals(place, { from, to }))
      for (const life of await livesOf(this.archive, place, arrival))
        await this.addLife(life.place, { from: life.from, to: Math.min(life.to, to) });
  }

  /** The start of the span, and whenever something else took the place without a gap. */
  private async arrivals(place: Place, { from, to }: Span): Promise<Position[]> {
    const within = (await this.history.versions(place)).filter(
      (version) => version.from > from && version.from < to,
    );
    const others = within.filter((version) => comesFromElsewhere(this.archive.log.getSync(version.from)));
    return [from, ...others.map((version) => version.from)];
  }

  /** Events of an entry at one place, the one that ended its stay included. */
  private async addLife(place: Place, span: Span): Promise<void> {
    const directories = new Set<DirectoryId>();
    for (const { from, entry } of await this.history.versions(place)) {
      if (from < span.from || from > span.to) continue;
      this.positions.add(from);
      if (entry && entry.directoryId !== null && from < span.to) directories.add(entry.directoryId);
    }
    await this.addAbove(place.parent, span);
    for (const id of directories) await this.addBelow(id, span);
  }

  /** What moved or removed the directories above. */
  private async addAbove(id: DirectoryId, span: Span): Promise<void> {
    for (const stay of await this.history.stays(id)) {
      const shared = overlap(stay, { from: span.from, to: span.to + 1 });
      if (shared === null) continue;
      if (stay.from > span.from) this.positions.add(stay.from);
      if (stay.to <= span.to && stay.to !== Infinity) this.positions.add(stay.to);
      await this.addAbove(stay.place.parent, { from: shared.from, to: Math.min(stay.to, span.to) });
    }
  }

  /** What happened in a directory during a span, and in the directories that hung in it then. */
  private async addBelow(id: DirectoryId, span: Span): Promise<void> {
    const left: { id: DirectoryId; span: Span }[] = [{ id, span }];
    for (let next = left.pop(); next; next = left.pop())
      for await (const child of this.entriesOf(next.id)) {
        if (child.from >= next.span.from && child.from < next.span.to) this.positions.add(child.from);
        const shared = child.directoryId === null ? null : overlap(child, next.span);
        if (shared !== null) left.push({ id: child.directoryId!, span: shared });
      }
  }

  /** All versions of all entries of a directory; its directories with the time until they left. */
  private async *entriesOf(parent: DirectoryId): AsyncGenerator<Span & { directoryId: DirectoryId | null }> {
    let open: { name: Buffer; from: Position; directoryId: DirectoryId } | null = null;
    for await (const rows of readRows(this.archive.views.level, keys.directoryRange(parent)))
      for (const { key, value } of rows) {
        const name = key.subarray(0, key.length - 8);
        const from = keys.readPosition(key, key.length - 8);
        const id = value[0] === 0 ? keys.readPosition(value, 0) : null;
        if (open !== null && (id !== open.directoryId || !open.name.equals(name))) {
          yield { ...open, to: open.name.equals(name) ? from : Infinity };
          open = null;
        }
        if (id !== null && open === null) open = { name, from, directoryId: id };
        yield { from, to: from, directoryId: null };
      }
    if (open !== null) yield { ...open, to: Infinity };
  }
}

function comesFromElsewhere({ type }: HkfsEvent): boolean {
  return type === 'path.renamed' || type === 'path.restored';
}
