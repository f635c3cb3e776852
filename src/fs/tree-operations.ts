/**
 * The tree on disk, changed so that nothing of a person's own is trampled: an operation only ever
 * replaces or removes what the archive put there, and it may be applied twice.
 */
import * as fs from 'node:fs';
import { threadId } from 'node:worker_threads';
import { errnoOf } from '../errors.js';
import { storedTime } from '../events/stored-time.js';
import { hasBytes, OBJECT_MODE } from './contents.js';
import { chmodItself } from './chmod-itself.js';
import { failpoint } from './failpoints.js';
import { keepDamaged } from './keep-damaged.js';
import { Anchors } from './anchors.js';
import { forgetHeld, isHeld, isWithin } from './held-directories.js';
import { openAnchor, type Anchor } from './long-path.js';
import { nodeTime } from './node-time.js';
import { requireBelow } from './confined-path.js';
import { baseName, joinPath, parentPath, toFsPath, type FsPath } from './names.js';
import { twinPaths } from './place.js';
import { hasSameBytes } from './same-bytes.js';
import { readTarget, toFailure } from './scan.js';
import { hashOfObjectPath } from './stage.js';
import { StatTable, TouchedInodes, type FileStat } from './stats.js';
import type { EntryFailure, Moved, Previous, TreeOperation, TreeResult, TreeTask } from './tasks.js';

let temporaries = 0;

export function applyTreeOperations(task: TreeTask): TreeResult {
  const failures = new Map<number, EntryFailure>();
  const full: number[] = [];
  const kept: number[] = [];
  const touched = new TouchedInodes(task.operations.length);
  const tree = new Tree(task);
  try {
    for (const [index, operation] of task.operations.entries()) {
      try {
        failpoint('tree.apply');
        const outcome = tree.apply(operation);
        if (tree.keptOne) kept.push(index);
        if (outcome === 'full') full.push(index);
        else if (outcome) touched.add(index, tree.before ?? outcome, outcome);
      } catch (error) {
        failures.set(index, toFailure(error));
      }
    }
  } finally {
    tree.close();
  }
  return { failures, full, kept, ...touched.take() };
}

type Relink = Extract<TreeOperation, { op: 'relink' }>;

class Tree {
  private readonly task: TreeTask;
  /** Whether the last operation kept bytes aside. */
  keptOne = false;
  private directory: { path: string; anchor: Anchor } | null = null;
  private readonly anchors = new Anchors();
  /** Directories found to be real ones: nothing is written through a symlink. */
  private readonly real = new Set<string>();
  /** Of the operation: the file's inode right before its names were changed; null where they were not. */
  before: fs.BigIntStats | null = null;

  constructor(task: TreeTask) {
    this.task = task;
    this.real.add(task.root);
  }

  /** @returns the inode that it gave a name, took one from, or found to have it already */
  apply(operation: TreeOperation): fs.BigIntStats | 'full' | undefined {
    this.before = null;
    this.keptOne = false;
    for (const path of pathsOf(operation)) requireBelow(this.task.root, path);
    switch (operation.op) {
      case 'mkdir':
        return this.mkdir(this.locate(operation.path));
      case 'link':
        return this.link(this.locate(operation.path), operation);
      case 'empty':
        return this.create(this.locate(operation.path), operation.previous, (path) => {
          const fd = fs.openSync(path, 'wx', OBJECT_MODE);
          const time = nodeTime(operation.mtimeNs);
          try {
            fs.futimesSync(fd, time, time);
          } finally {
            fs.closeSync(fd);
          }
        });
      case 'symlink':
        return this.create(this.locate(operation.path), operation.previous, (path) =>
          fs.symlinkSync(toFsPath(operation.target), path),
        );
      case 'unlink':
        return this.absentOr(() => this.unlink(this.locate(operation.path), operation.previous));
      case 'rmdir':
        return this.absentOr(() => this.rmdir(this.locate(operation.path)));
      case 'rename':
        return this.rename(operation);
      case 'relink':
        return this.heal(this.locate(operation.path), operation);
      case 'chmod':
        return this.chmod(this.locate(operation.path), operation);
      case 'discard':
        return discard(operation);
    }
  }

  close(): void {
    this.leave();
    this.anchors.close();
  }

