/** Naming staged files in the hash tree, twins at the link limit, and what becomes of sources. */
import * as fs from 'node:fs';
import { threadId } from 'node:worker_threads';
import { errnoOf } from '../errors.js';
import {
  finishStaged,
  hasBytes,
  inSource,
  readAndHash,
  withFile,
  withStagedFile,
  writeStaged,
  type TaskContext,
} from './contents.js';
import { failpoint } from './failpoints.js';
import { joinPath, type FsPath } from './names.js';
import { lstatOrNull, toFailure } from './scan.js';
import { StatTable, storable } from './stats.js';
import type {
  EntryFailure,
  NameItem,
  NameResult,
  NameTask,
  ReleaseItem,
  ReleaseResult,
  ReleaseTask,
  TwinResult,
  TwinTask,
} from './tasks.js';

/** Staged files get their names in the hash tree; an object that is there is not replaced unless asked. */
export function nameObjects(task: NameTask, context: TaskContext): NameResult {
  const failures = new Map<number, EntryFailure>();
  for (const [index, item] of task.items.entries()) {
    try {
      failpoint('object.name');
      nameObject(item, context);
      failpoint('object.named');
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  }
  return { failures };
}

export function nameObject(item: NameItem, context: TaskContext): void {
  if (item.replace) return fs.renameSync(item.from, item.to);
  if (context.posix) return context.posix.renameNoReplace(item.from, item.to);
  fs.linkSync(item.from, item.to);
  fs.unlinkSync(item.from);
}

/** A second inode with an object's bytes, hashed while they are copied, still in staging. */
export function stageTwin(task: TwinTask, context: TaskContext): TwinResult {
  const path = nextTwinPath(task.object);
  const table = new StatTable(1);
  const hash = withFile(task.object, (fd) => {
    const { mtimeNs } = fs.fstatSync(fd, { bigint: true });
    return withStagedFile(task.staged, (target) => {
      const read = readAndHash(fd, context, (bytes) => writeStaged(target, bytes));
      table.set(0, finishStaged(target, mtimeNs));
      return read.hash;
    });
  });
  failpoint('twin.staged');
  if (hash.toString('hex') !== task.hash) {
    fs.unlinkSync(task.staged);
    throw Object.assign(new Error(`${task.object} does not have the bytes of its name`), { code: 'EBADMSG' });
  }
  return { path, stat: table.values };
}

/** The inodes of an object as paths, the newest twin first: older ones are full. */
export function twinPaths(object: string): string[] {
  const paths = [object];
  for (let twin = 1; ; twin += 1) {
    const path = `${object}.${twin}`;
    if (lstatOrNull(path) === null) return paths.reverse();
    paths.push(path);
  }
}

function nextTwinPath(object: string): string {
  return `${object}.${twinPaths(object).length}`;
}

/** After the commit: sources go, or become links to their objects; changed ones stay. */
export function releaseSources(task: ReleaseTask): ReleaseResult {
  const failures = new Map<number, EntryFailure>();
  for (const [index, item] of task.items.entries()) {
    try {
      failpoint('source.release');
      inSource(item.path, (source) => releaseSource(item, source, task.staging));
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  }
  return { failures };
}

function releaseSource(item: ReleaseItem, source: FsPath, staging: string): void {
  const stat = storable(fs.lstatSync(source, { bigint: true }));
  const expected = new StatTable(item.expected).get(0);
  const same =
    stat.dev === expected.dev &&
    stat.ino === expected.ino &&
    stat.size === expected.size &&
    stat.mtimeNs === expected.mtimeNs &&
    (item.adopted || stat.ctimeNs === expected.ctimeNs);
  if (!same) throw Object.assign(new Error('changed since it was ingested'), { code: 'ESTALE' });
  if (stat.isFile() && stat.size === 0n && hasBytes(source))
    throw Object.assign(new Error('it has bytes now'), { code: 'ESTALE' });
  if (item.relink) relink(item, source, staging);
  else fs.unlinkSync(source);
  failpoint('source.released');
}

/**
 * The source's name becomes a link to the object, atomically. The link is made in staging, where a
 * kill leaves nothing that a person or a later ingest would meet.
 */
function relink(item: ReleaseItem, source: FsPath, staging: string): void {
  const temporary = joinPath(staging, `release-${threadId}`);
  for (const object of twinPaths(item.object!)) {
    try {
      fs.linkSync(object, temporary);
    } catch (error) {
      if (errnoOf(error) === 'EMLINK') continue;
      throw error;
    }
    try {
      failpoint('source.relink');
      fs.renameSync(temporary, source);
    } finally {
      // A rename between two links of one inode does nothing and leaves both.
      fs.rmSync(temporary, { force: true });
    }
    return;
  }
}
