/** What is asked of the worker threads that put entries into the tree. */
import type { TreeOperation } from '../fs/tasks.js';

/** Operations handed to a worker thread at once. */
const CHUNK = 512;

export function chunks<T>(items: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += CHUNK) result.push(items.slice(at, at + CHUNK));
  return result;
}

/**
 * Operations that threads may do at the same time: all that touch one object are in one chunk, in order,
 * so that each of its changes is the next after the one before.
 */
export function chunksByObject(operations: readonly TreeOperation[]): TreeOperation[][] {
  const chunkOf = new Map<string, TreeOperation[]>();
  const result: TreeOperation[][] = [];
  let open: TreeOperation[] = [];
  for (const operation of operations) {
    const object = 'object' in operation ? operation.object : null;
    const known = object === null ? undefined : chunkOf.get(object);
    if (known === undefined && (open.length >= CHUNK || result.length === 0)) result.push((open = []));
    const chunk = known ?? open;
    chunk.push(operation);
    if (object !== null) chunkOf.set(object, chunk);
  }
  return result;
}