  private leave(): void {
    this.directory?.anchor.close();
    this.directory = null;
  }

  /** Where the directory above is gone, there is nothing to take away. */
  private absentOr(take: () => fs.BigIntStats | undefined): fs.BigIntStats | undefined {
    try {
      return take();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw error;
    }
  }

  private mkdir(path: FsPath): undefined {
    try {
      fs.mkdirSync(path, 0o755);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !fs.lstatSync(path).isDirectory()) throw error;
    }
  }

  private link(path: FsPath, operation: Extract<TreeOperation, { op: 'link' }>): fs.BigIntStats | 'full' {
    try {
      failpoint('tree.link');
      this.linkInode(operation.object, path);
      return this.protect(path);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return this.relink(path, operation);
      if (errnoOf(error) !== 'EMLINK') throw error;
    }
    return this.linkTwin(path, operation.object) ? this.protect(path) : 'full';
  }

  /** Of an inode whose stat from right before is at hand. */
  private protect(path: FsPath): fs.BigIntStats {
    if (Number(this.before!.mode & 0o7777n) === OBJECT_MODE) return fs.lstatSync(path, { bigint: true });
    return makeReadOnly(path, this.before!);
  }

  private relink(path: FsPath, operation: Extract<TreeOperation, { op: 'link' }>): fs.BigIntStats | 'full' {
    const { object, previous } = operation;
    const there = fs.lstatSync(path, { bigint: true });
    if (isInodeOf(object, there)) {
      this.before = there;
      return protectedStat(path);
    }
    if (previous === null || !isPrevious(path, there, previous)) throw conflict();
    // A file of the archive's keeps its name in the hash tree; of one that was read, this is all there is.
    if (previous.kind === 'adopted' && !hasSameBytes(path, toFsPath(object))) throw conflict();
    const temporary = this.temporary();
    if (!this.linkTwin(temporary, object)) return 'full';
    failpoint('tree.replace');
    fs.renameSync(temporary, path);
    return protectedStat(path);
  }

  /** Only a name of a lost inode, or none: what a person put there meanwhile is theirs. */
  private heal(path: FsPath, operation: Relink): fs.BigIntStats | 'full' | undefined {
    const { object, inodes, mayMake } = operation;
    const there = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (there === undefined)
      return mayMake ? this.link(path, { op: 'link', path: '', object, previous: null }) : undefined;
    if (isInodeOf(object, there)) {
      this.before = there;
      return protectedStat(path);
    }
    if (!inodes.some(({ device, inode }) => inode === there.ino && device === there.dev)) return;
    const temporary = this.temporary();
    if (!this.linkTwin(temporary, object)) return 'full';
    try {
      this.giveUp(path, temporary, operation);
      failpoint('tree.replace');
      if (fs.lstatSync(path, { bigint: true }).ino !== there.ino) throw conflict();
      fs.renameSync(temporary, path);
    } finally {
      fs.rmSync(temporary, { force: true });
    }
    return protectedStat(path);
  }

  /** An inode's number says nothing of its bytes. @throws ECONFLICT where they would be nowhere else */
  private giveUp(path: FsPath, good: FsPath, { aside, object }: Relink): void {
    if (hasSameBytes(path, good)) return;
    if (aside === null || !keepDamaged(aside, path, hashOfObjectPath(object))) throw conflict();
    failpoint('tree.kept');
    this.keptOne = true;
  }

  private linkTwin(path: FsPath, object: string): boolean {
    for (const inode of twinPaths(object)) {
      try {
        failpoint('tree.link-twin');
        this.linkInode(inode, path);
        return true;
      } catch (error) {
        if (errnoOf(error) !== 'EMLINK') throw error;
      }
    }
    return false;
  }

  private linkInode(inode: string, path: FsPath): void {
    this.before = fs.lstatSync(inode, { bigint: true });
    fs.linkSync(inode, path);
  }

  /** What has no object: made under a temporary name where something else has to make room. */
  private create(path: FsPath, previous: Previous | null, make: (path: FsPath) => void): undefined {
    const there = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (there === undefined) {
      make(path);
      return;
    }
    const temporary = this.temporary();
    make(temporary);
    try {
      if (isAlike(temporary, path, there)) return;
      if (previous === null || !isPrevious(path, there, previous)) throw conflict();
      fs.renameSync(temporary, path);
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  }

  private unlink(path: FsPath, previous: Previous): fs.BigIntStats | undefined {
    const there = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (there === undefined) return;
    const inode = previous.kind === 'object' ? inodeOf(previous.object, there) : undefined;
    if (inode === undefined && !isPrevious(path, there, previous)) throw conflict();
    failpoint('tree.unlink');
    fs.unlinkSync(path);
    if (inode === undefined) return;
    this.before = there;
    return fs.lstatSync(inode, { bigint: true });
  }

  /** A directory in which a person keeps something of their own stays. */
  private rmdir(path: FsPath): undefined {
    try {
      failpoint('tree.rmdir');
      fs.rmdirSync(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'ENOTDIR') throw conflict();
      throw error;
    }
  }

  private rename({
    from,
    to,
    moved: own,
    previous,
  }: Extract<TreeOperation, { op: 'rename' }>): fs.BigIntStats | undefined {
    const source = openAnchor(this.checked(parentPath(from)));
    try {
      const sourcePath = toFsPath(joinPath(source.path, baseName(from)));
      const target = this.locate(to);
      const moved = fs.lstatSync(sourcePath, { bigint: true, throwIfNoEntry: false });
      if (moved === undefined) return;
      if (own !== undefined && !isOfKind(moved, own)) throw conflict();
      const there = fs.lstatSync(target, { bigint: true, throwIfNoEntry: false });
      if (there && (previous === null || !isPrevious(target, there, previous))) throw conflict();
      failpoint('tree.rename');
      // rename(2) of one name of an inode to another does nothing and leaves both.
      if (there?.ino === moved.ino && there.dev === moved.dev) fs.unlinkSync(sourcePath);
      else fs.renameSync(sourcePath, target);
      // Before the directories are forgotten: the path may lead through an open one.
      const after = fs.lstatSync(target, { bigint: true });
      this.forget();
      if (!moved.isFile()) return;
      this.before = moved;
      return after;
    } finally {
      source.close();
    }
  }

  private chmod(path: FsPath, { from, to }: { from: number; to: number }): undefined {
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    chmodItself(path, to, (there) => there.isDirectory() && Number(there.mode & 0o7777n) === from);
  }

  /** Paths known until now may mean other directories. */
  private forget(): void {
    this.close();
    forgetHeld();
    this.real.clear();
    this.real.add(this.task.root);
  }

  private temporary(): string {
    return joinPath(this.task.staging, `tree-${threadId}-${(temporaries += 1)}`);
  }

  /** A path for the file system, its directory checked and, where its path is long, anchored. */
  private locate(path: string): FsPath {
    const parent = parentPath(path);
    if (this.directory?.path !== parent) {
      this.directory = { path: parent, anchor: this.anchors.at(this.checked(parent)) };
    }
    return toFsPath(joinPath(this.directory.anchor.path, baseName(path)));
  }

  private below(directory: string): string {
    const { root } = this.task;
    if (!isWithin(directory, root)) throw new Error(`${directory} is not below ${root}`);
    return directory;
  }

  /** @throws ENOTDIR when a component below the archive's root is a symlink or no directory */
  private checked(directory: string): string {
    // Mostly what is entered is in what was entered before.
    const isNext = this.directory?.path === parentPath(directory);
    this.leave();
    if (isHeld(this.task.root)) return this.below(directory);
    const missing: string[] = [];
    for (let at = directory; !this.real.has(at); at = parentPath(at)) {
      missing.push(this.below(at));
      if (isNext) break;
    }
    for (const at of missing.reverse()) {
      const anchor = this.anchors.at(parentPath(at));
      try {
        const stat = fs.lstatSync(toFsPath(joinPath(anchor.path, baseName(at))));
        if (!stat.isDirectory()) throw Object.assign(new Error(`${at} is no directory`), { code: 'ENOTDIR' });
      } finally {
        anchor.close();
      }
      this.real.add(at);
    }
    return directory;
  }
}

