/**
 * Contents of members on their way to the threads: small ones are packed into blocks of shared memory,
 * a block a task; large ones are staged here as they come. A batch keeps the order of its members.
 */
import type { FileStat } from '../../../fs/stats.js';
import { StatTable } from '../../../fs/stats.js';
import { StagedContent } from '../../../fs/deposit.js';
import { hashToHex } from '../../../fs/hash.js';
import { lstatOrNull } from '../../../fs/scan.js';
import { objectPath } from '../../../fs/stage.js';
import { STAGE, type DepositTask, type StageResult } from '../../../fs/tasks.js';
import type { Hash } from '../../../events/types.js';
import type { TarMember } from '../../../tar/tar-member.js';
import type { Committer } from '../../committer.js';
import type { OpenArchive } from '../../open-archive.js';

/** A content up to this size is packed. */
const MAX_PACKED = 1 << 20;
const SLOT_BYTES = 2 << 20;
const MAX_ITEMS = 512;

/** What is known of a member's content once its batch is done. */
export interface ItemContent {
  readonly hash: Hash;
  readonly staged: { readonly id: number; readonly stat: FileStat } | null;
  readonly present: FileStat | null;
  readonly stageAgain: () => Promise<{ id: number; stat: FileStat }>;
}

export interface Item {
  readonly member: TarMember;
  readonly names: readonly string[];
  /** Null for whatever has no bytes. */
  readonly content: ItemContent | null;
}

interface Waiting {
  readonly member: TarMember;
  readonly names: readonly string[];
  /** In the block: which of its contents. */
  readonly packed: number | null;
  readonly large: ItemContent | null;
}

interface Batch {
  readonly slot: SharedArrayBuffer;
  readonly items: Waiting[];
  readonly sizes: number[];
  readonly mtimes: bigint[];
  used: number;
}

interface InFlight {
  readonly batch: Batch;
  readonly task: DepositTask;
  readonly result: Promise<StageResult>;
}

interface Options {
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
}

export class MemberBatches {
  private readonly archive: OpenArchive;
  private readonly committer: Committer;
  private readonly options: Options;
  private readonly slots: SharedArrayBuffer[] = [];
  private readonly inFlight: InFlight[] = [];
  private batch: Batch;
  /** The content that is coming. */
  private open: {
    item: Omit<Waiting, 'packed' | 'large'>;
    staged: StagedContent | null;
    id: number;
    at: number;
  } | null = null;

  constructor(archive: OpenArchive, committer: Committer, options: Options) {
    this.archive = archive;
    this.committer = committer;
    this.options = options;
    this.batch = this.emptyBatch();
  }

  /** Whether so much is under way that a batch should be taken before more is added. */
  get isBusy(): boolean {
    return this.inFlight.length > this.archive.pool.size * 2;
  }

  /** A member without content. */
  add(member: TarMember, names: readonly string[]): void {
    this.batch.items.push({ member, names, packed: null, large: null });
    if (this.batch.items.length >= MAX_ITEMS) this.submit();
  }

  /** A member whose content comes now, by `write`, until `finish` or `drop`. */
  begin(member: TarMember, names: readonly string[]): void {
    const item = { member, names };
    // Packed bytes have no holes.
    if (member.size <= MAX_PACKED && !member.sparse) {
      if (this.batch.used + member.size > SLOT_BYTES) this.submit();
      this.open = { item, staged: null, id: 0, at: this.batch.used };
      return;
    }
    const id = this.committer.reserveStagedIds(1);
    const { dryRun, signal } = this.options;
    const staged = new StagedContent(`${this.archive.layout.staging}/${id}`, !dryRun, signal);
    this.open = { item, staged, id, at: 0 };
  }

  /** @returns a promise only where there is something to wait for */
  write(bytes: Buffer, offset: number): Promise<void> | undefined {
    const { staged, at } = this.open!;
    if (staged !== null) return staged.write(bytes, offset);
    new Uint8Array(this.batch.slot).set(bytes, at + offset);
    return undefined;
  }

