/**
 * Entries back to files: each is made under a temporary name in its directory, gets all its attributes
 * there, and only then its name. So a name is either not there or complete, and a kill leaves at most
 * temporary files, which `isRestoreTemporary` knows.
 */
import * as fs from 'node:fs';
import { threadId } from 'node:worker_threads';
import { errnoOf } from '../errors.js';
import type { Attributes, EntryKind, SpecialKind } from '../events/types.js';
import { applyAttributes, type UnsetAttribute } from './apply-attributes.js';
import { Below } from './below.js';
import { checkObject, copyObject, ObjectProblem } from './copy-object.js';
import type { TaskContext } from './contents.js';
import { failpoint } from './failpoints.js';
import { joinPath, parentPath, toFsPath, type FsPath } from './names.js';
import { twinPaths } from './place.js';
import { removeTree } from './remove-tree.js';
import { toFailure } from './scan.js';
import { StatTable } from './stats.js';
import type { EntryFailure, RestoreResult, RestoreStep, RestoreTask } from './tasks.js';

const TEMPORARY = /^\.hkfs-restore-(\d+)-\d+-\d+$/;
const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
/** The type bits of `st_mode`. */
const TYPES: Readonly<Record<SpecialKind, number>> = {
  fifo: 0o010000,
  chardev: 0o020000,
  blockdev: 0o060000,
  socket: 0o140000,
};
/** Here nothing more can be written, whatever the entry. */
const FATAL = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ECANCELED']);

let temporaries = 0;

