/**
 * Objects from the hash tree to a remote. Each is hashed on its way: a damaged one is told, and never
 * sent as if it were good.
 */
import { errnoOf, HkfsError, isHkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { twinPaths } from '../../fs/place.js';
import { CARRY, type CarryItem, type CarryResult } from '../../fs/tasks.js';
import { eachAtOnce } from '../../fs/together.js';
import type { BlobFiles, BlobStore } from '../../store/remote/blob-store.js';
import { readBody } from '../../store/remote/file-body.js';
import type { Message } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { carryBatches, nameByThreads } from './carry-batches.js';
import { otherCopies, pathOfObject, sayBad } from '../other-copies.js';
import { objectName, OBJECTS, parseObjectName } from './names.js';
import type { ListedObject, ObjectList } from './object-list.js';
import type { RateLimiter } from './rate-limiter.js';
import type { TransferMeter } from './transfer-meter.js';

/** Read whole and hashed before anything is sent; of larger ones the remote's kind hashes what goes over. */
const IN_MEMORY_BYTES = 1 << 20;

export interface SendOptions {
  readonly limiter: RateLimiter;
  readonly meter: TransferMeter;
  readonly signal: AbortSignal | undefined;
  /** Null: as they are. */
  readonly compress: ((bytes: Buffer) => Promise<Buffer>) | null;
  readonly onMessage?: ((message: Message) => void) | undefined;
}

export interface LocalDamage {
  readonly hash: Hash;
  readonly finding: 'missing' | 'content' | 'unreadable';
  readonly reason: string;
}

export interface SendOutcome {
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: readonly LocalDamage[];
}

/** @throws HkfsError of the remote; INTERRUPTED when the signal said so */
export async function sendObjects(
  archive: OpenArchive,
  store: BlobStore,
  { list, ...options }: SendOptions & { list: ObjectList },
): Promise<SendOutcome> {
  const sender = new Sender(archive, store, options);
  // Threads copy a batch at full speed: a limit holds only for what passes here.
  const files = options.limiter.throttle === undefined ? store.files : undefined;
  if (files && options.compress === null) await sender.sendByThreads(list, files);
  else if (files) {
    // Only what is small is packed.
    await sender.sendByThreads(
      list.filter(({ size }) => size > IN_MEMORY_BYTES),
      files,
    );
    await sender.sendByRequests(list.filter(({ size }) => size <= IN_MEMORY_BYTES));
  } else await sender.sendByRequests(list);
  return sender;
}

class Sender implements SendOutcome {
  objects = 0;
  bytes = 0;
  readonly damaged: LocalDamage[] = [];
  private readonly archive: OpenArchive;
  private readonly store: BlobStore;
  private readonly options: SendOptions;

  constructor(archive: OpenArchive, store: BlobStore, options: SendOptions) {
    this.archive = archive;
    this.store = store;
    this.options = options;
  }

  async sendByThreads(list: ObjectList, files: BlobFiles): Promise<void> {
    files.nameBy((items) => nameByThreads(this.archive.pool, items));
    const again: CarryItem[] = [];
    const before = (): Promise<void> => Promise.resolve(this.throwIfAborted());
    await carryBatches(this.archive.pool, this.items(list, files), {
      before,
      after: (items, result) => this.keep(files, { items, result, again }),
    });
    await carryBatches(this.archive.pool, again, {
      before,
      after: (items, result) => this.keep(files, { items, result, again: null }),
    });
  }

  async sendByRequests(list: ObjectList): Promise<void> {
    const width = this.options.limiter.widthOf(this.store.concurrency);
    await eachAtOnce(list, width, (object) => this.sendOne(object));
  }

  private *items(list: ObjectList, files: BlobFiles): Generator<CarryItem> {
    for (const { hash, size } of list)
      yield {
        from: this.pathOf(hash),
        staged: files.newTemporary(),
        to: files.path(objectName(hash)),
        hash,
        size,
        mtimeNs: null,
        isObject: true,
      };
  }

  /** @param batch.again takes what may be had from outside of the hash tree */
  private async keep(
    files: BlobFiles,
    batch: { items: readonly CarryItem[]; result: CarryResult; again: CarryItem[] | null },
  ): Promise<void> {
    const { status, failures, bad } = batch.result;
    for (const [index, item] of batch.items.entries()) {
      const { hash, size, staged } = item;
      if (bad.has(index)) this.tellBad(hash, bad.get(index)!);
      if (status[index] === CARRY.staged) {
        failpoint('backup.object');
        await files.keep(objectName(hash), staged, size);
        this.sent(size);
      } else if (status[index] === CARRY.exists) this.options.meter.add(size);
      else {
        const others = batch.again ? await otherCopies(this.archive, hash) : [];
        if (others.length > 0) batch.again!.push({ ...item, staged: files.newTemporary(), others });
        else this.tellDamage(hash, findingOf(failures.get(index)!));
      }
    }
  }

  /** From the first copy that is good. */
  private async sendOne(object: ListedObject): Promise<void> {
    const { hash, size } = object;
    this.throwIfAborted();
    let problem: HkfsError | null = null;
    for await (const file of this.copiesOf(hash)) {
      try {
        await this.sendCopy(file, object);
        if (problem) this.tellBad(hash, problem);
        return;
      } catch (error) {
        if (!isHkfsError(error, 'OBJECT_DAMAGED') && !isHkfsError(error, 'OBJECT_MISSING')) throw error;
        problem ??= error;
      }
    }
    if (await this.isThere(hash)) return this.options.meter.add(size);
    const { code, message, cause } = problem!;
    this.tellDamage(hash, findingOf({ code, message, errno: errnoOf(cause) }));
  }

  /** @throws HkfsError OBJECT_DAMAGED or OBJECT_MISSING where this copy is no good; then nothing was made */
  private async sendCopy(file: string, { hash, size }: ListedObject): Promise<void> {
    const body = { file, size, hash };
    const bytes = size > IN_MEMORY_BYTES ? null : await readBody(body);
    failpoint('backup.object');
    const { compress, signal, limiter } = this.options;
    const packed = compress && bytes ? await compress(bytes) : null;
    const isSmaller = packed !== null && packed.length < size;
    const outcome = await this.store.create(
      objectName(hash, isSmaller),
      isSmaller ? packed : (bytes ?? body),
      { throttle: limiter.throttle, ...(signal ? { signal } : {}) },
    );
    if (outcome === 'created') this.sent(isSmaller ? packed.length : size, size);
    else this.options.meter.add(size);
  }

  /** What is lost here may have been sent before. */
  private async isThere(hash: Hash): Promise<boolean> {
    const names = [objectName(hash), objectName(hash, true)];
    for (const name of names) if ((await this.store.stat(name)) !== undefined) return true;
    return false;
  }

  private async *copiesOf(hash: Hash): AsyncGenerator<string> {
    const object = this.pathOf(hash);
    yield object;
    yield* twinPaths(object).filter((path) => path !== object);
    yield* await otherCopies(this.archive, hash);
  }

  private sent(bytes: number, size = bytes): void {
    this.objects += 1;
    this.bytes += bytes;
    this.options.meter.add(size);
  }

  /** It went over all the same, from a copy that is right: no event says that it is lost. */
  private tellBad(hash: Hash, bad: { code: string; message: string }): void {
    this.options.onMessage?.({ level: 'warning', code: bad.code, path: hash, text: sayBad(bad) });
  }

  private tellDamage(
    hash: Hash,
    { finding, message }: Pick<LocalDamage, 'finding'> & { message: string },
  ): void {
    const path = this.pathOf(hash);
    if (finding === 'missing')
      this.damaged.push({ hash, finding, reason: 'its file is not in the hash tree' });
    else if (finding === 'content')
      this.damaged.push({ hash, finding, reason: `${path} has other bytes than its name says` });
    else this.damaged.push({ hash, finding, reason: `${path}: ${message}` });
  }

  private throwIfAborted(): void {
    if (!this.options.signal?.aborted) return;
    throw new HkfsError('INTERRUPTED', 'stopped; what was sent stays', {
      hint: 'run the same command again to go on',
    });
  }

  private pathOf(hash: Hash): string {
    return pathOfObject(this.archive.layout.objects, hash);
  }
}

function findingOf({ code, message, errno }: { code: string; message: string; errno?: string | undefined }): {
  finding: LocalDamage['finding'];
  message: string;
} {
  if (code === 'OBJECT_MISSING') return { finding: 'missing', message };
  return { finding: code === 'OBJECT_DAMAGED' && errno === undefined ? 'content' : 'unreadable', message };
}

/** Hashes of objects that are at a remote already, and in which form. */
export async function listObjects(store: BlobStore): Promise<Map<Hash, boolean>> {
  const found = new Map<Hash, boolean>();
  for await (const { name } of store.list(OBJECTS)) {
    const object = parseObjectName(name);
    if (object && found.get(object.hash) !== false) found.set(object.hash, object.compressed);
  }
  return found;
}
