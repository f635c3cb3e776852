/**
 * Many objects from a remote into the hash tree: staged and hashed in parallel, then synced, then named
 * (docs/design.md, "Order of writes"), one batch being named while the next is staged.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { READ_FAILURES } from '../../fs/errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { renameByLink } from '../../fs/rename-no-replace.js';
import { settling } from '../../fs/settling.js';
import { objectPath } from '../../fs/stage.js';
import type { WorkerPool } from '../../fs/pool.js';
import { CARRY, type CarryItem, type CarryResult, type EntryFailure, type NameItem } from '../../fs/tasks.js';
import { eachAtOnce } from '../../fs/together.js';
import type { BlobFiles, BlobStore } from '../../store/remote/blob-store.js';
import type { Layout } from '../layout.js';
import { throwIfStopped } from '../stopped.js';
import { carryBatches, nameByThreads } from './carry-batches.js';
import { fetchObject, type WantedObject } from './fetch-object.js';
import { objectName } from './names.js';
import type { ListedObject, ObjectList } from './object-list.js';
import type { TransferMeter } from './transfer-meter.js';

const NAME_FILES = 8192;
const NAME_BYTES = 256 << 20;
/** A kill costs no more than what came in so long: of a slow network that may be few. */
const NAME_MS = 5_000;
const PER_FOLDER = 128;
const FOLDERS = 16;
/** Larger contents are never sent compressed. */
const MAX_COMPRESSED = 1 << 20;

/** Where objects go: an open archive, or what is to become one. */
export interface FetchTarget {
  readonly layout: Layout;
  readonly pool: WorkerPool;
  /** Makes all that was written durable. */
  sync(): Promise<void>;
}

export interface FetchOptions {
  /**
   * Name each as soon as it is written, and sync once at the end: for a clone, whose contents nobody
   * trusts before; after a power cut they are read again (`trust-objects.ts`).
   */
  readonly unsynced?: boolean;
  readonly list: ObjectList;
  readonly meter: TransferMeter;
  readonly signal: AbortSignal | undefined;
  /** What the file of an object is to have, where the remote does not know. */
  readonly mtimeNs: (hash: Hash) => Promise<bigint | undefined>;
}

export interface FetchOutcome {
  readonly objects: number;
  readonly bytes: number;
  /** At the remote with other bytes than their names say. */
  readonly damaged: readonly Hash[];
  readonly missing: readonly Hash[];
}

/** @throws HkfsError of the remote, INTERRUPTED; errnos of the archive's file system */
export async function fetchObjects(
  target: FetchTarget,
  store: BlobStore,
  options: FetchOptions,
): Promise<FetchOutcome> {
  const fetcher = new Fetcher(target, store, options);
  try {
    if (store.files) await fetcher.byThreads(store.files);
    else await fetcher.byRequests();
  } catch (error) {
    // What arrived stays, whatever ended it; what ended it is what is told.
    await settling(() => fetcher.finish()).catch(() => {});
    throw error;
  }
  await settling(() => fetcher.finish());
  return fetcher;
}

class Fetcher implements FetchOutcome {
  objects = 0;
  bytes = 0;
  readonly damaged: Hash[] = [];
  readonly missing: Hash[] = [];
  private readonly target: FetchTarget;
  private readonly store: BlobStore;
  private readonly options: FetchOptions;
  private waiting: NameItem[] = [];
  private waitingBytes = 0;
  private naming: Promise<void> = Promise.resolve();
  private waitingSince = 0;
  private nextStaged = 0;

  constructor(target: FetchTarget, store: BlobStore, options: FetchOptions) {
    this.target = target;
    this.store = store;
    this.options = options;
  }

  async byThreads(files: BlobFiles): Promise<void> {
    const elsewhere: ListedObject[] = [];
    await carryBatches(this.target.pool, this.items(files), {
      named: this.options.unsynced === true,
      before: () => Promise.resolve(throwIfStopped(this.options.signal)),
      after: (items, result) => this.takeCarried(items, result, elsewhere),
    });
    // Not there as it is, or damaged: it may be there compressed.
    for (const object of elsewhere) await this.fetchOne(object);
  }

  async byRequests(): Promise<void> {
    const all = eachAtOnce(this.options.list, this.store.concurrency, (object) => {
      throwIfStopped(this.options.signal);
      return this.fetchOne(object);
    });
    all.catch(() => {}); // after a stop nobody waits
    // Nobody waits for answers that may take minutes: what comes after a stop is not taken.
    await Promise.race([all, whenStopped(this.options.signal)]);
    throwIfStopped(this.options.signal);
    await all;
  }

