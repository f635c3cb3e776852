/**
 * Entries back to files: each is made under a temporary name in its directory, gets all its attributes
 * there, and only then its name. So a name is either not there or complete, and a kill leaves at most
 * temporary files, which `isRestoreTemporary` knows.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Attributes, EntryKind, SpecialKind } from '../events/types.js';
import {
  applyAttributes,
  isEverywhere,
  type RestoredEntry,
  type UnsetAttribute,
} from './apply-attributes.js';
import { entryKindOf } from './attributes.js';
import { Below } from './below.js';
import { checkObject, copyObject } from '../store/hash-tree/copy-object.js';
import { ObjectProblem } from '../store/hash-tree/object-reader.js';
import type { TaskContext } from './contents.js';
import { WRITES_END } from './errors.js';
import { failpoint } from './failpoints.js';
import { baseName, joinPath, parentPath, toFsPath, type FsPath } from './names.js';
import { canHold, forgetHeld } from './held-directories.js';
import { NewFilesOf, type NewFiles } from './new-files.js';
import { renameByLink } from './rename-no-replace.js';
import { newTemporary } from './restore-temporary.js';
import { twinPaths } from './place.js';
import { removeTree } from './remove-tree.js';
import { hasSameBytes } from './same-bytes.js';
import { toFailure } from './scan.js';
import { StatTable } from './stats.js';
import type { EntryFailure, RestoreResult, RestoreStep, RestoreTask } from './tasks.js';

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
/** The type bits of `st_mode`. */
const TYPES: Readonly<Record<SpecialKind, number>> = {
  fifo: 0o010000,
  chardev: 0o020000,
  blockdev: 0o060000,
  socket: 0o140000,
};
/** Here nothing more can be written, whatever the entry. */
const FATAL = new Set([...WRITES_END, 'ECANCELED']);

const PRIVATE = 0o600;
const SPECIAL_BITS = 0o7000;

/** @throws what lets nothing more be written: ENOSPC and its kin, EXDEV of a link, ECANCELED */
export function restoreSteps(task: RestoreTask, context: TaskContext): RestoreResult {
  const run = new Restore(task, context);
  try {
    for (const [index, step] of task.steps.entries()) run.attempt(step, index);
  } catch (error) {
    run.dropWaiting();
    throw error;
  } finally {
    run.close();
  }
  return run.result();
}

