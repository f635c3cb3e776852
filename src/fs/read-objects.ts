/** Contents out of the hash tree, each checked against its hash: whole into memory, or surveyed for later. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import { ObjectProblem, readProblem } from './copy-object.js';
import type { TaskContext } from './contents.js';
import { failpoint } from './failpoints.js';
import { createHasher, hashBytes } from './hash.js';
import { twinPaths } from './place.js';
import { toFailure } from './scan.js';
import type {
  DigestObjectsResult,
  DigestObjectsTask,
  EntryFailure,
  FillResult,
  FillTask,
  SurveyObjectResult,
  SurveyObjectTask,
} from './tasks.js';

/** Holes are whole blocks of zeros, whatever blocks the file system has: so that they follow from the bytes. */
const HOLE_BYTES = 4096;
const HASH_BYTES = 32;
const { O_RDONLY, O_NOFOLLOW } = fs.constants;

/** Puts contents into memory that the caller shares, each at its place. */
export function fillFromObjects(task: FillTask): FillResult {
  const image = Buffer.from(task.image);
  const failures = new Map<number, EntryFailure>();
  const hashes = Buffer.from(task.hashes.buffer, task.hashes.byteOffset, task.hashes.byteLength);
  for (let index = 0; index * HASH_BYTES < hashes.length; index += 1) {
    const at = task.places[2 * index]!;
    const target = image.subarray(at, at + task.places[2 * index + 1]!);
    const hash = hashes.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES);
    try {
      withGoodInode(task.objects, hash, (fd, path) => readWhole(fd, target, { hash, path }));
    } catch (error) {
      failures.set(index, failureOf(error));
    }
  }
  return { failures };
}

function readWhole(fd: number, target: Buffer, wanted: { hash: string; path: string }): void {
  let length = 0;
  while (length < target.length) {
    const read = reading(wanted.path, () => fs.readSync(fd, target, length, target.length - length, length));
    if (read === 0) throw damaged(wanted.path, `has ${length} bytes instead of ${target.length}`);
    length += read;
  }
  expectHash(hashBytes(target), wanted);
}

