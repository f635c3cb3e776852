/** Contents out of the hash tree, each checked against its hash: whole into memory, or surveyed for later. */
import { createHash } from 'node:crypto';
import type { TaskContext } from '../../fs/contents.js';
import { failpoint } from '../../fs/failpoints.js';
import { createHasher, hashBytes } from '../../fs/hash.js';
import { lstatOrNull } from '../../fs/scan.js';
import { StatTable } from '../../fs/stats.js';
import type {
  DigestObjectsResult,
  DigestObjectsTask,
  EntryFailure,
  FillResult,
  FillTask,
  StatObjectsResult,
  StatObjectsTask,
  SurveyObjectResult,
  SurveyObjectTask,
} from '../../fs/tasks.js';
import { failureOf, fromGoodCopy, type FromCopy, type ObjectCopy } from './object-reader.js';

/** Holes are whole blocks of zeros, whatever blocks the file system has: so that they follow from the bytes. */
const HOLE_BYTES = 4096;
const HASH_BYTES = 32;

/** Puts contents into memory that the caller shares, each at its place. */
export function fillFromObjects(task: FillTask): FillResult {
  const image = Buffer.from(task.image);
  const failures = new Map<number, EntryFailure>();
  const bad = new Map<number, EntryFailure>();
  const hashes = Buffer.from(task.hashes.buffer, task.hashes.byteOffset, task.hashes.byteLength);
  for (let index = 0; index * HASH_BYTES < hashes.length; index += 1) {
    const at = task.places[2 * index]!;
    const target = image.subarray(at, at + task.places[2 * index + 1]!);
    const hash = hashes.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES);
    try {
      const object = { objects: task.objects, hash, others: task.others?.get(index) };
      const read = fromObject(object, (copy) => readWhole(copy, target, hash));
      if (read.bad) bad.set(index, read.bad);
    } catch (error) {
      failures.set(index, failureOf(error));
    }
  }
  return { failures, bad };
}

function readWhole(copy: ObjectCopy, target: Buffer, hash: string): void {
  let length = 0;
  while (length < target.length) {
    const read = copy.read(target, { at: length, length: target.length - length }, length);
    if (read === 0) throw copy.damaged(`has ${length} bytes instead of ${target.length}`);
    length += read;
  }
  copy.expectHash(hashBytes(target), hash);
}

/** Reads a large content once: whether it is whole, and where it has data. */
export function surveyObject(task: SurveyObjectTask, context: TaskContext): SurveyObjectResult {
  try {
    const { value, bad } = fromObject(task, (copy) => new Survey(copy, { task, context }).run());
    return { ...value, bad };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

type Surveyed = Omit<Exclude<SurveyObjectResult, { failure: EntryFailure }>, 'bad'>;

class Survey {
  private readonly copy: ObjectCopy;
  private readonly task: SurveyObjectTask;
  private readonly context: TaskContext;
  private readonly whole = createHasher();
  private readonly data = createHasher();
  /** Begin and end of each stretch of data. */
  private readonly stretches: number[] = [];

  constructor(copy: ObjectCopy, { task, context }: { task: SurveyObjectTask; context: TaskContext }) {
    this.copy = copy;
    this.task = task;
    this.context = context;
  }

  run(): Surveyed {
    const { copy } = this;
    const { size, sparse, hash } = this.task;
    const { posix } = this.context;
    for (let at = 0; at < size;) {
      const data = sparse && posix ? (posix.seekData(copy.fd, at) ?? size) : at;
      at = this.hole(at, data < size ? Math.max(at, data - (data % HOLE_BYTES)) : size);
      if (at < size) at = this.block(at);
    }
    copy.expectLength(Number(copy.stat().size), size);
    copy.expectHash(this.whole.digest(), hash);
    const isWhole = this.stretches.length === 2 && this.stretches[0] === 0 && this.stretches[1] === size;
    if (!sparse || isWhole) return { path: copy.path, stretches: null, dataHash: hash };
    const stretches = Float64Array.from(this.stretches);
    return { path: copy.path, stretches, dataHash: this.data.digest().toString('hex') };
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
    const { copy } = this;
    const { block, onBlock } = this.context;
    const wanted = Math.min(block.length, this.task.size - at);
    let length = 0;
    while (length < wanted) {
      const read = copy.read(block, { at: length, length: wanted - length }, at + length);
      if (read === 0) throw copy.damaged(`has ${at + length} bytes instead of ${this.task.size}`);
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
  const bad = new Map<number, EntryFailure>();
  for (const [index, hash] of task.hashes.entries()) {
    try {
      const object = { objects: task.objects, hash, others: task.others?.get(index) };
      const read = fromObject(object, (copy) => digest(copy, hash, { task, context }));
      if (read.bad) bad.set(index, read.bad);
      digests.push(read.value);
    } catch (error) {
      digests.push([]);
      failures.set(index, failureOf(error));
    }
  }
  return { digests, failures, bad };
}

function digest(
  copy: ObjectCopy,
  hash: string,
  { task, context }: { task: DigestObjectsTask; context: TaskContext },
): string[] {
  const { block } = context;
  const own = createHasher();
  const others = task.algorithms.map((algorithm) => createHash(algorithm));
  for (;;) {
    const length = copy.read(block, { at: 0, length: block.length }, null);
    if (length === 0) break;
    const bytes = block.subarray(0, length);
    own.update(bytes);
    for (const other of others) other.update(bytes);
    context.onBlock(length);
  }
  copy.expectHash(own.digest(), hash);
  return others.map((other) => other.digest('hex'));
}

/** What the files of objects look like, for their seals. */
export function statObjects({ files }: StatObjectsTask): StatObjectsResult {
  const stats = new StatTable(files.length);
  for (const [index, file] of files.entries()) {
    const stat = lstatOrNull(file);
    if (stat !== null) stats.set(index, stat);
  }
  return { stats: stats.values };
}

function fromObject<T>(
  { objects, hash, others }: { objects: string; hash: string; others?: readonly string[] | undefined },
  use: (copy: ObjectCopy) => T,
): FromCopy<T> {
  const object = `${objects}/${hash.slice(0, 2)}/${hash.slice(2)}`;
  return fromGoodCopy({ object, others, before: () => failpoint('export.read') }, use);
}
