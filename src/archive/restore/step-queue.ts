/** Steps on their way through the worker threads: gathered in batches, a few of them under way at once. */
import { rmSync } from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { withDirectory } from '../../fs/long-path.js';
import { joinPath, parentPath, toFsPath } from '../../fs/names.js';
import type { EntryKind } from '../../events/types.js';
import type { EntryFailure, RestoreResult, RestoreStep } from '../../fs/tasks.js';
import { describeFsError } from '../../fs/errors.js';
import type { Failure } from '../api.js';
import { ObjectIndex } from '../object-index.js';
import { isObjectProblem, otherCopies, sayBad } from '../other-copies.js';
import { collectedObject, sayCollected } from '../queries/collected.js';
import { SealChain } from '../seal-chain.js';
import { stopped, type RestorerParts } from './parts.js';
import { SealedSteps } from './sealed-steps.js';

const BATCH_STEPS = 256;
const BATCH_BYTES = 8 << 20;
/** Files that wait for one sync to take the places of others; they take room twice meanwhile. */
const WAITING_FILES = 16_384;
const WAITING_BYTES = 512 << 20;

type FileStep = Extract<RestoreStep, { op: 'file' }>;
type NameStep = Extract<RestoreStep, { op: 'name' }>;
/** Kept files that are named in messages; all are counted. */
const DIFFERING_NAMED = 20;

interface Batch {
  readonly steps: readonly RestoreStep[];
  readonly bytes: number;
  readonly result: Promise<RestoreResult>;
}

export class StepQueue {
  private readonly parts: RestorerParts;
  private readonly root: string;
  private readonly index: ObjectIndex;
  private readonly inFlight: Batch[] = [];
  private steps: RestoreStep[] = [];
  private bytes = 0;
  private done = 0;
  private doneBytes = 0;
  /** Bytes of large files that the threads have told of. */
  private told = 0;
  private reflink = true;
  /** Files under temporary names whose bytes may not be on the disk yet. */
  private waiting: { readonly name: NameStep; readonly file: FileStep }[] = [];
  private waitingBytes = 0;
  /** Those that are taking their places. */
  private readonly files = new Map<NameStep, FileStep>();
  private readonly sealed: SealedSteps;
  /** Objects of which a bad copy was told. */
  private readonly toldBad = new Set<string>();

  constructor(parts: RestorerParts, root: string) {
    this.parts = parts;
    this.root = root;
    this.index = new ObjectIndex(parts.archive.views.level);
    this.index.suspects = parts.suspects;
    this.sealed = new SealedSteps(parts.archive, this.index);
    if (parts.dry) return;
    parts.archive.pool.onBytes = (bytes) => {
      this.told += bytes;
      this.report();
    };
  }

  /** @param bytes what the step is to write */
  async add(step: RestoreStep, bytes: number): Promise<void> {
    if (step.op === 'file') this.parts.tally.bytes += bytes;
    if (step.op === 'object') this.parts.tally.links += 1;
    if (this.parts.dry) return;
    await this.enqueue(step, bytes);
  }

  /** Something else is there, and stays, as `--overwrite never` asks for: no failure; some are told by name. */
  differs(path: string, kind: EntryKind): void {
    const { tally, onMessage } = this.parts;
    tally.differing += 1;
    if (tally.differing > DIFFERING_NAMED) return;
    onMessage({ level: 'note', code: 'KEPT', path, text: `a ${kind} that differs is there: kept` });
  }

  private async enqueue(step: RestoreStep, bytes: number): Promise<void> {
    this.steps.push(step);
    this.bytes += step.op === 'file' ? bytes : 0;
    if (this.steps.length < BATCH_STEPS && this.bytes < BATCH_BYTES) return;
    this.submit();
    while (this.inFlight.length > this.parts.archive.pool.size * 2) await this.settleOldest();
    if (this.waiting.length >= WAITING_FILES || this.waitingBytes >= WAITING_BYTES) await this.nameWaiting();
  }