/** The step's own path says where it is; the temporary name would only puzzle. */
function withoutPath({ code, message }: EntryFailure): EntryFailure {
  return { code, message: message.replace(/ '\/[^]*$/, '') };
}

/** No further name of what is somebody else's: only such may be given an owner and a mode. */
function isAsMade({ nlink, mode }: fs.Stats, kind: EntryKind): boolean {
  return nlink <= 1 && entryKindOf(mode) === kind;
}

function swapped(path: string): Error {
  return Object.assign(new Error(`ESTALE: something else is at ${path} than was put there`), {
    code: 'ESTALE',
    path,
  });
}

class Restore {
  private readonly context: TaskContext;
  private readonly root: string;
  private readonly below: Below;
  private readonly failures = new Map<number, EntryFailure>();
  private readonly unset = new Map<string, { first: number; count: number }>();
  private readonly steps: readonly RestoreStep[];
  private readonly waiting = new Map<number, string>();
  private readonly full: number[] = [];
  private readonly linked: number[] = [];
  private readonly before: StatTable;
  private readonly after: StatTable;
  private readonly newFiles: NewFilesOf;
  private readonly bad = new Map<number, EntryFailure>();
  private readonly differing: number[] = [];
  /** Inodes as our own links have left them: a link moves the ctime. */
  private readonly known = new Map<string, fs.BigIntStats>();
  private readonly isRoot = process.geteuid?.() === 0;
  private reflink: boolean;

  constructor(task: RestoreTask, context: TaskContext) {
    this.context = context;
    this.root = task.root;
    this.steps = task.steps;
    this.below = new Below(task.root);
    this.newFiles = new NewFilesOf(context.posix);
    const links = task.steps.filter(({ op }) => op === 'object').length;
    this.before = new StatTable(links);
    this.after = new StatTable(links);
    this.reflink = task.reflink;
  }

  attempt(step: RestoreStep, index: number): void {
    try {
      failpoint('restore.step');
      this.take(step, index);
    } catch (error) {
      if (error instanceof ObjectProblem)
        this.failures.set(index, { code: error.code, message: error.message });
      else if (FATAL.has(errnoOf(error) ?? '')) throw error;
      else if (step.op === 'object' && errnoOf(error) === 'EXDEV') throw error;
      else this.failures.set(index, withoutPath(toFailure(error)));
    }
  }

  close(): void {
    this.below.close();
  }

  /** Nobody will hear of them. */
  dropWaiting(): void {
    for (const [index, temporary] of this.waiting) {
      const directory = this.below.directory(parentPath(this.steps[index]!.path));
      fs.rmSync(toFsPath(joinPath(directory, temporary)), { force: true });
    }
  }

  result(): RestoreResult {
    const { failures, unset, waiting, full, reflink, bad, differing } = this;
    const linked = {
      linked: Int32Array.from(this.linked),
      before: this.before.values,
      after: this.after.values,
    };
    return { failures, unset, waiting, full, ...linked, reflink, bad, differing };
  }

  private take(step: RestoreStep, index: number): void {
    switch (step.op) {
      case 'file':
        return this.file(step, index);
      case 'object':
        return this.object(step, index);
      case 'hardlink':
        return this.hardlink(step, index);
      case 'symlink':
        return this.made(step, index, (path) => fs.symlinkSync(toFsPath(step.target), toFsPath(path)));
      case 'special':
        return this.made(step, index, (path) => this.mknod(path, step));
      case 'attributes':
        return this.directory(step, index);
      case 'name':
        return this.nameWaiting(step);
      case 'remove':
        this.below.locate(step.path);
        failpoint('restore.remove');
        removeTree(step.path);
        return forgetHeld();
    }
  }

  private file(step: Extract<RestoreStep, { op: 'file' }>, index: number): void {
    const { content, attributes } = step;
    const path = this.below.locate(step.path);
    const gets = this.isPlain(attributes) ? this.newFilesIn(parentPath(step.path)) : null;
    const isModeGiven = gets !== null && (attributes.mode & (gets.maskedBits | SPECIAL_BITS)) === 0;
    const { temporary, fd } = this.create(step.path, isModeGiven ? attributes.mode : PRIVATE);
    try {
      try {
        if (content.object !== null) this.fill(fd, step, index);
        const isSet = gets !== null && this.finish(fd, attributes, { gets, isModeGiven });
        if (!isSet)
          this.note(
            applyAttributes(canHold() ? { fd } : temporary, 'file', attributes, this.context.posix),
            index,
          );
      } finally {
        fs.closeSync(fd);
      }
      failpoint('restore.written');
      if (step.replace) this.waiting.set(index, baseName(temporary));
      else this.name(temporary, path, false);
    } catch (error) {
      fs.unlinkSync(toFsPath(temporary));
      throw error;
    }
  }

  private directory({ path, attributes }: Extract<RestoreStep, { op: 'attributes' }>, index: number): void {
    const set = (entry: RestoredEntry): void =>
      this.note(applyAttributes(entry, 'directory', attributes, this.context.posix), index);
    this.below.withSelf(path, (fd) => {
      if (fd === null) return set(joinPath(this.below.directory(path), '.'));
      if (!fs.fstatSync(fd).isDirectory()) throw swapped(path);
      set({ fd });
    });
  }

  /** What is replaced was the last good file of its name: it goes when the new one is on the disk. */
  private nameWaiting({ path, temporary }: Extract<RestoreStep, { op: 'name' }>): void {
    const from = joinPath(this.below.directory(parentPath(path)), temporary);
    try {
      this.name(from, this.below.locate(path), true);
    } catch (error) {
      fs.unlinkSync(toFsPath(from));
      throw error;
    }
  }

  private fill(
    fd: number,
    { content, attributes }: Extract<RestoreStep, { op: 'file' }>,
    index: number,
  ): void {
    const options = { sparse: attributes.sparse ?? false, reflink: this.reflink };
    const { value, bad } = copyObject(content, fd, this.context, options);
    this.reflink = value;
    if (bad) this.bad.set(index, bad);
  }

  private newFilesIn(directory: string): NewFiles | null {
    return this.newFiles.in(directory, () => toFsPath(this.below.directory(directory)));
  }

  private isPlain({ xattrs, mtimeNs }: Attributes): boolean {
    return this.isRoot && xattrs === undefined && this.context.posix !== null && isEverywhere(mtimeNs);
  }

  /** Through the descriptor, and only what differs from what a new file gets: half the system calls. */
  private finish(
    fd: number,
    { uid, gid, mode, mtimeNs }: Attributes,
    { gets, isModeGiven }: { gets: NewFiles; isModeGiven: boolean },
  ): boolean {
    try {
      if (uid !== 0 || gid !== gets.gid) fs.fchownSync(fd, uid, gid);
      if (!isModeGiven) fs.fchmodSync(fd, mode);
      this.context.posix!.futimens(fd, { mtimeNs });
      return true;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return false; // told by what says which attribute it was
    }
  }

  /** Symlinks and specials. */
  private made(
    step: Extract<RestoreStep, { op: 'symlink' | 'special' }>,
    index: number,
    make: (temporary: string) => void,
  ): void {
    const path = this.below.locate(step.path);
    const temporary = this.tried(step.path, make);
    try {
      this.setMade(step, temporary, index);
      failpoint('restore.written');
      this.name(temporary, path, step.replace);
    } catch (error) {
      fs.unlinkSync(toFsPath(temporary));
      throw error;
    }
  }

  private setMade(
    step: Extract<RestoreStep, { op: 'symlink' | 'special' }>,
    temporary: string,
    index: number,
  ): void {
    const kind: EntryKind = step.op === 'symlink' ? 'symlink' : step.kind;
    const set = (entry: RestoredEntry): void =>
      this.note(applyAttributes(entry, kind, step.attributes, this.context.posix), index);
    this.below.withSelf(joinPath(parentPath(step.path), baseName(temporary)), (fd) => {
      if (fd === null) return set(temporary);
      if (!isAsMade(fs.fstatSync(fd), kind)) throw swapped(step.path);
      set({ fd });
    });
  }

  private mknod(path: string, step: Extract<RestoreStep, { op: 'special' }>): void {
    const { posix } = this.context;
    if (posix === null) throw Object.assign(new Error('ENOSYS: no mknod here'), { code: 'ENOSYS' });
    const { major, minor } = step;
    posix.mknod(path, TYPES[step.kind] | 0o600, { major, minor });
  }

  /** The inode keeps its attributes: it is the object's. */
  private object(step: Extract<RestoreStep, { op: 'object' }>, index: number): void {
    const path = this.below.locate(step.path);
    let problem: ObjectProblem | null = null;
    let isFull = false;
    for (const inode of twinPaths(step.content.object!))
      try {
        this.linkTo(inode, { step, path, index });
        if (problem) this.bad.set(index, { code: problem.code, message: problem.message });
        return;
      } catch (error) {
        if (error instanceof ObjectProblem) problem ??= error;
        else if (errnoOf(error) === 'EMLINK') isFull = true;
        else throw error;
      }
    if (problem && !isFull) throw problem;
    this.full.push(index);
  }

  private linkTo(
    inode: string,
    { step, path, index }: { step: Extract<RestoreStep, { op: 'object' }>; path: FsPath; index: number },
  ): void {
    const { context } = this;
    const before = checkObject(inode, step.content, { context, known: this.known.get(inode) });
    this.link(inode, step, path);
    const after = fs.lstatSync(inode, { bigint: true });
    const at = this.linked.push(index) - 1;
    this.before.set(at, before);
    this.after.set(at, after);
    this.known.set(inode, after);
  }

  private hardlink(step: Extract<RestoreStep, { op: 'hardlink' }>, index: number): void {
    // Both may be too long for the kernel: the further name's directory is anchored as well.
    const first = new Below(this.root);
    try {
      const [to, path] = [first.locate(step.to), this.below.locate(step.path)];
      if (step.join && !hasSameBytes(to, path)) this.differing.push(index);
      else this.link(to, { path: step.path, replace: step.replace || step.join }, path);
    } finally {
      first.close();
    }
  }

  /** A link is complete from the start: only where something makes room it needs a temporary name. */
  private link(inode: FsPath, step: { path: string; replace: boolean }, path: FsPath): void {
    failpoint('restore.link');
    if (!step.replace) return fs.linkSync(inode, path);
    const temporary = this.tried(step.path, (name) => fs.linkSync(inode, toFsPath(name)));
    try {
      failpoint('restore.written');
      fs.renameSync(toFsPath(temporary), path);
    } finally {
      // A rename between two links of one inode does nothing and leaves both.
      fs.rmSync(toFsPath(temporary), { force: true });
    }
  }

  private name(temporary: string, path: FsPath, replace: boolean): void {
    const { posix } = this.context;
    if (replace) fs.renameSync(toFsPath(temporary), path);
    else if (posix === null) renameByLink(toFsPath(temporary), path);
    else posix.renameNoReplace(toFsPath(temporary), path);
    failpoint('restore.named');
  }

  private create(path: string, mode: number): { temporary: string; fd: number } {
    let fd = -1;
    const temporary = this.tried(path, (name) => {
      fd = fs.openSync(toFsPath(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    });
    return { temporary, fd };
  }

  /** A temporary name beside the path that nobody has; a restore that was killed may have left some. */
  private tried(path: string, make: (temporary: string) => void): string {
    const directory = this.below.directory(parentPath(path));
    for (;;) {
      const temporary = joinPath(directory, newTemporary());
      try {
        make(temporary);
        return temporary;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  private note(unset: readonly UnsetAttribute[], index: number): void {
    for (const { what, code } of unset) {
      const key = `${what}: ${code}`;
      const known = this.unset.get(key);
      if (known) known.count += 1;
      else this.unset.set(key, { first: index, count: 1 });
    }
  }
}
