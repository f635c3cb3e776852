/** The entry of a worker thread: takes tasks, answers with packed results. */
import { parentPort, workerData } from 'node:worker_threads';
import { carryObjects } from '../store/hash-tree/carry.js';
import {
  digestObjects,
  fillFromObjects,
  statObjects,
  surveyObject,
} from '../store/hash-tree/read-objects.js';
import { checkObjects } from './check.js';
import { BLOCK_BYTES, isStagingError, type TaskContext } from './contents.js';
import { depositContents } from './deposit.js';
import { nameObjects, stageTwin } from './place.js';
import { hashOutside } from './outside.js';
import { forgetHeld, useRoots, withoutDescriptors } from './held-directories.js';
import type { WorkerReply, WorkerRequest, WorkerRoots } from './pool.js';
import { loadPosix } from './posix.js';
import { releaseSources } from './release.js';
import { restoreSteps } from './restore.js';
import { countFiles, lstatNames, scanDirectory } from './scan.js';
import { hashFiles, stageFiles } from './stage.js';
import { surveyDirectories } from './survey.js';
import type { Task, TaskResults } from './tasks.js';
import { applyTreeOperations } from './tree-operations.js';

/** Bytes between two reports of progress. */
const REPORT_BYTES = 16 << 20;
const port = parentPort!;
const cancelled = workerData as Int32Array;
let unreported = 0;

const context: TaskContext = {
  posix: loadPosix(),
  block: Buffer.allocUnsafeSlow(BLOCK_BYTES),
  zeros: Buffer.alloc(BLOCK_BYTES),
  onBlock,
};

port.on('message', (message: WorkerRequest | WorkerRoots) => {
  if ('roots' in message) useRoots(message.roots, context.posix, true);
  else port.postMessage(answer(message.id, message.task));
});
port.postMessage({ ready: true } satisfies WorkerReply);

function answer(id: number, task: Task): WorkerReply {
  try {
    return { id, value: perform(task) };
  } catch (error) {
    const { message, code, stack } = error as { message: string; code?: string; stack?: string };
    const text = withoutDescriptors(message);
    return { id, error: { message: text, code, stack, inStaging: isStagingError(error) } };
  } finally {
    // Between two tasks directories may be renamed or removed by others.
    forgetHeld();
  }
}

function perform(task: Task): TaskResults[keyof TaskResults] {
  switch (task.task) {
    case 'scan':
      return scanDirectory(task, context.posix);
    case 'survey':
      return surveyDirectories(task);
    case 'count':
      return countFiles(task);
    case 'lstat':
      return lstatNames(task, context.posix);
    case 'stage':
      return stageFiles(task, context);
    case 'deposit':
      return depositContents(task, context);
    case 'hash':
      return hashFiles(task, context);
    case 'check':
      return checkObjects(task, context);
    case 'carry':
      return carryObjects(task, context);
    case 'name':
      return nameObjects(task, context);
    case 'tree':
      return applyTreeOperations(task);
    case 'twin':
      return stageTwin(task, context);
    case 'release':
      return releaseSources(task, context);
    case 'restore':
      return restoreSteps(task, context);
    case 'outside':
      return hashOutside(task, context);
    case 'fill':
      return fillFromObjects(task);
    case 'survey-object':
      return surveyObject(task, context);
    case 'digest-objects':
      return digestObjects(task, context);
    case 'stat-objects':
      return statObjects(task);
  }
}

function onBlock(bytes: number): void {
  unreported += bytes;
  if (unreported < REPORT_BYTES) return;
  port.postMessage({ progress: unreported } satisfies WorkerReply);
  unreported = 0;
  if (Atomics.load(cancelled, 0) !== 0) throw Object.assign(new Error('cancelled'), { code: 'ECANCELED' });
}
