/** A folder of the hash tree read whole: each file's bytes against its name. */
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import type { TaskContext } from './contents.js';
import { readDirectoryNames } from './names.js';
import { toFailure } from './scan.js';
import { hashOpenFile } from './stage.js';
import { sameContentStat, StatTable } from './stats.js';
import { CHECK, type CheckResult, type CheckTask, type EntryFailure } from './tasks.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
/** The rest of a hash, and the number of a twin. */
const OBJECT_NAME = /^[0-9a-f]{62}(\.\d+)?$/;
const TYPE_BITS = 0o170000n;
const REGULAR = 0o100000n;

/** @throws the errno of opening the folder */
export function checkObjects(task: CheckTask, context: TaskContext): CheckResult {
  const names = readDirectoryNames(task.directory).sort();
  const stats = new StatTable(names.length);
  const status = new Uint8Array(names.length);
  const steady = new Uint8Array(names.length);
  const actual = new Map<number, string>();
  const failures = new Map<number, EntryFailure>();
  for (const [index, name] of names.entries()) {
    const path = `${task.directory}/${name}`;
    try {
      const stat = fs.lstatSync(path, { bigint: true });
      stats.set(index, stat);
      if ((stat.mode & TYPE_BITS) !== REGULAR || !OBJECT_NAME.test(name)) continue;
      const { hash, after } = hashFile(path, Number(stat.size), context);
      status[index] = CHECK.good;
      steady[index] = sameContentStat(stat, after) ? 1 : 0;
      if (hash === task.prefix + name.slice(0, 62)) continue;
      status[index] = CHECK.bad;
      actual.set(index, hash);
    } catch (error) {
      if (errnoOf(error) === 'ECANCELED') throw error;
      status[index] = CHECK.bad;
      failures.set(index, toFailure(error));
    }
  }
  return { names, status, steady, stats: stats.values, actual, failures };
}

function hashFile(path: string, size: number, context: TaskContext): { hash: string; after: fs.BigIntStats } {
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const hash = hashOpenFile(fd, size, context).hash.toString('hex');
    return { hash, after: fs.fstatSync(fd, { bigint: true }) };
  } finally {
    fs.closeSync(fd);
  }
}
