/** Directories still to be taken in, the listings of the next ones already on their way. */
import type { WorkerPool } from '../../fs/pool.js';
import type { Listing } from '../../fs/tasks.js';

/** Listings asked for ahead of the walk. */
const AHEAD = 12;
/** Entries that come with their stats in the listing; a larger directory is asked for in pieces. */
export const LISTING_ENTRIES = 2048;

export interface Queued<T> {
  readonly path: string;
  readonly item: T;
  listing: Promise<Listing> | null;
}

/** A stack: a directory's children come before its siblings, so little is open at once. */
export class ScanQueue<T> {
  private readonly stack: Queued<T>[] = [];
  private readonly pool: WorkerPool;
  private readonly scanning: { limit: number; bare: boolean; lenient?: boolean };

  /** @param scanning how much of each directory comes with its listing */
  constructor(pool: WorkerPool, scanning: { limit?: number; bare?: boolean; lenient?: boolean } = {}) {
    this.pool = pool;
    this.scanning = { limit: LISTING_ENTRIES, bare: false, ...scanning };
  }

  /** @param directories in the order in which they are to come */
  push(directories: readonly { path: string; item: T }[]): void {
    for (let i = directories.length - 1; i >= 0; i -= 1) {
      const { path, item } = directories[i]!;
      this.stack.push({ path, item, listing: null });
    }
  }

  pop(): (Queued<T> & { listing: Promise<Listing> }) | undefined {
    for (let i = this.stack.length - 1; i >= Math.max(0, this.stack.length - AHEAD); i -= 1)
      this.scan(this.stack[i]!);
    const next = this.stack.pop();
    return next && { ...next, listing: next.listing! };
  }

  private scan(queued: Queued<T>): void {
    if (queued.listing !== null) return;
    queued.listing = this.pool.run({ task: 'scan', directory: queued.path, ...this.scanning });
    // Awaited when its turn comes; until then a failure is not unhandled.
    queued.listing.catch(() => {});
  }
}
