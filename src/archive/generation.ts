/**
 * What is remembered of inodes holds for this disk only. `.hkfs/place` is a file that nobody touches: found
 * on another inode, device or machine than remembered, or with another ctime, the archive is a copy of what
 * it was, or its disk was made anew. Then a new generation begins: what was remembered of inodes is dropped,
 * and what the log says of them until now is of other inodes.
 */
import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf } from '../errors.js';
import type { Level } from '../events/level.js';
import type { Position } from '../events/types.js';
import { failpoint } from '../fs/failpoints.js';
import { toFsPath } from '../fs/names.js';
import { ABSENT_RANGE, localKey, PREFIX, readPosition, REFUSED, writePosition } from '../projections/keys.js';
import type { Layout } from './layout.js';

export interface Generation {
  /** Events from here on speak of inodes as they are here. */
  readonly since: Position;
  /** When it began, by the clock of the file system; null where it could not be noted. */
  readonly beganNs: bigint | null;
}

interface Place {
  readonly device: bigint;
  readonly inode: bigint;
  readonly ctimeNs: bigint;
}

const ROW = localKey('generation');
/** How far the tree follows the log, and what it lacks, is a matter of names: copied together, both are as they were. */
const TREE = localKey('tree');
const NUMBERS_BYTES = 32;
const TEXT = 'The inode of this file tells hkfs whether it is still where it was. Leave it alone.\n';
/** Nothing can be noted there: what is remembered is dropped by each process that opens the archive. */
const UNWRITABLE: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT']);

/**
 * @param size of the log: where a generation begins that has to begin now
 * @param isAside what is remembered is a copy, of an archive that is left as it is
 */
export async function openGeneration(
  level: Level,
  layout: Layout,
  {
    size,
    machine = machineId(),
    isAside = false,
  }: { readonly size: Position; readonly machine?: string; readonly isAside?: boolean },
): Promise<Generation> {
  const row = await level.get(ROW);
  const there = placeOf(layout);
  if (row !== undefined && there !== null && isRow(row, there, machine))
    return { since: readPosition(row, 24), beganNs: there.ctimeNs };
  return beginGeneration(level, layout, { size, machine, isAside });
}

/** The row comes last: a kill before leaves a marker that fits no row, and all of this is done again. */
async function beginGeneration(
  level: Level,
  layout: Layout,
  {
    size,
    machine,
    isAside,
  }: { readonly size: Position; readonly machine: string; readonly isAside: boolean },
): Promise<Generation> {
  const behind = Buffer.of(PREFIX.local + 1);
  // What the tree lacks, it lacks in a copy as well.
  await level.clear({ gte: ABSENT_RANGE.lt, lt: TREE });
  await level.clear({ gt: TREE, lt: REFUSED.gte });
  await level.clear({ gte: REFUSED.lt, lt: behind });
  failpoint('generation.dropped');
  const place = isAside ? null : markPlace(layout);
  failpoint('generation.marked');
  if (place !== null) await level.put(ROW, rowOf(place, size, machine));
  return { since: size, beganNs: place?.ctimeNs ?? null };
}

/** What others have appended is of other inodes: what was remembered of ours stays. */
export async function moveSince(level: Level, since: Position): Promise<void> {
  const row = await level.get(ROW);
  if (row === undefined) return;
  const moved = Buffer.from(row);
  writePosition(moved, since, 24);
  await level.put(ROW, moved);
}

function markPlace(layout: Layout): Place | null {
  try {
    rmSync(toFsPath(layout.place), { force: true, recursive: true });
    writeFileSync(toFsPath(layout.place), TEXT, { flag: 'wx', mode: 0o444 });
  } catch (error) {
    if (UNWRITABLE.has(errnoOf(error) ?? '')) return null;
    throw error;
  }
  return placeOf(layout);
}

function placeOf(layout: Layout): Place | null {
  const stat = lstatSync(toFsPath(layout.place), { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() ? { device: stat.dev, inode: stat.ino, ctimeNs: stat.ctimeNs } : null;
}

function isRow(row: Buffer, { device, inode, ctimeNs }: Place, machine: string): boolean {
  return (
    row.length >= NUMBERS_BYTES &&
    row.readBigUInt64BE(0) === device &&
    row.readBigUInt64BE(8) === inode &&
    row.readBigInt64BE(16) === ctimeNs &&
    row.toString('utf8', NUMBERS_BYTES) === machine
  );
}

function rowOf({ device, inode, ctimeNs }: Place, since: Position, machine: string): Buffer {
  const numbers = Buffer.alloc(NUMBERS_BYTES);
  numbers.writeBigUInt64BE(device, 0);
  numbers.writeBigUInt64BE(inode, 8);
  numbers.writeBigInt64BE(ctimeNs, 16);
  writePosition(numbers, since, 24);
  return Buffer.concat([numbers, Buffer.from(machine)]);
}

/** Of this machine, so that a disk that was changed elsewhere counts as another. */
function machineId(): string {
  try {
    const id = readFileSync('/etc/machine-id', 'utf8').trim();
    if (id !== '') return id;
  } catch (error) {
    if (!['ENOENT', 'EACCES'].includes(errnoOf(error) ?? '')) throw error;
  }
  return hostname();
}
