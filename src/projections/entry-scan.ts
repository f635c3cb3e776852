/** Entry rows of one moment in the order of their keys, as they are stored: for many directories at once. */
import type { Level } from '../events/level.js';
import type { DirectoryId, Position } from '../events/types.js';
import * as keys from './keys.js';

/** Is given the key and the value of an entry that is there at the moment. */
export type EntryVisit = (key: Buffer, value: Buffer) => void;

const ROWS = 1000;
const ALL = keys.prefixRange(Buffer.from([keys.PREFIX.entry]));

/** The entries of all directories, of those that are not in the tree as well; directories by their ids. */
export function visitAllEntries(level: Level, at: Position, visit: EntryVisit): Promise<void> {
  return visitRange(level, { range: ALL, at }, visit);
}

/** The entries of one directory in byte order of their names. */
export function visitEntriesOf(
  level: Level,
  { id, at }: { id: DirectoryId; at: Position },
  visit: EntryVisit,
): Promise<void> {
  return visitRange(level, { range: keys.directoryRange(id), at }, visit);
}

async function visitRange(
  level: Level,
  { range, at }: { range: keys.KeyRange; at: Position },
  visit: EntryVisit,
): Promise<void> {
  const iterator = level.iterator({ ...range, highWaterMarkBytes: 256 * 1024 });
  const newest = new NewestVersion(at, visit);
  let reading = iterator.nextv(ROWS);
  try {
    for (;;) {
      const rows = await reading;
      if (rows.length === 0) return newest.flush();
      // LevelDB's thread reads on meanwhile.
      reading = iterator.nextv(ROWS);
      reading.catch(() => {}); // the await above reports it
      for (const [key, value] of rows) newest.push(key, value);
    }
  } finally {
    await iterator.close();
  }
}

/** Passes on, of the versions of each name, the last that is not after the moment, unless it says gone. */
class NewestVersion {
  private readonly at: Position;
  private readonly visit: EntryVisit;
  private key: Buffer | null = null;
  private value: Buffer | null = null;

  constructor(at: Position, visit: EntryVisit) {
    this.at = at;
    this.visit = visit;
  }

  push(key: Buffer, value: Buffer): void {
    if (keys.readPosition(key, key.length - 8) > this.at) return;
    if (this.key !== null && !isSamePlace(this.key, key)) this.flush();
    this.key = key;
    this.value = value;
  }

  flush(): void {
    if (this.key !== null && this.value!.length > 0) this.visit(this.key, this.value!);
    this.key = null;
  }
}

function isSamePlace(a: Buffer, b: Buffer): boolean {
  const end = a.length - 8;
  return a.length === b.length && a.compare(b, 0, end, 0, end) === 0;
}
