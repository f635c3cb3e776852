/** Queries answered by the process that holds the archive, or here once that process has ended. */
import { errnoOf, isHkfsError } from '../errors.js';
import type { ArchiveReader } from './api.js';
import { callReader } from './holder.js';
import { askHolder } from './holder/ask.js';
import { QUERIES, QUERY_METHODS, type Queries, type QueryMethod } from './holder/queries.js';
import type { Layout } from './layout.js';

export type ClosableReader = ArchiveReader & { close(): Promise<void> };

/**
 * A reader whose every query is asked at the socket.
 * @param reopen a reader of its own, for when the holder ends before it answered
 */
export function remoteReader(layout: Layout, reopen: () => Promise<ClosableReader>): ClosableReader {
  const asker = new Asker(layout, reopen);
  const methods = QUERY_METHODS.map((method) => {
    const isMany = QUERIES[method].gives === 'rows';
    return [method, (...args: unknown[]) => (isMany ? asker.many(method, args) : asker.one(method, args))];
  });
  // The table has every query, each with what it gives: its type says so.
  const queries = Object.fromEntries(methods) as unknown as Queries;
  return { root: layout.root, ...queries, close: () => asker.close() };
}

class Asker {
  private readonly layout: Layout;
  private readonly reopen: () => Promise<ClosableReader>;
  private successor: Promise<ClosableReader> | null = null;

  constructor(layout: Layout, reopen: () => Promise<ClosableReader>) {
    this.layout = layout;
    this.reopen = reopen;
  }

  async close(): Promise<void> {
    await (await this.successor)?.close();
  }

  async *many(method: QueryMethod, args: readonly unknown[]): AsyncGenerator {
    const shown = { rows: 0 };
    try {
      yield* heldBack(askHolder(this.layout, { method, args }), shown);
    } catch (error) {
      if (shown.rows > 0 || !hasEnded(error)) throw error;
      this.successor ??= this.reopen();
      yield* callReader(await this.successor, { method, args });
    }
  }

  async one(method: QueryMethod, args: readonly unknown[]): Promise<unknown> {
    for await (const row of this.many(method, args)) return row;
    throw new Error(`no answer to ${method}`);
  }
}

/** So many rows, or those of so long, are held back: until they are shown somebody else can be asked. */
const HELD_ROWS = 1000;
const HELD_MS = 250;

async function* heldBack(rows: AsyncIterable<unknown>, shown: { rows: number }): AsyncGenerator {
  const end = performance.now() + HELD_MS;
  const held: unknown[] = [];
  try {
    for await (const row of rows) {
      held.push(row);
      if (shown.rows === 0 && held.length < HELD_ROWS && performance.now() < end) continue;
      shown.rows += held.length;
      yield* held.splice(0);
    }
  } catch (error) {
    // What the holder found wrong stands behind the rows before it.
    if (!hasEnded(error)) yield* held.splice(0);
    throw error;
  }
  yield* held;
}

/** The holder's socket is gone or stale, its process ended in the middle, or it is not for this user. */
export function hasEnded(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno !== undefined) return ENDED.has(errno);
  return isHkfsError(error, 'ARCHIVE_HELD');
}

/** EAGAIN: so many connect that the holder has not come to this one. */
const ENDED = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EACCES', 'EAGAIN']);