/** Reads a large content once: whether it is whole, and where it has data. */
export function surveyObject(task: SurveyObjectTask, context: TaskContext): SurveyObjectResult {
  const { objects, hash } = task;
  try {
    return withGoodInode(objects, hash, (fd, path) => new Survey(fd, path, { task, context }).run());
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

class Survey {
  private readonly fd: number;
  private readonly path: string;
  private readonly task: SurveyObjectTask;
  private readonly context: TaskContext;
  private readonly whole = createHasher();
  private readonly data = createHasher();
  /** Begin and end of each stretch of data. */
  private readonly stretches: number[] = [];

  constructor(fd: number, path: string, { task, context }: { task: SurveyObjectTask; context: TaskContext }) {
    this.fd = fd;
    this.path = path;
    this.task = task;
    this.context = context;
  }

  run(): SurveyObjectResult {
    const { size, sparse, hash } = this.task;
    const { posix } = this.context;
    for (let at = 0; at < size;) {
      const data = sparse && posix ? (posix.seekData(this.fd, at) ?? size) : at;
      at = this.hole(at, data < size ? Math.max(at, data - (data % HOLE_BYTES)) : size);
      if (at < size) at = this.block(at);
    }
    if (fs.fstatSync(this.fd).size !== size) throw damaged(this.path, `has not ${size} bytes`);
    expectHash(this.whole.digest(), { hash, path: this.path });
    const isWhole = this.stretches.length === 2 && this.stretches[0] === 0 && this.stretches[1] === size;
    if (!sparse || isWhole) return { path: this.path, stretches: null, dataHash: hash };
    const stretches = Float64Array.from(this.stretches);
    return { path: this.path, stretches, dataHash: this.data.digest().toString('hex') };
  }

  private hole(from: number, to: number): number {
    const { zeros, onBlock } = this.context;
    for (let at = from; at < to; at += zeros.length) {
      const length = Math.min(zeros.length, to - at);
      this.whole.update(zeros.subarray(0, length));
      onBlock(length);
    }
    return to;
  }

  private block(at: number): number {
    const { block, onBlock } = this.context;
    const wanted = Math.min(block.length, this.task.size - at);
    let length = 0;
    while (length < wanted) {
      const read = reading(this.path, () =>
        fs.readSync(this.fd, block, length, wanted - length, at + length),
      );
      if (read === 0) throw damaged(this.path, `has ${at + length} bytes instead of ${this.task.size}`);
      length += read;
    }
    const bytes = block.subarray(0, length);
    this.whole.update(bytes);
    onBlock(length);
    if (this.task.sparse) this.findData(bytes, at);
    return at + length;
  }

  private findData(bytes: Buffer, position: number): void {
    for (let at = 0; at < bytes.length; at += HOLE_BYTES) {
      const part = bytes.subarray(at, at + HOLE_BYTES);
      if (part.equals(this.context.zeros.subarray(0, part.length))) continue;
      this.data.update(part);
      const begin = position + at;
      if (this.stretches.at(-1) === begin) this.stretches[this.stretches.length - 1] = begin + part.length;
      else this.stretches.push(begin, begin + part.length);
    }
  }
}

/** Digests that other programs know, of contents that are checked on the way. */
export function digestObjects(task: DigestObjectsTask, context: TaskContext): DigestObjectsResult {
  const digests: string[][] = [];
  const failures = new Map<number, EntryFailure>();
  for (const [index, hash] of task.hashes.entries()) {
    try {
      digests.push(
        withGoodInode(task.objects, hash, (fd, path) => digest(fd, { hash, path }, { task, context })),
      );
    } catch (error) {
      digests.push([]);
      failures.set(index, failureOf(error));
    }
  }
  return { digests, failures };
}

function digest(
  fd: number,
  wanted: { hash: string; path: string },
  { task, context }: { task: DigestObjectsTask; context: TaskContext },
): string[] {
  const own = createHasher();
  const others = task.algorithms.map((algorithm) => createHash(algorithm));
  for (;;) {
    const length = reading(wanted.path, () => fs.readSync(fd, context.block, 0, context.block.length, null));
    if (length === 0) break;
    const bytes = context.block.subarray(0, length);
    own.update(bytes);
    for (const other of others) other.update(bytes);
    context.onBlock(length);
  }
  expectHash(own.digest(), wanted);
  return others.map((other) => other.digest('hex'));
}

/** The first inode, and where that is no good a twin. @throws ObjectProblem of the first */
function withGoodInode<T>(objects: string, hash: string, use: (fd: number, path: string) => T): T {
  const first = `${objects}/${hash.slice(0, 2)}/${hash.slice(2)}`;
  try {
    return withObject(first, use);
  } catch (error) {
    if (!(error instanceof ObjectProblem)) throw error;
    for (const twin of twinPaths(first)) {
      if (twin === first) continue;
      try {
        return withObject(twin, use);
      } catch (other) {
        if (!(other instanceof ObjectProblem)) throw other;
      }
    }
    throw error;
  }
}

function withObject<T>(path: string, use: (fd: number, path: string) => T): T {
  const fd = reading(path, () => {
    failpoint('export.read');
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW);
  });
  try {
    return use(fd, path);
  } finally {
    fs.closeSync(fd);
  }
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw readProblem(error, path);
  }
}

function expectHash(digest: Buffer, { hash, path }: { hash: string; path: string }): void {
  if (digest.toString('hex') !== hash) throw damaged(path, 'has other bytes than its name says');
}

function damaged(path: string, what: string): ObjectProblem {
  return new ObjectProblem('OBJECT_DAMAGED', `${path} ${what}`);
}

/** @throws what is no single object's trouble: a cancelled read */
function failureOf(error: unknown): EntryFailure {
  if (error instanceof ObjectProblem) return { code: error.code, message: error.message };
  if (errnoOf(error) === 'ECANCELED') throw error;
  return toFailure(error);
}