/** In the tree; an object's file is named by its hash. */
function pathsOf(operation: TreeOperation): string[] {
  if (operation.op === 'discard') return [];
  return operation.op === 'rename' ? [operation.from, operation.to] : [operation.path];
}

/** Whether the archive's own is there, or nothing at all. Errors of node:fs pass through. */
export function isAsLeft(path: string, previous: Previous | null): boolean {
  const parent = openAnchor(parentPath(path));
  try {
    const at = toFsPath(joinPath(parent.path, baseName(path)));
    const there = fs.lstatSync(at, { bigint: true, throwIfNoEntry: false });
    return there === undefined || (previous !== null && isPrevious(at, there, previous));
  } finally {
    parent.close();
  }
}

/** Whether the archive's own is there. Errors of node:fs pass through. */
export function isOwn(path: FsPath, previous: Previous): boolean {
  const there = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return there !== undefined && isPrevious(path, there, previous);
}

/**
 * The inode of a tree file, made read-only. An inode that came from a source (`--mode link`) keeps its
 * mode until here, because only now the log has it.
 */
function protectedStat(path: FsPath): fs.BigIntStats {
  const stat = fs.lstatSync(path, { bigint: true });
  return Number(stat.mode & 0o7777n) === OBJECT_MODE ? stat : makeReadOnly(path, stat);
}

