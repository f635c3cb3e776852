/** Queries answered by the process that holds the archive, or here once that process has ended. */
import { errnoOf, isHkfsError } from '../errors.js';
import type { Hash, Head } from '../events/types.js';
import type {
  ArchiveReader,
  AtOption,
  ContentLocation,
  CopiesQuery,
  CopiesRow,
  DiffQuery,
  DiffRow,
  DuRow,
  DupsQuery,
  DupsRow,
  EntryRow,
  FindQuery,
  FoundContent,
  LocateOptions,
  LogRow,
  Moment,
  OperationDetail,
  OperationRow,
  SimilarQuery,
  SimilarRow,
  OrphanRow,
  Proof,
  ProofQuery,
  SignedHead,
  StatRow,
  RemoteRow,
  TagRow,
  UniqueRow,
} from './api.js';
import { askHolder, callReader, type QueryMethod } from './holder.js';
import type { Layout } from './layout.js';

export type ClosableReader = ArchiveReader & { close(): Promise<void> };

export class RemoteReader implements ClosableReader {
  private readonly layout: Layout;
  private readonly reopen: () => Promise<ClosableReader>;
  private successor: Promise<ClosableReader> | null = null;

  /** @param reopen a reader of its own, for when the holder ends before it answered */
  constructor(layout: Layout, reopen: () => Promise<ClosableReader>) {
    this.layout = layout;
    this.reopen = reopen;
  }

  get root(): string {
    return this.layout.root;
  }

  resolveMoment(at: string | undefined): Promise<Moment> {
    return this.one('resolveMoment', [at]) as Promise<Moment>;
  }

  ls(path: string, options: AtOption & { recursive?: boolean } = {}): AsyncIterable<EntryRow> {
    return this.many('ls', [path, options]) as AsyncIterable<EntryRow>;
  }

  stat(target: string, options: AtOption = {}): Promise<StatRow> {
    return this.one('stat', [target, options]) as Promise<StatRow>;
  }

  find(query: FindQuery, options: AtOption = {}): AsyncIterable<EntryRow> {
    return this.many('find', [query, options]) as AsyncIterable<EntryRow>;
  }

  locate(target: string, options: LocateOptions = {}): Promise<ContentLocation> {
    return this.one('locate', [target, options]) as Promise<ContentLocation>;
  }

  du(path: string, options: AtOption & { depth?: number } = {}): AsyncIterable<DuRow> {
    return this.many('du', [path, options]) as AsyncIterable<DuRow>;
  }

  dups(query: DupsQuery, options: AtOption = {}): AsyncIterable<DupsRow> {
    return this.many('dups', [query, options]) as AsyncIterable<DupsRow>;
  }

  unique(path: string, options: AtOption & { than?: string | undefined } = {}): AsyncIterable<UniqueRow> {
    return this.many('unique', [path, options]) as AsyncIterable<UniqueRow>;
  }

  log(query: Parameters<ArchiveReader['log']>[0] = {}): AsyncIterable<LogRow> {
    return this.many('log', [query]) as AsyncIterable<LogRow>;
  }

  ops(query: { operation?: number } = {}): AsyncIterable<OperationRow> {
    return this.many('ops', [query]) as AsyncIterable<OperationRow>;
  }

  diff(query: DiffQuery): AsyncIterable<DiffRow> {
    return this.many('diff', [query]) as AsyncIterable<DiffRow>;
  }

  show(operation: number, options: { limit?: number } = {}): Promise<OperationDetail> {
    return this.one('show', [operation, options]) as Promise<OperationDetail>;
  }

  lookUp(hashes: readonly Hash[], options: AtOption & { paths?: boolean } = {}): AsyncIterable<FoundContent> {
    return this.many('lookUp', [hashes, options]) as AsyncIterable<FoundContent>;
  }

  contents(options: AtOption = {}): AsyncIterable<{ hash: Hash; size: number }> {
    return this.many('contents', [options]) as AsyncIterable<{ hash: Hash; size: number }>;
  }

  similar(query: SimilarQuery, options: AtOption = {}): AsyncIterable<SimilarRow> {
    return this.many('similar', [query, options]) as AsyncIterable<SimilarRow>;
  }

  tags(): AsyncIterable<TagRow> {
    return this.many('tags', []) as AsyncIterable<TagRow>;
  }

  orphans(options: AtOption = {}): AsyncIterable<OrphanRow> {
    return this.many('orphans', [options]) as AsyncIterable<OrphanRow>;
  }

  remotes(): AsyncIterable<RemoteRow> {
    return this.many('remotes', []) as AsyncIterable<RemoteRow>;
  }

  copies(query: CopiesQuery = {}): AsyncIterable<CopiesRow> {
    return this.many('copies', [query]) as AsyncIterable<CopiesRow>;
  }

  head(): Promise<Head> {
    return this.one('head', []) as Promise<Head>;
  }

  signedHead(): Promise<SignedHead> {
    return this.one('signedHead', []) as Promise<SignedHead>;
  }

  prove(query: ProofQuery): Promise<Proof> {
    return this.one('prove', [query]) as Promise<Proof>;
  }

  async close(): Promise<void> {
    await (await this.successor)?.close();
  }

  private async *many(method: QueryMethod, args: readonly unknown[]): AsyncGenerator {
    const shown = { rows: 0 };
    try {
      yield* heldBack(askHolder(this.layout, { method, args }), shown);
    } catch (error) {
      if (shown.rows > 0 || !hasEnded(error)) throw error;
      this.successor ??= this.reopen();
      yield* callReader(await this.successor, { method, args });
    }
  }

  private async one(method: QueryMethod, args: readonly unknown[]): Promise<unknown> {
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

/** The holder's socket is gone or stale, or its process ended in the middle. */
export function hasEnded(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno !== undefined) return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(errno);
  return isHkfsError(error, 'ARCHIVE_HELD');
}
