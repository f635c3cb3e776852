/**
 * The Merkle tree behind the head, as far as it is worth keeping: the roots of all complete subtrees of
 * 256 leaves and more, one row each, written in the batch of the commit that completes them. What is
 * below is hashed again from at most 256 events. So a proof costs the same whatever the log's length.
 *
 * The rows follow from the events and may lack from some block of 256 on: in logs from before they were
 * kept, and where commits came in without them. They are filled in when they are first needed.
 */
import { explainLevelError, type Level } from './level.js';
import { eventKey, eventPosition, subtreeIndex, subtreeKey } from './log-keys.js';
import { gap } from './log-errors.js';
import { CompactRange, HASH_BYTES, KEPT_HEIGHT, leafHash, nodeHash, type Subtree } from './merkle.js';
import type { LeafSpan } from './merkle-proofs.js';
import { scan } from './scan.js';
import type { Position } from './types.js';

/** Leaves of the smallest subtree that is kept. */
const BLOCK = 2 ** KEPT_HEIGHT;
/** Rows of one batch while filling in: of about a million events. */
const FILL_ROWS = 8192;
/** A row that is lost gives a wrong proof: whoever checks it has all rows made again. */
const LOST = Buffer.alloc(HASH_BYTES);

export class HashTree {
  readonly #level: Level;
  /** Blocks whose roots are there, with all that is above them; null while nobody has looked. */
  #blocks: number | null = null;
  #filling: Promise<void> = Promise.resolve();

  constructor(level: Level) {
    this.#level = level;
  }

  /**
   * The rows that belong into the batch of a commit.
   *
   * @param first where the commit begins
   * @param completed the subtrees that it completes
   */
  async rowsOf(first: Position, completed: readonly Subtree[]): Promise<[Buffer, Buffer][]> {
    if (completed.length === 0) return [];
    this.#blocks ??= await this.#count();
    // After a gap nothing is written: rows are to have no holes, so that their end says how many there are.
    return this.#blocks === Math.floor(first / BLOCK) ? completed.map(rowOf) : [];
  }