/** @throws ECONFLICT where another file is there by now: it keeps its mode */
function makeReadOnly(path: FsPath, { dev, ino }: fs.BigIntStats): fs.BigIntStats {
  failpoint('tree.protect');
  if (!chmodItself(path, OBJECT_MODE, (there) => there.ino === ino && there.dev === dev)) throw conflict();
  return fs.lstatSync(path, { bigint: true });
}

/**
 * An inode of an object goes from the hash tree. A twin that is gone already is no failure; a file that is
 * another inode, or has got a name elsewhere meanwhile, stays.
 */
function discard({ path, device, inode }: Extract<TreeOperation, { op: 'discard' }>): undefined {
  for (const file of twinPaths(path)) {
    const there = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (there?.ino !== inode || there.dev !== device) continue;
    if (there.nlink > 1n) throw Object.assign(new Error('it has another name'), { code: 'ECONFLICT' });
    failpoint('object.discard');
    fs.unlinkSync(file);
    failpoint('object.discarded');
    return;
  }
}

/** A file that a person has edited goes along; what is another kind of thing is theirs, and stays. */
function isOfKind(there: fs.BigIntStats, own: Moved): boolean {
  if (own === 'directory') return there.isDirectory();
  return own.kind === 'symlink' ? there.isSymbolicLink() : there.isFile();
}

function isPrevious(path: FsPath, there: fs.BigIntStats, previous: Previous): boolean {
  if (previous.kind === 'object') return isInodeOf(previous.object, there);
  if (previous.kind === 'adopted') return isAsAdopted(new StatTable(previous.stat).get(0), there);
  if (previous.kind === 'empty') return there.isFile() && there.size === 0n && !hasBytes(path);
  return there.isSymbolicLink() && readTarget(path) === previous.target;
}

/** Its ctime may have moved: another name of it became a link to the object before. */
function isAsAdopted(read: FileStat, there: fs.BigIntStats): boolean {
  return (
    read.ino === there.ino &&
    read.dev === there.dev &&
    read.size === there.size &&
    read.mtimeNs === storedTime(there.mtimeNs)
  );
}

/** Applied before: an empty file, or a symlink with the same text. */
function isAlike(made: FsPath, path: FsPath, there: fs.BigIntStats): boolean {
  if (there.isSymbolicLink()) {
    return fs.lstatSync(made).isSymbolicLink() && readTarget(made) === readTarget(path);
  }
  return there.isFile() && there.size === 0n && fs.lstatSync(made).isFile() && !hasBytes(path);
}

function isInodeOf(object: string, there: fs.BigIntStats): boolean {
  return inodeOf(object, there) !== undefined;
}

/** Which of the object's files it is. */
function inodeOf(object: string, there: fs.BigIntStats): string | undefined {
  return twinPaths(object).find((path) => {
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.ino === there.ino && stat.dev === there.dev;
  });
}

/** Something that the archive did not put there: it stays, and the caller says so. */
function conflict(): Error {
  return Object.assign(new Error('something else is there; it was left alone'), { code: 'ECONFLICT' });
}
