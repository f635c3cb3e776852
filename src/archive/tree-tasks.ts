/** What is asked of the worker threads in parts. */
import type { ReleaseItem, TreeOperation } from '../fs/tasks.js';

/** Operations handed to a worker thread at once. */
const CHUNK = 512;

export function chunks<T>(items: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += CHUNK) result.push(items.slice(at, at + CHUNK));
  return result;
}

/**
 * Work that threads may do at the same time: all that touches one object is in one chunk, in order, so
 * that each of the object's changes is the next after the one before.
 */
export function chunksByObject<T extends TreeOperation | ReleaseItem>(items: readonly T[]): T[][] {
  const chunkOf = new Map<string, T[]>();
  const result: T[][] = [];
  let open: T[] = [];
  for (const item of items) {
    const object = 'object' in item ? item.object : null;
    const known = object === null ? undefined : chunkOf.get(object);
    if (known === undefined && (open.length >= CHUNK || result.length === 0)) result.push((open = []));
    const chunk = known ?? open;
    chunk.push(item);
    if (object !== null) chunkOf.set(object, chunk);
  }
  return result;
}
