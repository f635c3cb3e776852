/**
 * The projections of the log, in one LevelDB: rows and checkpoint are written in one batch, so the
 * views are always exactly the fold of a prefix of the log. They may be deleted at any time.
 */
import {
  explainLevelError,
  flushLevel,
  openLevel,
  type Level,
  type LevelChange,
  type LevelPut,
} from '../events/level.js';
import { together } from '../fs/together.js';
import type { EventRecord, Place, Position } from '../events/types.js';
import { RawEvent, peekType } from '../events/raw-event.js';
import { evolveRaw } from './evolve-raw.js';
import { evolveWithLookup, needsLookup } from './evolve.js';
import * as keys from './keys.js';

/** Raise it whenever evolve or the shape of a row changes: older views are then rebuilt. */
export const VIEWS_VERSION = 1;

const CHECKPOINT = keys.metaKey('checkpoint');
const VERSION = keys.metaKey('version');
const TREE = keys.localKey('tree');

const WRITE_BUFFER = 8 << 20;
const BULK_WRITE_BUFFER = 32 << 20;

/** The tree's checkpoint, to be written together with other rows. */
export function treeRow(position: Position): LevelPut {
  return { type: 'put', key: TREE, value: keys.positionBytes(position) };
}

export class Views {
  readonly level: Level;
  /** The first position that is not folded yet. */
  position: Position;
  /** The first position whose rows were not made yet. */
  private folded: Position;
  private readonly raw = new RawEvent();
  private writing: Promise<void> = Promise.resolve();

  private constructor(level: Level, position: Position) {
    this.level = level;
    this.position = position;
    this.folded = position;
  }

  /**
   * Views made by another version come back empty of meaning: the caller rebuilds on null.
   *
   * @param bulk to be filled at once: more memory, and a fifth less time
   */
  static async open(location: string, create: boolean, bulk = false): Promise<Views | null> {
    const writeBufferSize = bulk ? BULK_WRITE_BUFFER : WRITE_BUFFER;
    const damage = 'VIEWS_DAMAGED';
    const level = await openLevel(location, { createIfMissing: create, writeBufferSize, damage });
    try {
      const position = await positionOf(level);
      if (position === null) await level.close();
      return position === null ? null : new Views(level, position);
    } catch (error) {
      await level.close();
      throw explainLevelError(error, location, damage);
    }
  }

  /**
   * Folds records that follow the checkpoint and writes their rows, the checkpoint and the local
   * rows as one batch. Calls may overlap: the rows of the next are made while those of the one before
   * are written, in order.
   */
  async apply(records: readonly EventRecord[], local: readonly LevelPut[] = []): Promise<void> {
    const fresh = records.filter((record) => record.position >= this.folded);
    const stray = fresh.find(({ position }, index) => position !== this.folded + index);
    if (stray) throw new Error(`views stand at ${this.folded}, got events from ${stray.position}`);
    const next = this.folded + fresh.length;
    this.folded = next;
    const before = this.writing;
    const made = this.rowsOf(fresh, [...local, ...checkpoint(fresh, next)], before);
    this.writing = together([made, before]).then(([batch]) => batch.write());
    this.writing.catch(() => {}); // this call awaits it, and so does the next
    await this.writing;
    this.position = next;
  }

  /** The first position whose effect on the tree on disk is not known to be done; null: unknown. */
  async treePosition(): Promise<Position | null> {
    const value = await this.level.get(TREE);
    return value === undefined ? null : keys.readPosition(value, 0);
  }

  /** Only what a sync of the tree has covered: these rows may be on the disk before anything else is. */
  async setTreePosition(position: Position, local: readonly LevelChange[] = []): Promise<void> {
    await this.level.batch([treeRow(position), ...local]);
  }

  /** The rows that are not derived from the log, for the next generation of the views. */
  async *localRows(): AsyncGenerator<LevelPut[]> {
    yield* readRows(this.level, keys.prefixRange(Buffer.from([keys.PREFIX.local])));
  }