  /** All that was added is done. */
  async drain(): Promise<void> {
    do {
      await this.idle();
      await this.nameWaiting();
    } while (this.steps.length > 0);
    await this.idle();
  }

  /** The threads have nothing to do; files may wait for their names. */
  async idle(): Promise<void> {
    for (;;) {
      this.submit();
      if (this.inFlight.length === 0) return;
      await this.settleOldest();
    }
  }

  /** What was written is on the disk. */
  async sync(): Promise<void> {
    await this.parts.filesystems.sync(this.parts.archive.posix);
    failpoint('restore.durable');
  }

  /** Files whose bytes are on the disk take the places of others. */
  private async nameWaiting(): Promise<void> {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    await this.sync();
    this.waiting = [];
    this.waitingBytes = 0;
    for (const { name, file } of waiting) {
      this.files.set(name, file);
      this.steps.push(name);
      if (this.steps.length >= BATCH_STEPS) this.submit();
    }
    await this.idle();
  }

  /** Once no thread is at work any more, whatever became of it. */
  async settled(): Promise<void> {
    const results = await Promise.allSettled(this.inFlight.map(({ result }) => result));
    for (const [index, result] of results.entries())
      if (result.status === 'fulfilled') this.takeWaiting(this.inFlight[index]!.steps, result.value);
  }

  private takeWaiting(steps: readonly RestoreStep[], { waiting }: Pick<RestoreResult, 'waiting'>): void {
    for (const [index, temporary] of waiting) {
      const file = steps[index] as FileStep;
      this.waiting.push({ name: { op: 'name', path: file.path, temporary }, file });
      this.waitingBytes += file.content.size;
    }
  }

  /** After an error or a stop: files that will not get their names go. */
  dropWaiting(): void {
    const names = [...this.waiting.map(({ name }) => name), ...this.files.keys()];
    for (const { path, temporary } of names)
      withDirectory(parentPath(path), (directory) =>
        rmSync(toFsPath(joinPath(directory, temporary)), { force: true }),
      );
    this.waiting = [];
    this.files.clear();
  }

  fail(path: string, { code, message }: { code: string; message: string }): void {
    this.parts.tally.failed.push({ path, code, message });
  }

  private submit(): void {
    if (this.steps.length === 0) return;
    const { steps, bytes, root, reflink } = this;
    this.steps = [];
    this.bytes = 0;
    const { pool } = this.parts.archive;
    const result = this.sealed
      .trusted(steps, reflink)
      .then((known) => pool.run({ task: 'restore', root, steps: known, reflink }));
    result.catch(() => {}); // awaited in settleOldest
    this.inFlight.push({ steps, bytes, result });
  }

  private async settleOldest(): Promise<void> {
    const { steps, bytes, result } = this.inFlight.shift()!;
    const restored = await this.waited(result);
    const { failures, unset, full, bad, differing } = restored;
    this.reflink &&= restored.reflink;
    this.takeWaiting(steps, restored);
    for (const [index, failure] of bad) this.tellBad(steps[index]!, failure);
    for (const [index, failure] of failures) {
      const failed = steps[index]!;
      await this.failed((failed.op === 'name' && this.files.get(failed)) || failed, failure);
    }
    for (const step of steps) if (step.op === 'name') this.files.delete(step);
    for (const index of differing) this.keep(steps[index]!);
    for (const [reason, { first, count }] of unset)
      this.parts.tally.noteUnset(reason, steps[first]!.path, count);
    await this.sealLinked(restored);
    for (const index of full) await this.copyInstead(steps[index]!);
    this.done += steps.filter(({ op }) => op !== 'name').length;
    this.doneBytes += bytes;
    this.report();
  }

  private async waited(result: Promise<RestoreResult>): Promise<RestoreResult> {
    try {
      return await result;
    } catch (error) {
      if (errnoOf(error) === 'ECANCELED') throw stopped();
      if (errnoOf(error) === 'EXDEV')
        throw new HkfsError('DIFFERENT_FILESYSTEM', `${this.root} is not on the archive's filesystem`, {
          hint: 'leave out --link to copy',
          cause: error,
        });
      throw describeFsError(error, this.root);
    }
  }

