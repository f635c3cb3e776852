/**
 * What is remembered of directories as of one position, as rows: of each its summary, and those of the
 * directories right in it with their names. So a change is summed up from the rows of the directories
 * above it, and the whole tree of directories is read without an entry row.
 */
import type { Level } from '../events/level.js';
import type { DirectoryId, Position } from '../events/types.js';
import { failpoint } from '../fs/failpoints.js';
import { HASH_BYTES, type ChildDirectory, type DirectoryRow, type Summary } from './directory-digest.js';
import * as keys from './keys.js';

/** Raise it whenever a digest or the shape of a row changes: what is remembered is then forgotten. */
const DIGESTS_VERSION = 1;
const NUMBERS = ['files', 'bytes', 'entries', 'directories', 'linked'] as const;
const SUMMARY_BYTES = HASH_BYTES + 8 * NUMBERS.length;
/** Id, summary, and the length of the name. */
const CHILD_BYTES = 8 + SUMMARY_BYTES + 4;
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
  return value === undefined ? undefined : decodeRow(value);
}

/** Moves what is remembered to another position: these rows changed, no other did. All or nothing. */
export async function writeChangedRows(
  level: Level,
  rows: ReadonlyMap<DirectoryId, DirectoryRow>,
  at: Position,
): Promise<void> {
  const batch = level.batch();
  for (const [id, row] of rows) batch.put(keys.digestKey(id), encodeRow(row));
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
    batch.put(keys.digestKey(id), encodeRow(row));
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

function encodeRow({ summary, children }: DirectoryRow): Buffer {
  const names = children.reduce((sum, { name }) => sum + name.length, 0);
  const value = Buffer.allocUnsafe(SUMMARY_BYTES + children.length * CHILD_BYTES + names);
  writeSummary(value, summary, 0);
  let at = SUMMARY_BYTES;
  for (const child of children) {
    keys.writePosition(value, child.id, at);
    writeSummary(value, child.summary, at + 8);
    value.writeUInt32BE(child.name.length, at + 8 + SUMMARY_BYTES);
    value.set(child.name, at + CHILD_BYTES);
    at += CHILD_BYTES + child.name.length;
  }
  return value;
}

function decodeRow(value: Buffer): DirectoryRow {
  const children: ChildDirectory[] = [];
  for (let at = SUMMARY_BYTES; at < value.length;) {
    const end = at + CHILD_BYTES + value.readUInt32BE(at + 8 + SUMMARY_BYTES);
    children.push({
      id: keys.readPosition(value, at),
      summary: readSummary(value, at + 8),
      name: value.subarray(at + CHILD_BYTES, end),
    });
    at = end;
  }
  return { summary: readSummary(value, 0), children };
}

function writeSummary(target: Buffer, summary: Summary, offset: number): void {
  target.set(summary.digest, offset);
  for (const [at, field] of NUMBERS.entries())
    keys.writePosition(target, summary[field], offset + HASH_BYTES + 8 * at);
}

function readSummary(bytes: Buffer, offset: number): Summary {
  const number = (at: number): number => keys.readPosition(bytes, offset + HASH_BYTES + 8 * at);
  return {
    digest: bytes.subarray(offset, offset + HASH_BYTES),
    files: number(0),
    bytes: number(1),
    entries: number(2),
    directories: number(3),
    linked: number(4),
  };
}
