/** The life of one entry: the places where it stood, through its renames and restorations. */
import type { HkfsEvent, Place, Position } from '../../events/types.js';
import { PlaceHistory, type Span, type Version } from '../../projections/place-history.js';
import type { OpenArchive } from '../open-archive.js';

/** An entry stood at this place from the event at `from` until the one at `to`; Infinity: still. */
export interface Life extends Span {
  readonly place: Place;
}

/**
 * The lives of the entry that stands at a place at a position, the latest first: its stay there, where
 * it was renamed from, and so on back to what made it. A new version of a file goes on with its life.
 */
export async function livesOf(archive: OpenArchive, place: Place, at: Position): Promise<Life[]> {
  const history = new PlaceHistory(archive.views.level);
  const lives: Life[] = [];
  for (let next: { place: Place; at: Position } | null = { place, at }; next;) {
    const versions = await history.versions(next.place);
    const now = versions.findLastIndex(({ from }) => from <= next!.at);
    if (versions[now]?.entry == null) break;
    const { first, cause } = arrival(archive, versions, now);
    lives.push({ place: next.place, from: first.from, to: departure(versions, now) });
    next = before(cause, next.place, first.from);
  }
  return lives;
}

/** The version with which the entry came to the place, and the event that brought it. */
function arrival(
  archive: OpenArchive,
  versions: readonly Version[],
  now: number,
): { first: Version; cause: HkfsEvent } {
  for (let index = now; ; index -= 1) {
    const first = versions[index]!;
    const cause = archive.log.getSync(first.from);
    const isNew = versions[index - 1]?.entry == null || cause.type === 'directory.added';
    if (isNew || cause.type === 'path.renamed' || cause.type === 'path.restored') return { first, cause };
  }
}

function departure(versions: readonly Version[], now: number): Position {
  const here = versions[now]!.entry!.directoryId;
  const end = versions.slice(now + 1).find(({ entry }) => entry?.directoryId !== here);
  return end?.from ?? Infinity;
}

/** Where and when the entry was before an event brought it to a place; null where that event made it. */
function before(cause: HkfsEvent, place: Place, position: Position): { place: Place; at: Position } | null {
  if (cause.type === 'path.renamed') return { place: cause.from, at: position - 1 };
  return cause.type === 'path.restored' ? { place, at: cause.at } : null;
}
