/**
 * What is remembered of directories as of one position, as rows: of each its summary and, where directories
 * are right in it, theirs, their names and the bytes that were hashed (directory-row.ts). So a change is
 * summed up from the rows of the directories above it, and the whole tree of directories is read without an
 * entry row.
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
const ROWS_AT_ONCE = 4096;

/** The position as of which the rows hold; null where there are none. */
export function readCheckpoint(level: Level): Position | null {
  const value = level.getSync(CHECKPOINT);
  return value?.length === 9 && value[0] === DIGESTS_VERSION ? keys.readPosition(value, 1) : null;
}

export function readRow(level: Level, id: DirectoryId): DirectoryRow | undefined {
  const value = level.getSync(keys.digestKey(id));
  return value === undefined ? undefined : new DirectoryRow(value);
}

/** Moves what is remembered to another position: these rows changed, no other did. All or nothing. */
export async function writeChangedRows(
  level: Level,
  rows: ReadonlyMap<DirectoryId, DirectoryRow>,
  at: Position,
): Promise<void> {
  const batch = level.batch();
  for (const [id, row] of rows) batch.put(keys.digestKey(id), row.value);
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
  for (const [id, row] of rows) {
    batch.put(keys.digestKey(id), row.value);
    if (batch.length < ROWS_AT_ONCE) continue;
    await batch.write();
    batch = level.batch();
  }
  batch.put(CHECKPOINT, checkpointValue(at));
  await batch.write();
}

function checkpointValue(at: Position): Buffer {
  return Buffer.concat([Buffer.of(DIGESTS_VERSION), keys.positionBytes(at)]);
}
