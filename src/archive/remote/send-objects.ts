/**
 * Objects from the hash tree to a remote. Each is hashed on its way: a damaged one is told, and never
 * sent as if it were good.
 */
import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errnoOf, HkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { hashBytes, hashToHex } from '../../fs/hash.js';
import { objectPath } from '../../fs/stage.js';
import { CARRY, type CarryResult } from '../../fs/tasks.js';
import type { BlobBody, BlobFiles, BlobStore } from '../../store/remote/blob-store.js';
import type { OpenArchive } from '../open-archive.js';
import { carryBatches, nameByThreads, type SizedItem } from './carry-batches.js';
import { objectName, OBJECTS, parseObjectName } from './names.js';
import type { ListedObject, ObjectList } from './object-list.js';
import type { RateLimiter } from './rate-limiter.js';
import type { TransferMeter } from './transfer-meter.js';

/** Read whole and hashed in one piece; larger ones are hashed by a thread before they are sent. */
const IN_MEMORY_BYTES = 1 << 20;

export interface SendOptions {
  readonly limiter: RateLimiter;
  readonly meter: TransferMeter;
  readonly signal: AbortSignal | undefined;
  /** Null: as they are. */
  readonly compress: ((bytes: Buffer) => Promise<Buffer>) | null;
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
  if (store.files && options.compress === null) await sender.sendByThreads(list, store.files);
  else await sender.sendByRequests(list);
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
    await carryBatches(this.archive.pool, this.items(list, files), {
      before: async (bytes) => {
        this.throwIfAborted();
        await this.options.limiter.take(bytes);
      },
      after: (items, result) => this.keep(files, items, result),
    });
  }

  async sendByRequests(list: ObjectList): Promise<void> {
    const objects = list[Symbol.iterator]();
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const object of objects) {
        if (failures.length > 0) return;
        try {
          await this.sendOne(object);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: this.store.concurrency }, work));
    if (failures.length > 0) throw failures[0];
  }

  private *items(list: ObjectList, files: BlobFiles): Generator<SizedItem> {
    for (const { hash, size } of list)
      yield {
        from: this.pathOf(hash),
        staged: files.newTemporary(),
        to: files.path(objectName(hash)),
        hash,
        size,
        mtimeNs: null,
      };
  }

  private async keep(
    files: BlobFiles,
    items: readonly SizedItem[],
    { status, failures }: CarryResult,
  ): Promise<void> {
    for (const [index, { hash, size, staged }] of items.entries()) {
      if (status[index] === CARRY.staged) {
        failpoint('backup.object');
        await files.keep(objectName(hash), staged, size);
        this.sent(size);
      } else if (status[index] !== CARRY.exists)
        this.tellDamage(hash, status[index]!, failures.get(index)?.message);
      else this.options.meter.add(size);
    }
  }

  private async sendOne(object: ListedObject): Promise<void> {
    const { hash, size } = object;
    this.throwIfAborted();
    await this.options.limiter.take(size);
    const body = await this.checkedBody(object);
    if (body === null) return;
    failpoint('backup.object');
    const { compress, signal } = this.options;
    const packed = compress && body instanceof Uint8Array ? await compress(Buffer.from(body)) : null;
    const isSmaller = packed !== null && packed.length < size;
    const outcome = await this.store.create(
      objectName(hash, isSmaller),
      isSmaller ? packed : body,
      signal ? { signal } : {},
    );
    if (outcome === 'created') this.sent(isSmaller ? packed.length : size, size);
    else this.options.meter.add(size);
  }

  /** The bytes, or the file that has them; null where they are not what the hash says. */
  private async checkedBody({ hash, size }: ListedObject): Promise<BlobBody | null> {
    const path = this.pathOf(hash);
    try {
      if (size > IN_MEMORY_BYTES) return await this.checkedFile(path, { hash, size });
      const bytes = await readFile(path);
      if (hashToHex(hashBytes(bytes)) === hash) return bytes;
      this.tellDamage(hash, CARRY.damaged);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      this.tellDamage(
        hash,
        errno === 'ENOENT' ? CARRY.missing : CARRY.failed,
        error instanceof Error ? error.message : errno,
      );
    }
    return null;
  }

  private async checkedFile(path: string, { hash, size }: ListedObject): Promise<BlobBody | null> {
    const { hashes, failures } = await this.archive.pool.run({ task: 'hash', files: [path] });
    const failure = failures.get(0);
    if (failure) throw Object.assign(new Error(failure.message), { code: failure.code });
    const isWhole = lstatSync(path).size === size && hashToHex(hashes) === hash;
    if (isWhole) return { file: path, size };
    this.tellDamage(hash, CARRY.damaged);
    return null;
  }

  private sent(bytes: number, size = bytes): void {
    this.objects += 1;
    this.bytes += bytes;
    this.options.meter.add(size);
  }

  private tellDamage(hash: Hash, status: number, message = ''): void {
    const path = this.pathOf(hash);
    if (status === CARRY.missing)
      this.damaged.push({ hash, finding: 'missing', reason: 'its file is not in the hash tree' });
    else if (status === CARRY.damaged)
      this.damaged.push({ hash, finding: 'content', reason: `${path} has other bytes than its name says` });
    else this.damaged.push({ hash, finding: 'unreadable', reason: `${path}: ${message}` });
  }

  private throwIfAborted(): void {
    if (!this.options.signal?.aborted) return;
    throw new HkfsError('INTERRUPTED', 'stopped; what was sent stays', {
      hint: 'run the same command again to go on',
    });
  }

  private pathOf(hash: Hash): string {
    return objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex'));
  }
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