  async finish(): Promise<void> {
    await this.nameBatch();
    await this.naming;
    await this.target.sync();
  }

  private *items(files: BlobFiles): Generator<CarryItem> {
    for (const { hash, size } of this.options.list)
      yield {
        from: files.path(objectName(hash)),
        staged: this.newStaged(),
        to: this.pathOf(hash),
        hash,
        size,
        mtimeNs: null,
      };
  }

  private async takeCarried(
    items: readonly CarryItem[],
    { status, failures }: CarryResult,
    elsewhere: ListedObject[],
  ): Promise<void> {
    for (const [index, item] of items.entries()) {
      const { hash, size, staged, to } = item;
      switch (status[index]) {
        case CARRY.staged:
          await this.carried({ from: staged, to, replace: false }, size);
          break;
        case CARRY.exists:
          this.options.meter.add(size);
          break;
        case CARRY.missing:
          elsewhere.push({ hash, size });
          break;
        case CARRY.damaged:
          this.damagedPlain({ hash, size }, elsewhere);
          break;
        default:
          refuseUnreadable(item, failures.get(index)!);
          this.damagedPlain({ hash, size }, elsewhere);
      }
    }
  }

  private damagedPlain(object: ListedObject, elsewhere: ListedObject[]): void {
    if (object.size > MAX_COMPRESSED) this.damaged.push(object.hash);
    else elsewhere.push(object);
  }

  private async fetchOne({ hash, size }: ListedObject): Promise<void> {
    const to = this.pathOf(hash);
    if (existsSync(to)) return this.options.meter.add(size);
    const staged = this.newStaged();
    const { signal } = this.options;
    const mtimeNs = await this.options.mtimeNs(hash);
    const wanted: WantedObject = { hash, size, ...(mtimeNs === undefined ? {} : { mtimeNs }) };
    const outcome = await fetchObject(this.store, wanted, { staged, ...(signal ? { signal } : {}) });
    if (outcome === 'fetched') await this.fetched({ from: staged, to, replace: false }, size);
    else this[outcome].push(hash);
  }

  private async carried(item: NameItem, size: number): Promise<void> {
    if (this.options.unsynced === true) this.count(size);
    else await this.staged(item, size);
  }

  private async fetched(item: NameItem, size: number): Promise<void> {
    if (this.options.unsynced !== true) return this.staged(item, size);
    nameNow(item);
    this.count(size);
  }

  private count(size: number): void {
    this.objects += 1;
    this.bytes += size;
    this.options.meter.add(size);
  }

  private async staged(item: NameItem, size: number): Promise<void> {
    if (this.waiting.length === 0) this.waitingSince = performance.now();
    this.waiting.push(item);
    this.waitingBytes += size;
    this.count(size);
    if (this.isBatch()) await this.nameBatch();
  }

  private isBatch(): boolean {
    if (this.waiting.length >= NAME_FILES || this.waitingBytes >= NAME_BYTES) return true;
    return performance.now() - this.waitingSince > NAME_MS;
  }

  /** Begins to name what is staged; waits for the batch before. */
  private async nameBatch(): Promise<void> {
    const items = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    await this.naming;
    if (items.length === 0) return;
    this.naming = settling(() => this.nameAll(items));
    this.naming.catch(() => {}); // awaited by the next batch or at the end
  }

  private async nameAll(items: readonly NameItem[]): Promise<void> {
    failpoint('fetch.sync');
    await this.target.sync();
    // Fetched twice: the first is as good.
    for (const index of await nameByThreads(this.target.pool, items))
      rmSync(items[index]!.from, { force: true });
    failpoint('fetch.named');
  }

  private newStaged(): string {
    const number = this.nextStaged++;
    // Threads that make files in one directory wait for each other.
    const folder = `${this.target.layout.staging}/fetch-${Math.floor(number / PER_FOLDER) % FOLDERS}`;
    if (number % PER_FOLDER === 0 && number < PER_FOLDER * FOLDERS) mkdirSync(folder, { recursive: true });
    return `${folder}/${number}`;
  }

  private pathOf(hash: Hash): string {
    return objectPath(this.target.layout.objects, Buffer.from(hash, 'hex'));
  }
}

function nameNow({ from, to }: NameItem): void {
  try {
    renameByLink(from, to);
  } catch (error) {
    // Fetched twice: the first is as good.
    if (errnoOf(error) !== 'EEXIST') throw error;
    rmSync(from, { force: true });
  }
}

function whenStopped(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One file on a bad sector is lost; a disk that is gone stops all. */
function refuseUnreadable({ from }: CarryItem, { code, message }: EntryFailure): void {
  if (!READ_FAILURES.has(code)) throw Object.assign(new Error(message), { code, path: from });
}
