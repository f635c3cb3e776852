/**
 * What is remembered of directories as of one position, as rows: of each its summary and, where directories
 * are right in it, theirs, their names and the bytes that were hashed (directory-row.ts). So a change is
 * summed up from the rows of the directories above it, and the whole tree of directories is read without an
 * entry row.
 *
 * A long row is kept in pieces, so that a change far below writes a few of them and not the megabyte that a
 * directory of ten thousand has.
 */
import type { Level } from '../events/level.js';
import type { DirectoryId, Position } from '../events/types.js';
import { failpoint } from '../fs/failpoints.js';
import { DirectoryRow } from './directory-row.js';
import * as keys from './keys.js';

/** Raise it whenever a digest or the shape of a row changes: what is remembered is then forgotten. */
const DIGESTS_VERSION = 2;
/** Sorts before all rows. */
const CHECKPOINT = Buffer.from([keys.PREFIX.digest]);
const ALL = { gte: CHECKPOINT, lt: Buffer.from([keys.PREFIX.digest + 1]) };
const BYTES_AT_ONCE = 1 << 20;
const PIECE_BYTES = 32 * 1024;
const NOTHING = Buffer.alloc(0);

/** The position as of which the rows hold; null where there are none. */
export function readCheckpoint(level: Level): Position | null {
  const value = level.getSync(CHECKPOINT);
  return value?.length === 9 && value[0] === DIGESTS_VERSION ? keys.readPosition(value, 1) : null;
}

export function readRow(level: Level, id: DirectoryId): DirectoryRow | undefined {
  const value = readValue(level, id);
  return value === undefined ? undefined : new DirectoryRow(value);
}

/** A piece that is not full is the last. */
function readValue(level: Level, id: DirectoryId): Buffer | undefined {
  const first = level.getSync(keys.digestKey(id));
  if (first === undefined || first.length < PIECE_BYTES) return first;
  const pieces = [first];
  for (let last = first; last.length === PIECE_BYTES; pieces.push(last))
    last = level.getSync(keys.digestKey(id, pieces.length)) ?? NOTHING;
  return Buffer.concat(pieces);
}

/** Moves what is remembered to another position: these rows changed, no other did. All or nothing. */
export async function writeChangedRows(
  level: Level,
  rows: ReadonlyMap<DirectoryId, DirectoryRow>,
  at: Position,
): Promise<void> {
  const batch = level.batch();
  for (const [id, row] of rows) {
    const before = readValue(level, id) ?? NOTHING;
    putChangedPieces(batch, id, { before, after: row.value });
  }
  batch.put(CHECKPOINT, checkpointValue(at));
  await batch.write();
  failpoint('digests.changed');
}

/** Forgets everything, then remembers these rows. A kill meanwhile leaves nothing that counts. */
export async function writeAllRows(
  level: Level,
  rows: ReadonlyMap<DirectoryId, DirectoryRow>,
  at: Position,
): Promise<void> {
  await level.del(CHECKPOINT);
  failpoint('digests.forget');
  await level.clear(ALL);
  failpoint('digests.forgotten');
  let batch = level.batch();
  let bytes = 0;
  for (const [id, { value }] of rows) {
    putChangedPieces(batch, id, { before: NOTHING, after: value });
    bytes += value.length;
    if (bytes < BYTES_AT_ONCE) continue;
    await batch.write();
    batch = level.batch();
    bytes = 0;
  }
  batch.put(CHECKPOINT, checkpointValue(at));
  await batch.write();
}

type Batch = ReturnType<Level['batch']>;

function putChangedPieces(
  batch: Batch,
  id: DirectoryId,
  { before, after }: { before: Buffer; after: Buffer },
): void {
  const length = Math.max(before.length, after.length);
  for (let at = 0, piece = 0; at < length; at += PIECE_BYTES, piece += 1) {
    const bytes = after.subarray(at, at + PIECE_BYTES);
    if (bytes.length === 0) batch.del(keys.digestKey(id, piece));
    else if (!bytes.equals(before.subarray(at, at + PIECE_BYTES)))
      batch.put(keys.digestKey(id, piece), bytes);
  }
}

function checkpointValue(at: Position): Buffer {
  return Buffer.concat([Buffer.of(DIGESTS_VERSION), keys.positionBytes(at)]);
}
