/** Steps on their way through the worker threads: gathered in batches, a few of them under way at once. */
import { errnoOf, HkfsError } from '../../errors.js';
import { StatTable } from '../../fs/stats.js';
import type { LevelPut } from '../../events/level.js';
import type { EntryKind } from '../../events/types.js';
import type { EntryFailure, RestoreResult, RestoreStep } from '../../fs/tasks.js';
import { describeFsError } from '../../fs/errors.js';
import type { Failure } from '../api.js';
import { ObjectIndex, sealRow } from '../object-index.js';
import { isObjectProblem, otherCopies, sayBad } from '../other-copies.js';
import { collectedObject, sayCollected } from '../queries/collected.js';
import { stopped, type RestorerParts } from './parts.js';
import { SealedSteps } from './sealed-steps.js';

const BATCH_STEPS = 256;
const BATCH_BYTES = 8 << 20;
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
  }

  async drain(): Promise<void> {
    for (;;) {
      this.submit();
      if (this.inFlight.length === 0) return;
      await this.settleOldest();
    }
  }

  /** Once no thread is at work any more, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.inFlight.map(({ result }) => result));
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
    const { failures, unset, full, bad, differing, ...rest } = await this.waited(result);
    this.reflink &&= rest.reflink;
    for (const [index, failure] of bad) this.tellBad(steps[index]!, failure);
    for (const [index, failure] of failures) await this.failed(steps[index]!, failure);
    for (const index of differing) this.keep(steps[index]!);
    for (const [reason, { first, count }] of unset)
      this.parts.tally.noteUnset(reason, steps[first]!.path, count);
    await this.sealLinked(steps, rest);
    for (const index of full) await this.copyInstead(steps[index]!);
    this.done += steps.length;
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

  /** A link moves the inode's ctime, which is our own doing: what was good before still is. */
  private async sealLinked(
    steps: readonly RestoreStep[],
    { linked, before, after }: Pick<RestoreResult, 'linked' | 'before' | 'after'>,
  ): Promise<void> {
    if (linked.length === 0) return;
    const was = new StatTable(before);
    const is = new StatTable(after);
    const inodes = [...linked].map((_step, at) => ({ device: is.get(at).dev, inode: is.get(at).ino }));
    const seals = await this.index.seals(inodes);
    const rows: LevelPut[] = [];
    for (const [at, seal] of seals.entries()) {
      const step = steps[linked[at]!]!;
      if (step.op !== 'object' || seal === undefined) continue;
      const { hash } = seal;
      if (this.index.judge(hash, was.get(at), seal) !== 'good') continue;
      const { size, mtimeNs, ctimeNs } = is.get(at);
      const moved = { ...inodes[at]!, hash, size, mtimeNs, ctimeNs };
      this.index.touch(hash, moved);
      rows.push(sealRow(moved, moved));
    }
    if (rows.length > 0) await this.parts.archive.views.level.batch(rows);
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
