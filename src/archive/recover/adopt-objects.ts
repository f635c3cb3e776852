/** Objects of the hash tree that the log does not know become known, once their bytes were hashed. */
import type { Hash } from '../../events/types.js';
import { isSettled, nowInNs } from '../../fs/settled.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import { CHECK, type CheckResult } from '../../fs/tasks.js';
import type { LevelPut } from '../../events/level.js';
import type { DamagedRow, Message, Progress } from '../api.js';
import { sealRow } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { throwIfStopped } from '../stopped.js';

const FAN_OUT = 256;
const HASH_DIGITS = 62;

export interface AdoptOptions {
  readonly clock: () => number;
  readonly onMessage: (message: Message) => void;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Adopted {
  readonly objects: number;
  readonly bytes: number;
  /** They have other bytes than their names say: they stay where they are, and the log does not have them. */
  readonly damaged: readonly DamagedRow[];
}

export async function adoptObjects(archive: OpenArchive, options: AdoptOptions): Promise<Adopted> {
  const { clock, onMessage, onProgress, signal } = options;
  const request = { command: 'recover', args: ['--from-tree'], sources: [], clock, onMessage };
  const operation = await Operation.start(archive, request);
  const adoption = new Adoption(archive, operation);
  try {
    for (let at = 0; at < FAN_OUT; at += 1) {
      throwIfStopped(signal);
      await adoption.folder(at.toString(16).padStart(2, '0'));
      const { objects, bytes } = adoption;
      onProgress?.({ phase: 'verifying', files: objects, bytes, totalFiles: null, totalBytes: null });
    }
  } catch (error) {
    await operation.fail((error as Error).message, adoption.counts());
    throw error;
  }
  await operation.complete(adoption.counts());
  await adoption.writeSeals();
  const { objects, bytes, damaged } = adoption;
  return { objects, bytes, damaged };
}

class Adoption implements Adopted {
  objects = 0;
  bytes = 0;
  readonly damaged: DamagedRow[] = [];
  private readonly archive: OpenArchive;
  private readonly operation: Operation;
  private seals: LevelPut[] = [];

  constructor(archive: OpenArchive, operation: Operation) {
    this.archive = archive;
    this.operation = operation;
  }

  async folder(prefix: string): Promise<void> {
    const startedNs = nowInNs();
    const directory = `${this.archive.layout.objects}/${prefix}`;
    const result: CheckResult = await this.archive.pool.run({ task: 'check', directory, prefix });
    const stats = new StatTable(result.stats);
    for (const [index, name] of result.names.entries()) {
      const hash = prefix + name.slice(0, HASH_DIGITS);
      if (result.status[index] === CHECK.bad) this.isDamaged(hash, result.failures.get(index)?.message);
      if (result.status[index] !== CHECK.good) continue;
      const stat = stats.get(index);
      await this.adopt(hash, stat);
      if (result.steady[index] === 1 && isSettled(stat, startedNs)) this.seal(hash, stat);
    }
    await this.operation.committer.maybeCommit();
  }

  counts(): Record<string, number> {
    const { objects, bytes, damaged } = this;
    return { objects, bytes, damaged: damaged.length };
  }

  /** After the commit, as everything that follows from this disk and not from history. */
  async writeSeals(): Promise<void> {
    await this.archive.views.level.batch(this.seals);
  }

  private seal(hash: Hash, { dev, ino, size, mtimeNs, ctimeNs }: FileStat): void {
    this.seals.push(sealRow({ device: dev, inode: ino }, { hash, size, mtimeNs, ctimeNs }));
  }

  private async adopt(hash: Hash, stat: FileStat): Promise<void> {
    const { dev: device, ino: inode } = stat;
    const known = await this.archive.contents().object(hash);
    if (known?.inodes.some((id) => id.device === device && id.inode === inode) === true) return;
    this.operation.committer.adopt({ hash, device, inode, size: Number(stat.size) });
    this.objects += 1;
    this.bytes += Number(stat.size);
  }

  private isDamaged(hash: Hash, failure = 'it has other bytes than its name says'): void {
    this.damaged.push({ hash, reason: failure, paths: [] });
  }
}
