/**
 * Sources into staging: a new content is written in the same pass that hashes it, so that what is
 * named later is what was hashed. A file whose stat after the read differs from the scan's is
 * reported as changed, and nothing of it is kept. Where only the size in the stat is not the number of
 * bytes that there are, as in procfs and sysfs, two readings have to agree.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Hash } from '../events/types.js';
import {
  BLOCK_BYTES,
  copySparse,
  finishStaged,
  inSource,
  isStagingError,
  readAndHash,
  readExpected,
  readOn,
  withFile,
  withStagedFile,
  writeStaged,
  type ReadContent,
  type TaskContext,
} from './contents.js';
import { failpoint } from './failpoints.js';
import { createHasher, hashBytes } from './hash.js';
import { joinPath } from './names.js';
import { lstatOrNull, toFailure } from './scan.js';
import { isCoarse, isSettled, nowInNs, SETTLED_NS } from './settled.js';
import { sameContentStat, StatTable, storable, type FileStat } from './stats.js';
import {
  STAGE,
  type EntryFailure,
  type HashResult,
  type HashTask,
  type Refusal,
  type StageResult,
  type StageTask,
} from './tasks.js';

/** Sharing blocks is worth its system calls from one block of the file system on. */
const REFLINK_MIN_BYTES = 4096n;

/** The disk writes so much while the next is read and hashed: the sync that follows has less to wait for. */
const WRITEBACK_BYTES = 16 << 20;

/** @throws errors of the staging file system; those of a source are in the result. */
export function stageFiles(task: StageTask, context: TaskContext): StageResult {
  const count = task.files.length;
  const expected = new StatTable(task.expected);
  const objects = new StatTable(count);
  const status = new Uint8Array(count);
  const hashes = new Uint8Array(count * 32);
  const unsized = new Map<number, number>();
  const failures = new Map<number, EntryFailure>();
  const refused = new Map<number, Refusal>();
  const stager = new Stager(task, context);
  for (const [index, path] of task.files.entries()) {
    try {
      const staged = stager.stage(path, index, expected.get(index));
      status[index] = staged.status;
      if (staged.hash) hashes.set(staged.hash, index * 32);
      if (staged.object) objects.set(index, staged.object);
      if (staged.refusal) refused.set(index, staged.refusal);
      if (staged.unsized !== undefined) unsized.set(index, staged.unsized);
    } catch (error) {
      if (isStagingError(error)) throw error;
      status[index] = STAGE.failed;
      failures.set(index, toFailure(error));
    }
  }
  return { status, hashes, objects: objects.values, unsized, failures, reflink: stager.reflink, refused };
}