/** What a restore that was killed left: named by us, and its process is gone. */
export function isRestoreTemporary(name: string): boolean {
  const match = TEMPORARY.exec(name);
  if (!match) return false;
  const pid = Number(match[1]);
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

/** @throws what lets nothing more be written: ENOSPC and its kin, EXDEV of a link, ECANCELED */
export function restoreSteps(task: RestoreTask, context: TaskContext): RestoreResult {
  const run = new Restore(task, context);
  try {
    for (const [index, step] of task.steps.entries()) run.attempt(step, index);
  } finally {
    run.close();
  }
  return run.result();
}

class Restore {
  private readonly context: TaskContext;
  private readonly below: Below;
  private readonly failures = new Map<number, EntryFailure>();
  private readonly unset = new Map<string, { first: number; count: number }>();
  private readonly full: number[] = [];
  private readonly linked: number[] = [];
  private readonly before: StatTable;
  private readonly after: StatTable;
  private readonly inheriting = new Map<string, boolean>();
  private readonly isRoot = process.geteuid?.() === 0;
  private reflink: boolean;

  constructor(task: RestoreTask, context: TaskContext) {
    this.context = context;
    this.below = new Below(task.root);
    const links = task.steps.filter(({ op }) => op === 'object').length;
    this.before = new StatTable(links);
    this.after = new StatTable(links);
    this.reflink = task.reflink;
  }

  attempt(step: RestoreStep, index: number): void {
    try {
      failpoint('restore.step');
      this.apply(step, index);
    } catch (error) {
      if (error instanceof ObjectProblem)
        this.failures.set(index, { code: error.code, message: error.message });
      else if (FATAL.has(errnoOf(error) ?? '')) throw error;
      else if (step.op === 'object' && errnoOf(error) === 'EXDEV') throw error;
      else this.failures.set(index, toFailure(error));
    }
  }

  close(): void {
    this.below.close();
  }

  result(): RestoreResult {
    const { failures, unset, full, reflink } = this;
    const linked = Int32Array.from(this.linked);
    return { failures, unset, full, linked, before: this.before.values, after: this.after.values, reflink };
  }

  private apply(step: RestoreStep, index: number): void {
    switch (step.op) {
      case 'file':
        return this.file(step, index);
      case 'object':
        return this.object(step, index);
      case 'hardlink':
        return this.hardlink(step);
      case 'symlink':
        return this.made(step, index, (path) => fs.symlinkSync(toFsPath(step.target), toFsPath(path)));
      case 'special':
        return this.made(step, index, (path) => this.mknod(path, step));
      case 'attributes':
        return this.note(
          applyAttributes(
            joinPath(this.below.directory(step.path), '.'),
            'directory',
            step.attributes,
            this.context.posix,
          ),
          index,
        );
      case 'remove':
        this.below.locate(step.path);
        failpoint('restore.remove');
        return removeTree(step.path);
    }
  }

  private file(step: Extract<RestoreStep, { op: 'file' }>, index: number): void {
    const { content, attributes } = step;
    const path = this.below.locate(step.path);
    const { temporary, fd } = this.create(step.path);
    try {
      try {
        if (content.object !== null)
          this.reflink = copyObject(content, fd, this.context, {
            sparse: attributes.sparse ?? false,
            reflink: this.reflink,
          });
        this.note(this.finish(fd, temporary, step), index);
      } finally {
        fs.closeSync(fd);
      }
      failpoint('restore.written');
      this.name(temporary, path, step.replace);
    } catch (error) {
      fs.unlinkSync(toFsPath(temporary));
      throw error;
    }
  }

  /** Through the descriptor where nothing else is to be set: half the system calls. */
  private finish(
    fd: number,
    path: string,
    { path: target, attributes }: { path: string; attributes: Attributes },
  ): UnsetAttribute[] {
    const { posix } = this.context;
    const isPlain = posix !== null && attributes.xattrs === undefined && this.isRoot;
    if (!isPlain || this.inherits(parentPath(target))) return applyAttributes(path, 'file', attributes, posix);
    try {
      fs.fchownSync(fd, attributes.uid, attributes.gid);
      fs.fchmodSync(fd, attributes.mode);
      posix.futimens(fd, { mtimeNs: attributes.mtimeNs });
      return [];
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return applyAttributes(path, 'file', attributes, posix);
    }
  }

  /** Whether new files in the directory get ACLs that they are not to have. */
  private inherits(directory: string): boolean {
    const known = this.inheriting.get(directory);
    if (known !== undefined) return known;
    let inherits = true;
    try {
      const names = this.context.posix!.llistxattr(toFsPath(this.below.directory(directory)));
      inherits = names.includes('system.posix_acl_default');
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
    this.inheriting.set(directory, inherits);
    return inherits;
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
      const kind: EntryKind = step.op === 'symlink' ? 'symlink' : step.kind;
      this.note(applyAttributes(temporary, kind, step.attributes, this.context.posix), index);
      failpoint('restore.written');
      this.name(temporary, path, step.replace);
    } catch (error) {
      fs.unlinkSync(toFsPath(temporary));
      throw error;
    }
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
    for (const inode of twinPaths(step.content.object!)) {
      const before = fs.lstatSync(inode, { bigint: true, throwIfNoEntry: false });
      if (before === undefined) throw new ObjectProblem('OBJECT_MISSING', `${inode} is not in the hash tree`);
      if (Number(before.size) !== step.content.size)
        throw new ObjectProblem('OBJECT_DAMAGED', `${inode} has ${before.size} bytes`);
      if (step.content.hash !== null) checkObject(inode, step.content, this.context);
      try {
        this.link(inode, step, path);
      } catch (error) {
        if (errnoOf(error) === 'EMLINK') continue;
        throw error;
      }
      const at = this.linked.push(index) - 1;
      this.before.set(at, before);
      this.after.set(at, fs.lstatSync(inode, { bigint: true }));
      return;
    }
    this.full.push(index);
  }

  private hardlink(step: Extract<RestoreStep, { op: 'hardlink' }>): void {
    // Both may be too long for the kernel: the further name's directory is anchored as well.
    const first = new Below(parentPath(step.to));
    try {
      this.link(first.locate(step.to), step, this.below.locate(step.path));
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
    if (replace || this.context.posix === null) fs.renameSync(toFsPath(temporary), path);
    else this.context.posix.renameNoReplace(toFsPath(temporary), path);
    failpoint('restore.named');
  }

  private create(path: string): { temporary: string; fd: number } {
    let fd = -1;
    const temporary = this.tried(path, (name) => {
      fd = fs.openSync(toFsPath(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    });
    return { temporary, fd };
  }

  /** A temporary name beside the path that nobody has; a restore that was killed may have left some. */
  private tried(path: string, make: (temporary: string) => void): string {
    const directory = this.below.directory(parentPath(path));
    for (;;) {
      const name = `.hkfs-restore-${process.pid}-${threadId}-${(temporaries += 1)}`;
      const temporary = joinPath(directory, name);
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