  async close(flush = false): Promise<void> {
    if (flush) await flushLevel(this.level);
    await this.level.close();
  }

  /** Rows that need no lookup are made at once; the others when the batches before can be read. */
  private async rowsOf(
    records: readonly EventRecord[],
    others: readonly LevelPut[],
    before: Promise<void>,
  ): Promise<RowBatch> {
    const batch = new RowBatch(this.level);
    for (const { key, value } of others) batch.put(key, value);
    if (!records.some((record) => needsLookup(peekType(record.bytes)))) {
      for (const record of records) evolveRaw(record, batch, this.raw);
      return batch;
    }
    await before;
    batch.rememberEntries();
    const lookup = async (place: Place, at = Number.MAX_SAFE_INTEGER - 1): Promise<Buffer | undefined> =>
      batch.entryAt(place, at) ?? (await entryAt(this.level, place, at));
    for (const record of records) await evolveWithLookup(record, batch, lookup);
    return batch;
  }
}

function checkpoint(records: readonly EventRecord[], next: Position): LevelPut[] {
  return records.length === 0 ? [] : [{ type: 'put', key: CHECKPOINT, value: keys.positionBytes(next) }];
}

/** The checkpoint, 0 for new views, null for those of another version. */
async function positionOf(level: Level): Promise<Position | null> {
  const version = await level.get(VERSION);
  const checkpoint = await level.get(CHECKPOINT);
  if (version === undefined && checkpoint === undefined) {
    await level.put(VERSION, Buffer.from([VIEWS_VERSION]));
    return 0;
  }
  const isKnown = version?.[0] === VIEWS_VERSION && checkpoint?.length === 8;
  return isKnown ? keys.readPosition(checkpoint, 0) : null;
}

/** Rows of one batch; remembers the entries of each place where events ask for them. */
class RowBatch {
  // A chained batch: its puts go straight to LevelDB's own buffer instead of through an array.
  private readonly batch: ReturnType<Level['batch']>;
  private entries: Map<string, { position: Position; value: Buffer }[]> | null = null;

  constructor(level: Level) {
    this.batch = level.batch();
  }

  put(key: Buffer, value: Uint8Array): void {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.length);
    this.batch.put(key, bytes);
    if (this.entries && key[0] === keys.PREFIX.entry) this.remember(this.entries, key, bytes);
  }

  write(): Promise<void> {
    return this.batch.write();
  }

  rememberEntries(): void {
    this.entries = new Map();
  }

  /** What this batch put at the place, not after the position. */
  entryAt(place: Place, at: Position): Buffer | undefined {
    const key = keys.entryKey(place, 0);
    const versions = this.entries?.get(key.toString('latin1', 0, key.length - 8)) ?? [];
    return versions.findLast(({ position }) => position <= at)?.value;
  }

  private remember(entries: NonNullable<RowBatch['entries']>, key: Buffer, value: Buffer): void {
    const place = key.toString('latin1', 0, key.length - 8);
    const version = { position: keys.readPosition(key, key.length - 8), value };
    const versions = entries.get(place);
    if (versions) versions.push(version);
    else entries.set(place, [version]);
  }
}

async function entryAt(level: Level, place: Place, at: Position): Promise<Buffer | undefined> {
  const range = keys.entryRange(place, at);
  for await (const value of level.values({ ...range, reverse: true, limit: 1 })) return value;
  return undefined;
}

/** Rows of a range in batches, without holding more than one batch in memory. */
export async function* readRows(
  level: Level,
  range: keys.KeyRange,
  batch = 1000,
): AsyncGenerator<LevelPut[]> {
  const iterator = level.iterator({ ...range, highWaterMarkBytes: 256 * 1024 });
  try {
    for (;;) {
      const rows = await iterator.nextv(batch);
      if (rows.length === 0) return;
      yield rows.map(([key, value]) => ({ type: 'put', key, value }));
    }
  } finally {
    await iterator.close();
  }
}
