/** Naming staged files in the hash tree, and twins at the link limit. */
import * as fs from 'node:fs';
import {
  finishStaged,
  readAndHash,
  withFile,
  withStagedFile,
  writeStaged,
  type TaskContext,
} from './contents.js';
import { failpoint } from './failpoints.js';
import { lstatOrNull, toFailure } from './scan.js';
import { StatTable } from './stats.js';
import type { EntryFailure, NameItem, NameResult, NameTask, TwinResult, TwinTask } from './tasks.js';

/** Staged files get their names in the hash tree; an object that is there is not replaced unless asked. */
export function nameObjects(task: NameTask, context: TaskContext): NameResult {
  const failures = new Map<number, EntryFailure>();
  const before = new StatTable(task.items.length);
  const after = new StatTable(task.items.length);
  for (const [index, item] of task.items.entries()) {
    try {
      failpoint('object.name');
      before.set(index, fs.lstatSync(item.from, { bigint: true }));
      nameObject(item, context);
      after.set(index, fs.lstatSync(item.to, { bigint: true }));
      failpoint('object.named');
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  }
  return { failures, before: before.values, after: after.values };
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