  /** Where the hash tree has no good copy, the bytes may be elsewhere. */
  private async failed(step: RestoreStep, failure: EntryFailure): Promise<void> {
    const isObject = 'content' in step && step.content.hash !== null && isObjectProblem(failure);
    if (!isObject || step.content.others) return this.takeBack(step, await this.explained(step, failure));
    const others = await otherCopies(this.parts.archive, step.content.hash);
    if (others.length === 0) return this.takeBack(step, await this.explained(step, failure));
    const { path, replace, attributes } = step;
    const content = { ...step.content, trusted: null, others };
    if (step.op === 'object') this.becomesFile(content.size);
    await this.enqueue({ op: 'file', path, replace, content, attributes }, content.size);
  }

  private becomesFile(bytes: number): void {
    this.parts.tally.links -= 1;
    this.parts.tally.copied += 1;
    this.parts.tally.bytes += bytes;
  }

  private tellBad(step: RestoreStep, failure: EntryFailure): void {
    const hash = 'content' in step ? (step.content.hash ?? '') : '';
    if (this.toldBad.has(hash)) return;
    this.toldBad.add(hash);
    const text = sayBad(failure);
    this.parts.onMessage({ level: 'warning', code: failure.code, path: step.path, text });
  }

  private keep(step: RestoreStep): void {
    this.parts.tally.files -= 1;
    this.parts.tally.links -= 1;
    this.differs(step.path, 'file');
  }

  /** An object that is not there may have been removed on purpose. */
  private async explained(step: RestoreStep, failure: Omit<Failure, 'path'>): Promise<Omit<Failure, 'path'>> {
    if (failure.code !== 'OBJECT_MISSING' || !('content' in step) || step.content.object === null)
      return failure;
    const hash = step.content.hash!;
    const collected = await collectedObject(this.parts.archive, hash);
    return collected === null
      ? failure
      : { code: 'OBJECT_COLLECTED', message: sayCollected(hash, collected) };
  }

  private takeBack(step: RestoreStep, failure: { code: string; message: string }): void {
    const { tally } = this.parts;
    if (step.op === 'file' || step.op === 'object' || step.op === 'hardlink') tally.files -= 1;
    if (step.op === 'object' || step.op === 'hardlink') tally.links -= 1;
    if (step.op === 'file') tally.bytes -= step.content.size;
    if (step.op === 'file' && this.parts.link && step.content.object !== null) tally.copied -= 1;
    if (step.op === 'symlink') tally.symlinks -= 1;
    if (step.op === 'special') tally.specials -= 1;
    this.fail(step.path, failure);
  }

  /**
   * A link moves the inode's ctime, which is our own doing: what was good before still is. Links of one
   * object that several threads made at once cannot be told apart from what others did: it is in doubt.
   */
  private async sealLinked({ linked, before, after }: RestoreResult): Promise<void> {
    if (linked.length === 0) return;
    const chain = new SealChain(this.index);
    await chain.touched({ before, after });
    await this.parts.archive.views.level.batch(chain.rows());
  }

  /** The object has as many names as the file system allows: this name gets a file of its own. */
  private async copyInstead(step: RestoreStep): Promise<void> {
    if (step.op !== 'object') return;
    const { path, replace, content, attributes } = step;
    this.becomesFile(content.size);
    this.parts.onMessage({
      level: 'note',
      code: 'EMLINK',
      path,
      text: 'its object takes no more links; it was copied',
    });
    await this.enqueue({ op: 'file', path, replace, content, attributes }, content.size);
  }

  private report(): void {
    this.parts.onProgress({
      phase: 'restoring',
      files: this.done,
      bytes: Math.max(this.doneBytes, this.told),
      totalFiles: this.parts.totals?.entries ?? null,
      totalBytes: this.parts.totals?.bytes ?? null,
    });
  }
}