  /** These rows are written. Those that do not go on where the others end wait to be written again. */
  written(rows: readonly [Buffer, Buffer][]): void {
    for (const [key] of rows)
      if (key[1] === KEPT_HEIGHT && subtreeIndex(key) === this.#blocks) this.#blocks += 1;
  }

  /** Makes sure of the rows of the first `size` events. */
  async fill(size: Position): Promise<void> {
    const mine = this.#filling.catch(() => {}).then(() => this.#fill(Math.floor(size / BLOCK)));
    this.#filling = mine;
    await mine;
  }

  /** Forgets all rows: they follow from the events. */
  async clear(): Promise<void> {
    this.#blocks = 0;
    await this.#level.clear({ gte: subtreeKey(0, 0), lte: subtreeKey(255, Number.MAX_SAFE_INTEGER) });
  }

  /**
   * The Merkle tree hashes of these leaves, each span as it stands in a proof. The rows are there already.
   *
   * @throws HkfsError LOG_GAP, LOG_DAMAGED or IO_ERROR
   */
  async hashes(spans: readonly LeafSpan[]): Promise<Buffer[]> {
    const blocks = new Blocks(this.#level);
    const hashes: Buffer[] = [];
    for (const { start, end } of spans) {
      const roots: Buffer[] = [];
      for (const { height, index } of subtreesIn(start, end))
        roots.push(
          height < KEPT_HEIGHT ? await blocks.subtree(height, index) : (this.#row(height, index) ?? LOST),
        );
      hashes.push(roots.reduceRight((right, left) => nodeHash(left, right)));
    }
    return hashes;
  }

  async #fill(blocks: number): Promise<void> {
    this.#blocks ??= await this.#count();
    if (this.#blocks >= blocks) return;
    const from = this.#blocks * BLOCK;
    const roots = subtreesIn(0, from).map(({ height, index }) => this.#row(height, index));
    if (roots.includes(undefined)) return this.clear().then(() => this.#fill(blocks));
    const completed: Subtree[] = [];
    const filled = CompactRange.from(from, roots as Buffer[]).clone(completed);
    for await (const events of scan(this.#level, { gte: eventKey(from), lt: eventKey(blocks * BLOCK) })) {
      for (const [key, bytes] of events) {
        if (eventPosition(key) !== filled.size) throw gap(filled.size);
        filled.append(bytes);
      }
      if (completed.length >= FILL_ROWS) await this.#put(completed.splice(0));
    }
    if (filled.size !== blocks * BLOCK) throw gap(filled.size);
    await this.#put(completed);
  }

  /** Not synced: what is lost of it with the power is filled in again. */
  async #put(completed: readonly Subtree[]): Promise<void> {
    const rows = completed.map(rowOf);
    const batch = this.#level.batch();
    for (const [key, value] of rows) batch.put(key, value);
    try {
      await batch.write();
    } catch (error) {
      throw explainLevelError(error, this.#level.location);
    }
    this.written(rows);
  }

  async #count(): Promise<number> {
    const blocks = { gte: subtreeKey(KEPT_HEIGHT, 0), lt: subtreeKey(KEPT_HEIGHT + 1, 0) };
    for await (const [last] of scan(this.#level, { ...blocks, reverse: true, limit: 1 }))
      if (last !== undefined) return subtreeIndex(last[0]) + 1;
    return 0;
  }

  #row(height: number, index: number): Buffer | undefined {
    // A few dozen rows that stand close together: less than as many turns of the event loop.
    try {
      const hash = this.#level.getSync(subtreeKey(height, index));
      return hash?.length === HASH_BYTES ? hash : undefined;
    } catch (error) {
      throw explainLevelError(error, this.#level.location);
    }
  }
}

/** The leaf hashes of the blocks that one proof reaches into: never more than two. */
class Blocks {
  readonly #level: Level;
  readonly #leaves = new Map<number, Buffer[]>();

  constructor(level: Level) {
    this.#level = level;
  }

  async subtree(height: number, index: number): Promise<Buffer> {
    const first = index * 2 ** height;
    const block = Math.floor(first / BLOCK);
    const leaves = this.#leaves.get(block) ?? (await this.#read(block));
    this.#leaves.set(block, leaves);
    const start = first - block * BLOCK;
    return rootOf(leaves.slice(start, start + 2 ** height));
  }

  async #read(block: number): Promise<Buffer[]> {
    const leaves: Buffer[] = [];
    const [from, to] = [block * BLOCK, (block + 1) * BLOCK];
    for await (const events of scan(this.#level, { gte: eventKey(from), lt: eventKey(to) }))
      for (const [key, bytes] of events) {
        if (eventPosition(key) !== from + leaves.length) throw gap(from + leaves.length);
        leaves.push(leafHash(bytes));
      }
    return leaves;
  }
}

/** The perfect subtrees that a span falls into, from left to right. */
function subtreesIn(start: number, end: number): { height: number; index: number }[] {
  const subtrees: { height: number; index: number }[] = [];
  for (let at = start; at < end;) {
    let height = Math.floor(Math.log2(end - at));
    // The logarithm of a number just below a large power of two is rounded up to that of the power.
    if (2 ** height > end - at) height -= 1;
    subtrees.push({ height, index: at / 2 ** height });
    at += 2 ** height;
  }
  return subtrees;
}

/** Of a power of two of leaf hashes. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  let level = hashes;
  while (level.length > 1)
    level = level.flatMap((left, at) => (at % 2 === 0 ? [nodeHash(left, level[at + 1]!)] : []));
  return level[0]!;
}

function rowOf({ height, index, hash }: Subtree): [Buffer, Buffer] {
  return [subtreeKey(height, index), Buffer.from(hash, 'latin1')];
}