  async finish(): Promise<void> {
    const { item, staged, id } = this.open!;
    const { size, mtimeNs } = item.member;
    if (staged === null) {
      this.batch.items.push({ ...item, packed: this.batch.sizes.length, large: null });
      this.batch.sizes.push(size);
      this.batch.mtimes.push(mtimeNs);
      this.batch.used += size;
    } else {
      const { hash, stat } = await staged.finish(size, mtimeNs);
      const present = lstatOrNull(objectPath(this.archive.layout.objects, hash));
      const kept = stat === null ? null : { id, stat };
      const stageAgain = (): Promise<never> => Promise.reject(new Error('a large content is staged already'));
      this.batch.items.push({
        ...item,
        packed: null,
        large: { hash: hashToHex(hash), staged: kept, present, stageAgain },
      });
    }
    this.open = null;
    if (this.batch.items.length >= MAX_ITEMS) this.submit();
  }

  /** The content did not become whole. */
  drop(): void {
    this.open?.staged?.discard();
    this.open = null;
  }

  /** Hands over what waits. */
  submit(): void {
    const { batch } = this;
    if (batch.items.length === 0) return;
    const firstId = this.committer.reserveStagedIds(batch.sizes.length);
    const task = this.taskOf(batch, {
      sizes: batch.sizes,
      mtimes: batch.mtimes,
      firstId,
      offset: 0,
      force: false,
    });
    const result = batch.sizes.length === 0 ? Promise.resolve(NOTHING) : this.archive.pool.run(task);
    result.catch(() => {}); // awaited in takeOldest
    this.inFlight.push({ batch, task, result });
    this.batch = this.emptyBatch();
  }

  /** The members of the oldest batch, in order; null when there is none. `done` gives its memory back. */
  async takeOldest(): Promise<{ items: readonly Item[]; done: () => void } | null> {
    const oldest = this.inFlight.shift();
    if (oldest === undefined) return null;
    const result = await oldest.result;
    const objects = new StatTable(result.objects);
    const items = oldest.batch.items.map(({ member, names, packed, large }): Item => ({
      member,
      names,
      content: packed === null ? large : this.packedContent(oldest, packed, { result, objects }),
    }));
    return { items, done: () => this.slots.push(oldest.batch.slot) };
  }

  private packedContent(
    { task, batch }: InFlight,
    index: number,
    { result, objects }: { result: StageResult; objects: StatTable },
  ): ItemContent {
    const hash = hashToHex(result.hashes.subarray(index * 32, index * 32 + 32));
    const stat = objects.get(index);
    const status = result.status[index];
    return {
      hash,
      staged: status === STAGE.staged && task.write ? { id: task.firstId + index, stat } : null,
      present: status === STAGE.present ? stat : null,
      stageAgain: () => this.stageAgain(batch, index),
    };
  }

  private async stageAgain(batch: Batch, index: number): Promise<{ id: number; stat: FileStat }> {
    const id = this.committer.reserveStagedIds(1);
    const offset = batch.sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    const one = { sizes: [batch.sizes[index]!], mtimes: [batch.mtimes[index]!] };
    const result = await this.archive.pool.run(
      this.taskOf(batch, { ...one, firstId: id, offset, force: true }),
    );
    return { id, stat: new StatTable(result.objects).get(0) };
  }

  private taskOf(
    batch: Batch,
    of: {
      sizes: readonly number[];
      mtimes: readonly bigint[];
      firstId: number;
      offset: number;
      force: boolean;
    },
  ): DepositTask {
    const { objects, staging } = this.archive.layout;
    const { sizes, firstId, offset, force } = of;
    const mtimes = BigInt64Array.from(of.mtimes);
    const write = !this.options.dryRun;
    return {
      task: 'deposit',
      bytes: batch.slot,
      offset,
      sizes,
      mtimes,
      objects,
      staging,
      firstId,
      force,
      write,
    };
  }

  private emptyBatch(): Batch {
    const slot = this.slots.pop() ?? new SharedArrayBuffer(SLOT_BYTES);
    return { slot, items: [], sizes: [], mtimes: [], used: 0 };
  }
}

const NOTHING: StageResult = {
  status: new Uint8Array(0),
  hashes: new Uint8Array(0),
  objects: new BigInt64Array(0),
  unsized: new Map(),
  failures: new Map(),
  reflink: false,
};
