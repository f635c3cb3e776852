/** What is asked of the worker threads that put entries into the tree, and what their answers tell. */
import type { Hash } from '../events/types.js';
import { hashOfObjectPath } from '../fs/stage.js';
import { StatTable } from '../fs/stats.js';
import type { TreeOperation, TreeResult } from '../fs/tasks.js';
import type { InodeId } from '../projections/keys.js';
import type { Seal } from './object-index.js';

/** Operations handed to a worker thread at once. */
const CHUNK = 512;

export type NewSeal = Seal & InodeId & { readonly hash: Hash };

export function chunks<T>(items: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += CHUNK) result.push(items.slice(at, at + CHUNK));
  return result;
}

/** Seals of inodes that get links from several threads: the last link's time is the inode's. */
export class NewSeals {
  private readonly byInode = new Map<bigint, NewSeal>();

  /** @param onSeal called for each that is newer than what was known of its inode */
  add(operations: readonly TreeOperation[], result: TreeResult, onSeal?: (seal: NewSeal) => void): void {
    const stats = new StatTable(result.stats);
    for (const [row, index] of result.linked.entries()) {
      const { dev: device, ino: inode, size, mtimeNs, ctimeNs } = stats.get(row);
      if ((this.byInode.get(inode)?.ctimeNs ?? ctimeNs) > ctimeNs) continue;
      const hash = hashOfObjectPath((operations[index] as { object: string }).object);
      const seal = { device, inode, hash, size, mtimeNs, ctimeNs };
      this.byInode.set(inode, seal);
      onSeal?.(seal);
    }
  }

  values(): Iterable<NewSeal> {
    return this.byInode.values();
  }
}
