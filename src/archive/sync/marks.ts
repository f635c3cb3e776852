/**
 * What directories looked like when sync last found them as recorded. A directory that still looks so,
 * and that no event spoke of since, is as recorded: none of its entries has to be looked up.
 */
import type { LevelPut } from '../../events/level.js';
import type { DirectoryId, EventRecord, Position } from '../../events/types.js';
import { DIGEST_BYTES } from '../../fs/survey.js';
import { nameFromBytes, nameToBytes } from '../../fs/names.js';
import { localKey, markKey, positionBytes, readPosition, writePosition } from '../../projections/keys.js';
import type { OpenArchive } from '../open-archive.js';

/** What of a directory's own attributes tells a person's change from ours. */
export interface SeenDirectory {
  readonly id: DirectoryId;
  readonly name: string;
  readonly inode: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface Mark {
  /** Zeros: it is known, but not as unchanged. */
  readonly digest: Uint8Array;
  readonly entries: number;
  readonly children: readonly SeenDirectory[];
}

const SYNCED = localKey('synced');
const CHILD_BYTES = 30;
/** From so many events on, comparing every directory costs less than finding those they speak of. */
const MAX_EVENTS = 200_000;
const WRITE_BATCH = 500;

export class Marks {
  private readonly archive: OpenArchive;
  private readonly isDirty: (id: DirectoryId) => boolean;
  private rows: LevelPut[] = [];

  private constructor(archive: OpenArchive, isDirty: (id: DirectoryId) => boolean) {
    this.archive = archive;
    this.isDirty = isDirty;
  }

  static async open(archive: OpenArchive): Promise<Marks> {
    const from = await comparedUpTo(archive);
    if (from === null || archive.log.size - from > MAX_EVENTS) return new Marks(archive, () => true);
    const touched = await touchedDirectories(archive, from);
    return new Marks(archive, touched === null ? () => true : (id) => touched.has(id));
  }

  async read(ids: readonly DirectoryId[]): Promise<(Mark | null)[]> {
    const values = await this.archive.views.level.getMany(ids.map(markKey));
    return values.map((value, index) =>
      value === undefined || this.isDirty(ids[index]!) ? null : parseMark(value),
    );
  }

  async write(id: DirectoryId, mark: Mark): Promise<void> {
    this.rows.push({ type: 'put', key: markKey(id), value: markValue(mark) });
    if (this.rows.length >= WRITE_BATCH) await this.flush();
  }

  /** @param at the moment that the tree was compared with */
  async close(at: Position, unmarked: readonly DirectoryId[]): Promise<void> {
    await this.flush();
    const { level } = this.archive.views;
    await level.batch([
      ...unmarked.map((id) => ({ type: 'del' as const, key: markKey(id) })),
      { type: 'put', key: SYNCED, value: await syncedValue(this.archive, at) },
    ]);
  }

  async flush(): Promise<void> {
    const rows = this.rows;
    this.rows = [];
    await this.archive.views.level.batch(rows);
  }
}

/** The first event that the marks do not know; null when they are of no use. */
async function comparedUpTo(archive: OpenArchive): Promise<Position | null> {
  const value = await archive.views.level.get(SYNCED);
  if (value === undefined) return null;
  const from = readPosition(value, 0);
  if (from > archive.log.size) return null;
  // A log that lost its tail and grew again has other events there, and other directories.
  return value.equals(await syncedValue(archive, from - 1)) ? from : null;
}

async function syncedValue(archive: OpenArchive, at: Position): Promise<Buffer> {
  const { timeMs } = await archive.log.commitAt(at);
  return Buffer.concat([positionBytes(at + 1), positionBytes(timeMs)]);
}

/** Null: inodes of objects changed, so that any directory may be concerned. */
async function touchedDirectories(archive: OpenArchive, from: Position): Promise<Set<DirectoryId> | null> {
  const touched = new Set<DirectoryId>();
  for await (const records of archive.log.read({ from, to: archive.log.size }))
    for (const { event } of records as readonly EventRecord[])
      if (event.type === 'object.relocated' || event.type === 'object.removed') return null;
      else if (event.type === 'path.renamed') touched.add(event.from.parent).add(event.to.parent);
      else if ('parent' in event) touched.add(event.parent);
  return touched;
}

function markValue({ digest, entries, children }: Mark): Buffer {
  const names = children.map(({ name }) => nameToBytes(name));
  const length = names.reduce((sum, name) => sum + CHILD_BYTES + name.length, DIGEST_BYTES + 4);
  const value = Buffer.alloc(length);
  value.set(digest, 0);
  value.writeUInt32BE(entries, DIGEST_BYTES);
  let at = DIGEST_BYTES + 4;
  for (const [index, child] of children.entries()) {
    const name = names[index]!;
    writePosition(value, child.id, at);
    value.writeBigUInt64BE(BigInt.asUintN(64, child.inode), at + 8);
    value.writeUInt32BE(child.mode, at + 16);
    value.writeUInt32BE(child.uid, at + 20);
    value.writeUInt32BE(child.gid, at + 24);
    value.writeUInt16BE(name.length, at + 28);
    value.set(name, at + CHILD_BYTES);
    at += CHILD_BYTES + name.length;
  }
  return value;
}

function parseMark(value: Buffer): Mark {
  const children: SeenDirectory[] = [];
  for (let at = DIGEST_BYTES + 4; at < value.length;) {
    const end = at + CHILD_BYTES + value.readUInt16BE(at + 28);
    children.push({
      id: readPosition(value, at),
      inode: value.readBigUInt64BE(at + 8),
      mode: value.readUInt32BE(at + 16),
      uid: value.readUInt32BE(at + 20),
      gid: value.readUInt32BE(at + 24),
      name: nameFromBytes(value.subarray(at + CHILD_BYTES, end)),
    });
    at = end;
  }
  return { digest: value.subarray(0, DIGEST_BYTES), entries: value.readUInt32BE(DIGEST_BYTES), children };
}