/** Hashes whole files, without looking at what they should be. */
export function hashFiles(task: HashTask, context: TaskContext): HashResult {
  const stats = new StatTable(task.files.length);
  const hashes = new Uint8Array(task.files.length * 32);
  const settled = new Uint8Array(task.files.length);
  const failures = new Map<number, EntryFailure>();
  for (const [index, path] of task.files.entries()) {
    try {
      withFile(path, (fd) => {
        const nowNs = nowInNs();
        const stat = fs.fstatSync(fd, { bigint: true });
        hashes.set(hashOpenFile(fd, Number(stat.size), context).hash, index * 32);
        const after = fs.fstatSync(fd, { bigint: true });
        // As it is after the reading: whoever knows what it was before sees a change in between.
        stats.set(index, after);
        settled[index] = Number(sameContentStat(stat, after) && isSettled(after, nowNs));
      });
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  }
  return { hashes, stats: stats.values, settled, failures };
}

/** `objects/ab/<62 hex>` of a hash. */
export function objectPath(objects: string, hash: Uint8Array): string {
  const hex = Buffer.from(hash.buffer, hash.byteOffset, 32).toString('hex');
  return `${objects}/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

/** Of `…/ab/<62 hex>`, or a twin's path without its ending. */
export function hashOfObjectPath(path: string): Hash {
  return path.slice(-65, -63) + path.slice(-62);
}

interface Staged {
  readonly status: number;
  readonly hash: Buffer | null;
  readonly object: fs.BigIntStats | null;
  readonly refusal?: Refusal;
  /** The number of bytes, where the stat has another. */
  readonly unsized?: number;
}

const EMPTY: Staged = { status: STAGE.empty, hash: null, object: null };
const CHANGED: Staged = { status: STAGE.changed, hash: null, object: null };

class Stager {
  private readonly task: StageTask;
  private readonly context: TaskContext;
  reflink: boolean;

  constructor(task: StageTask, context: TaskContext) {
    this.task = task;
    this.context = context;
    this.reflink = task.method === 'reflink' || task.method === 'link';
  }

  stage(path: string, index: number, expected: FileStat): Staged {
    const staged = joinPath(this.task.staging, String(this.task.firstId + index));
    let isUnsized = false;
    const outcome = withFile(path, (fd) => {
      failpoint(expected.size === 0n ? 'source.probe' : 'source.read');
      const isStable = (read: ReadContent): boolean => {
        if (!sameContentStat(fs.fstatSync(fd, { bigint: true }), expected)) return false;
        isUnsized = read.length !== Number(expected.size);
        return !isUnsized;
      };
      if (expected.size === 0n) return isStable(this.readBlock(fd, 0)) ? EMPTY : CHANGED;
      if (this.task.method === 'none') return this.onlyHash(fd, expected, isStable);
      const source = { fd, staged, expected, isStable };
      if (this.task.method === 'link') return this.stageLink(path, index, source);
      const cloned = this.reflink && expected.size >= REFLINK_MIN_BYTES;
      if (cloned || expected.size > BLOCK_BYTES) return this.stageLarge(source);
      return this.stageSmall(source);
    });
    return isUnsized ? this.stageUnsized({ path, staged, expected }) : outcome;
  }

  /** Its stat says nothing about its bytes: they are read twice, and its inode is never made an object. */
  private stageUnsized(file: UnsizedFile): Staged {
    const first = this.readUnsized(file);
    if (first === null) return CHANGED;
    const { hash, length: unsized } = first;
    const known = unsized === 0 ? EMPTY : this.presentObject(hash);
    if (known !== null || this.task.method === 'none') {
      if (!isSameContent(first, this.readUnsized(file))) return CHANGED;
      return { ...(known ?? { status: STAGE.staged, hash, object: null }), unsized };
    }
    const { second, object } = withStagedFile(file.staged, (target) => ({
      second: this.readUnsized(file, (bytes) => writeStaged(target, bytes)),
      object: finishStaged(target, file.expected.mtimeNs),
    }));
    if (isSameContent(first, second)) return { status: STAGE.staged, hash, object, unsized };
    fs.unlinkSync(file.staged);
    return CHANGED;
  }

  /** Null where the stat changed. */
  private readUnsized(
    { path, expected }: UnsizedFile,
    sink: ((bytes: Buffer) => void) | null = null,
  ): ReadContent | null {
    return withFile(path, (fd) => {
      const isSame = (): boolean => sameContentStat(fs.fstatSync(fd, { bigint: true }), expected);
      const read = isSame() ? readAndHash(fd, this.context, sink) : null;
      return isSame() ? read : null;
    });
  }

  /** The source's inode becomes the object, unless somebody else could write to it unseen: then a copy does. */
  private stageLink(path: string, index: number, source: SourceFile): Staged {
    const { fd, staged, expected, isStable } = source;
    const refusal = this.refusal(fd, index, expected);
    const linked = this.onlyHash(fd, expected, isStable);
    if (linked.status !== STAGE.staged) return linked;
    const object = refusal === null ? linkStaged(path, staged, expected) : refusal;
    if (object !== null && typeof object === 'object') return { ...linked, object };
    const copied =
      expected.size <= BLOCK_BYTES
        ? this.writeBlock(source, linked.hash!)
        : withFile(path, (again) => this.stageLarge({ ...source, fd: again }));
    return object === null ? copied : { ...copied, refusal: object };
  }

  /**
   * Asked before the file is read: who opens it for writing from now on moves its times with the first
   * byte. A mapping that was written to before need not.
   */
  private refusal(fd: number, index: number, expected: FileStat): Refusal | null {
    if (this.task.shared?.[index] === 1) return 'shared';
    if (!waitUntilSettled(expected)) return 'fresh';
    failpoint('stage.lease');
    const { posix } = this.context;
    const isOpen = posix?.isOpenForWriting(fd) ?? null;
    // A small one is closed before anybody notices that they wait.
    if (isOpen === false && expected.size > BLOCK_BYTES) posix?.endLease(fd);
    return isOpen === false ? null : isOpen ? 'busy' : 'untold';
  }

  private onlyHash(fd: number, expected: FileStat, isStable: (read: ReadContent) => boolean): Staged {
    const read =
      expected.size > BLOCK_BYTES ? readAndHash(fd, this.context) : this.readBlock(fd, Number(expected.size));
    if (!isStable(read)) return CHANGED;
    return this.presentObject(read.hash) ?? { status: STAGE.staged, hash: read.hash, object: null };
  }

  /** Read whole, hashed, and written only if it is new. */
  private stageSmall(file: SourceFile): Staged {
    const read = this.readBlock(file.fd, Number(file.expected.size));
    if (!file.isStable(read)) return CHANGED;
    return this.presentObject(read.hash) ?? this.writeBlock(file, read.hash);
  }

  /** The block holds the whole file. */
  private writeBlock(file: SourceFile, hash: Buffer): Staged {
    const object = withStagedFile(file.staged, (target) => {
      writeStaged(target, this.context.block.subarray(0, Number(file.expected.size)));
      return finishStaged(target, file.expected.mtimeNs);
    });
    failpoint('stage.written');
    return { status: STAGE.staged, hash, object };
  }

  /** Cloned or written while it is hashed, and dropped again if it is not new. */
  private stageLarge(file: SourceFile): Staged {
    const { read, object } = withStagedFile(file.staged, (target) => {
      const content = this.copy(file, target);
      return { read: content, object: finishStaged(target, file.expected.mtimeNs) };
    });
    const outcome = file.isStable(read) ? this.presentObject(read.hash) : CHANGED;
    if (outcome) {
      fs.unlinkSync(file.staged);
      return outcome;
    }
    failpoint('stage.written');
    return { status: STAGE.staged, hash: read.hash, object };
  }

  private copy(file: SourceFile, target: number): ReadContent {
    const { posix } = this.context;
    if (this.reflink && posix) {
      this.reflink = posix.ficlone(target, file.fd);
      // The clone is what is kept, so the clone is what is hashed.
      if (this.reflink) return withFile(file.staged, (clone) => readAndHash(clone, this.context));
    }
    const size = Number(file.expected.size);
    const isSparse = file.expected.blocks * 512n < file.expected.size;
    if (isSparse && posix) return copySparse({ from: file.fd, to: target, size, posix }, this.context);
    let written = 0;
    return readAndHash(file.fd, this.context, (bytes) => {
      writeStaged(target, bytes);
      const before = written;
      written += bytes.length;
      const due = Math.floor(before / WRITEBACK_BYTES) < Math.floor(written / WRITEBACK_BYTES);
      if (due) posix?.startWriteback(target, written - WRITEBACK_BYTES, WRITEBACK_BYTES);
    });
  }

  private readBlock(fd: number, size: number): ReadContent {
    const length = readExpected(fd, size, this.context.block);
    this.context.onBlock(length);
    return { hash: hashBytes(this.context.block.subarray(0, length)), length };
  }

  /** Whatever is there under the hash's name: whether its bytes are right is for others to judge. */
  private presentObject(hash: Buffer): Staged | null {
    if (this.task.force) return null;
    const object = lstatOrNull(objectPath(this.task.objects, hash));
    return object === null ? null : { status: STAGE.present, hash, object };
  }
}

interface UnsizedFile {
  readonly path: string;
  readonly staged: string;
  readonly expected: FileStat;
}

function isSameContent(a: ReadContent, b: ReadContent | null): boolean {
  return b !== null && a.length === b.length && a.hash.equals(b.hash);
}

interface SourceFile {
  readonly fd: number;
  readonly staged: string;
  readonly expected: FileStat;
  readonly isStable: (read: ReadContent) => boolean;
}

/** The file systems' ways to say that this inode cannot have a name of ours. */
const NOT_LINKABLE = new Set(['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP', 'ENOTSUP']);

/** A file that was changed just now: its clock ticks soon, and only once for all that were written with it. */
function waitUntilSettled(stat: FileStat): boolean {
  if (isSettled(stat, nowInNs())) return true;
  const missingNs = SETTLED_NS - (nowInNs() - stat.ctimeNs);
  if (isCoarse(stat) || missingNs > SETTLED_NS) return false;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(missingNs / 1_000_000n) + 1);
  return isSettled(stat, nowInNs());
}

/** The source's inode under a staged name, why it must not be it, or null where the file system refuses. */
function linkStaged(path: string, staged: string, expected: FileStat): fs.BigIntStats | Refusal | null {
  try {
    inSource(path, (source) => {
      failpoint('stage.link');
      fs.linkSync(source, staged);
    });
  } catch (error) {
    if (NOT_LINKABLE.has(errnoOf(error) ?? '')) return null;
    throw error;
  }
  const stat = storable(fs.lstatSync(staged, { bigint: true }));
  const same = stat.ino === expected.ino && stat.size === expected.size && stat.mtimeNs === expected.mtimeNs;
  failpoint('stage.linked');
  if (same && stat.nlink === expected.nlink + 1n) return stat;
  fs.unlinkSync(staged);
  if (same) return 'shared';
  throw Object.assign(new Error('changed while it was read'), { code: 'ESTALE' });
}

/** Hashes an open file from where it stands to its end. @param size what its stat says */
export function hashOpenFile(fd: number, size: number, context: TaskContext): ReadContent {
  if (size >= BLOCK_BYTES) return readAndHash(fd, context);
  const length = readExpected(fd, size, context.block);
  context.onBlock(length);
  const bytes = context.block.subarray(0, length);
  if (length <= size) return { hash: hashBytes(bytes), length };
  const hasher = createHasher();
  hasher.update(bytes);
  return readOn({ fd, hasher, length }, context);
}
