/** When a path was in the archive, for those who ask for it at another moment. */
import type { Level } from '../../events/level.js';
import type { DirectoryId, Position } from '../../events/types.js';
import * as keys from '../../projections/keys.js';

/** From this position, and up to the one before `to`. */
export interface Span {
  readonly from: Position;
  readonly to: Position;
}

interface Version extends Span {
  /** Null for what is no directory. */
  readonly directoryId: DirectoryId | null;
}

/** Every span of positions in which the path named something, in order. */
export async function spansOfPath(level: Level, path: string, end: Position): Promise<Span[]> {
  let found: Version[] = [{ from: 0, to: end, directoryId: 0 }];
  for (const name of path.split('/')) {
    const next: Version[] = [];
    for (const { directoryId, from, to } of found) {
      if (directoryId === null) continue;
      for (const version of await versionsAt(level, { parent: directoryId, name }, end)) {
        const span = { from: Math.max(from, version.from), to: Math.min(to, version.to) };
        if (span.from < span.to) next.push({ ...version, ...span });
      }
    }
    found = next;
  }
  return merged(found);
}

async function versionsAt(
  level: Level,
  place: { parent: DirectoryId; name: string },
  end: Position,
): Promise<Version[]> {
  const rows = await level.iterator(keys.entryRange(place, end)).all();
  return rows.flatMap(([key, value], index) => {
    if (value.length === 0) return [];
    const next = rows[index + 1];
    const from = keys.readPosition(key, key.length - 8);
    const to = next === undefined ? end : keys.readPosition(next[0], next[0].length - 8);
    return [{ from, to, directoryId: value[0] === 0 ? keys.readPosition(value, 0) : null }];
  });
}

/** Versions that follow each other are one span. */
function merged(versions: readonly Version[]): Span[] {
  const spans: Span[] = [];
  for (const { from, to } of versions.toSorted((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last && last.to >= from) spans[spans.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    else spans.push({ from, to });
  }
  return spans;
}
