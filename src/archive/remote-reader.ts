/** Queries answered by the process that holds the archive. */
import type { Head } from '../events/types.js';
import type {
  ArchiveReader,
  AtOption,
  ContentLocation,
  DuRow,
  EntryRow,
  FindQuery,
  LogRow,
  Moment,
  OperationRow,
  StatRow,
} from './api.js';
import { askHolder, type QueryMethod } from './holder.js';
import type { Layout } from './layout.js';

export class RemoteReader implements ArchiveReader {
  private readonly layout: Layout;

  constructor(layout: Layout) {
    this.layout = layout;
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

  locate(target: string, options: AtOption = {}): Promise<ContentLocation> {
    return this.one('locate', [target, options]) as Promise<ContentLocation>;
  }

  du(path: string, options: AtOption & { depth?: number } = {}): AsyncIterable<DuRow> {
    return this.many('du', [path, options]) as AsyncIterable<DuRow>;
  }

  log(query: Parameters<ArchiveReader['log']>[0] = {}): AsyncIterable<LogRow> {
    return this.many('log', [query]) as AsyncIterable<LogRow>;
  }

  ops(): AsyncIterable<OperationRow> {
    return this.many('ops', []) as AsyncIterable<OperationRow>;
  }

  head(): Promise<Head> {
    return this.one('head', []) as Promise<Head>;
  }

  private many(method: QueryMethod, args: readonly unknown[]): AsyncGenerator {
    return askHolder(this.layout, { method, args });
  }

  private async one(method: QueryMethod, args: readonly unknown[]): Promise<unknown> {
    for await (const row of this.many(method, args)) return row;
    throw new Error(`no answer to ${method}`);
  }
}
