/**
 * Contents that are in memory into staging: many small ones from one block of shared memory, so that
 * nothing of them crosses threads, and a large one in pieces as they come.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import {
  finishStaged,
  inStaging,
  OBJECT_MODE,
  withStagedFile,
  writeStaged,
  type TaskContext,
} from './contents.js';
import { failpoint } from './failpoints.js';
import { createHasher, hashBytes, type Hasher } from './hash.js';
import { lstatOrNull } from './scan.js';
import { objectPath } from './stage.js';
import { StatTable } from './stats.js';
import { STAGE, type DepositTask, type StageResult } from './tasks.js';

const ZEROS = Buffer.alloc(1 << 20);
/** Zeros are hashed for as long between two turns of the event loop. */
const ZEROS_AT_ONCE = 64 << 20;
const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
const write = promisify(fs.write);
/** What every filesystem takes as an mtime, in nanoseconds: the years 1902 to 2446. */
const OLDEST = -(1n << 31n) * 1_000_000_000n;
const NEWEST = 15_000_000_000n * 1_000_000_000n;

/** Hashes each content, and stages those that are not in the hash tree yet. */
export function depositContents(task: DepositTask, context: TaskContext): StageResult {
  const count = task.sizes.length;
  const objects = new StatTable(count);
  const status = new Uint8Array(count);
  const hashes = new Uint8Array(count * 32);
  const shared = Buffer.from(task.bytes);
  const seen = new Map<string, fs.BigIntStats | null>();
  for (let index = 0, at = task.offset; index < count; index += 1) {
    const size = task.sizes[index]!;
    const bytes = shared.subarray(at, at + size);
    at += size;
    const hash = hashBytes(bytes);
    hashes.set(hash, index * 32);
    context.onBlock(size);
    // Null where it was staged: repeats stand near each other, and what is staged once need not be staged and removed again.
    const key = hash.toString('latin1');
    const earlier = seen.get(key);
    if (earlier === null) {
      status[index] = STAGE.repeated;
      continue;
    }
    const present = earlier ?? (task.force ? null : lstatOrNull(objectPath(task.objects, hash)));
    seen.set(key, present);
    status[index] = present === null ? STAGE.staged : STAGE.present;
    if (present !== null) objects.set(index, present);
    else if (task.write) objects.set(index, stage(task, index, bytes));
  }
  return { status, hashes, objects: objects.values, unsized: new Map(), failures: new Map(), reflink: false };
}

function stage(task: DepositTask, index: number, bytes: Buffer): fs.BigIntStats {
  const stat = withStagedFile(`${task.staging}/${task.firstId + index}`, (fd) => {
    writeStaged(fd, bytes);
    return finishStaged(fd, storable(task.mtimes[index]!));
  });
  failpoint('stage.written');
  return stat;
}

function storable(mtimeNs: bigint): bigint {
  return mtimeNs < OLDEST ? OLDEST : mtimeNs > NEWEST ? NEWEST : mtimeNs;
}

/** One content that comes in pieces; what lies between them is a hole, and hashes as zeros. */
export class StagedContent {
  readonly path: string;
  private fd: number | null = null;
  private readonly hasher: Hasher = createHasher();
  private at = 0;

  private readonly signal: AbortSignal | undefined;

  /** @param keeps false: only hashed, nothing is written */
  constructor(path: string, keeps: boolean, signal?: AbortSignal) {
    this.path = path;
    this.signal = signal;
    if (!keeps) return;
    this.fd = inStaging(() => {
      failpoint('stage.open');
      return fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL, OBJECT_MODE);
    });
  }

  async write(bytes: Buffer, offset: number): Promise<void> {
    await this.hole(offset);
    this.hasher.update(bytes);
    this.at += bytes.length;
    if (this.fd === null) return;
    try {
      failpoint('stage.write');
      for (let done = 0; done < bytes.length;)
        done += (await write(this.fd, bytes, done, bytes.length - done, offset + done)).bytesWritten;
    } catch (error) {
      inStaging(() => {
        throw error;
      });
    }
  }

  /** @returns the hash, and the stat of the staged file where there is one */
  async finish(size: number, mtimeNs: bigint): Promise<{ hash: Buffer; stat: fs.BigIntStats | null }> {
    const { fd } = this;
    // Before the zeros are hashed: a size that no file can have fails at once.
    if (fd !== null) inStaging(() => fs.ftruncateSync(fd, size));
    await this.hole(size);
    const stat = fd === null ? null : finishStaged(fd, storable(mtimeNs));
    this.close();
    failpoint('stage.written');
    return { hash: this.hasher.digest(), stat };
  }

  /** It did not become whole: nothing of it is kept. */
  discard(): void {
    if (this.fd === null) return;
    this.close();
    fs.unlinkSync(this.path);
  }

  private async hole(until: number): Promise<void> {
    while (this.at < until) {
      const stop = Math.min(until, this.at + ZEROS_AT_ONCE);
      while (this.at < stop) {
        const length = Math.min(ZEROS.length, stop - this.at);
        this.hasher.update(length === ZEROS.length ? ZEROS : ZEROS.subarray(0, length));
        this.at += length;
      }
      if (this.at < until) await new Promise((resolve) => setImmediate(resolve));
      if (this.signal?.aborted) throw Object.assign(new Error('cancelled'), { code: 'ECANCELED' });
    }
  }

  private close(): void {
    if (this.fd !== null) fs.closeSync(this.fd);
    this.fd = null;
  }
}
