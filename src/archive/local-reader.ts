/** Queries answered from the log and views that this process holds. */
import { HkfsError } from '../errors.js';
import type { Hash, Head } from '../events/types.js';
import { normalizeTreePath } from '../fs/names.js';
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
import { tags } from './history/tag.js';
import type { OpenArchive } from './open-archive.js';
import { diff } from './queries/diff.js';
import { du } from './queries/du.js';
import { find } from './queries/find.js';
import { locate } from './queries/locate.js';
import { log } from './queries/log.js';
import { resolveMoment } from './queries/moments.js';
import { operations } from './queries/operations.js';
import { findOrphans, orphanRow } from './queries/orphans.js';
import { resolvePathAt } from './queries/past-paths.js';
import { entryRow } from './queries/rows.js';
import { showOperation } from './queries/show.js';
import { stat } from './queries/stat.js';

export class LocalReader implements ArchiveReader {
  private readonly archive: OpenArchive;
  private readonly clock: () => number;
  /** The operation under way in this process. */
  running: number | null = null;

  constructor(archive: OpenArchive, clock: () => number) {
    this.archive = archive;
    this.clock = clock;
  }

  get root(): string {
    return this.archive.layout.root;
  }

  resolveMoment(at: string | undefined): Promise<Moment> {
    return resolveMoment(this.archive, at, this.clock());
  }

  async *ls(path: string, options: AtOption & { recursive?: boolean } = {}): AsyncGenerator<EntryRow> {
    const { position } = await this.resolveMoment(options.at);
    const namespace = this.archive.namespace(position);
    const start = await resolvePathAt(this.archive, path, position);
    const { directoryId } = start.entry;
    if (directoryId === null) yield entryRow(start);
    else if (options.recursive) for await (const named of namespace.walk(start)) yield entryRow(named);
    else
      for await (const entries of namespace.list(directoryId))
        for (const entry of entries)
          yield entryRow({ path: start.path === '' ? entry.name : `${start.path}/${entry.name}`, entry });
  }

  async stat(target: string, options: AtOption = {}): Promise<StatRow> {
    return stat(this.archive, target, (await this.resolveMoment(options.at)).position);
  }

  async *find(query: FindQuery, options: AtOption = {}): AsyncGenerator<EntryRow> {
    yield* find(this.archive, query, (await this.resolveMoment(options.at)).position);
  }

  async locate(target: string, options: LocateOptions = {}): Promise<ContentLocation> {
    const { position } = await this.resolveMoment(options.at);
    return locate(this.archive, target, { at: position, everywhere: options.everywhere ?? false });
  }

  async *du(path: string, options: AtOption & { depth?: number } = {}): AsyncGenerator<DuRow> {
    const { position } = await this.resolveMoment(options.at);
    yield* du(this.archive, path, { at: position, depth: options.depth ?? 0 });
  }

  async *dups(query: DupsQuery, options: AtOption = {}): AsyncGenerator<DupsRow> {
    const { dups } = await import('./duplicates/dups.js');
    yield* dups(this.archive, query, (await this.resolveMoment(options.at)).position);
  }

  async *unique(
    path: string,
    options: AtOption & { than?: string | undefined } = {},
  ): AsyncGenerator<UniqueRow> {
    const at = (await this.resolveMoment(options.at)).position;
    const { unique } = await import('./duplicates/unique.js');
    yield* unique(this.archive, { path, than: options.than, at });
  }

  async *log(query: Parameters<ArchiveReader['log']>[0] = {}): AsyncGenerator<LogRow> {
    const { from = 0 } = query;
    if (from > this.archive.log.size)
      throw new HkfsError('BAD_MOMENT', `the log ends at @${this.archive.now}`, {
        hint: 'give a smaller --from',
      });
    const path = query.path === undefined ? null : normalizeTreePath(query.path);
    yield* log(this.archive, query, path === '' ? null : path);
  }

  ops(query: { operation?: number } = {}): AsyncGenerator<OperationRow> {
    return operations(this.archive, this.running, query.operation);
  }

  async *diff(query: DiffQuery): AsyncGenerator<DiffRow> {
    const from = (await this.resolveMoment(query.from)).position;
    const to = (await this.resolveMoment(query.to)).position;
    yield* diff(this.archive, { from, to }, normalizeTreePath(query.path ?? ''));
  }

  show(operation: number, options: { limit?: number } = {}): Promise<OperationDetail> {
    return showOperation(this.archive, { operation, running: this.running, ...options });
  }

  async *lookUp(
    hashes: readonly Hash[],
    options: AtOption & { paths?: boolean } = {},
  ): AsyncGenerator<FoundContent> {
    const { position } = await this.resolveMoment(options.at);
    const { lookUp } = await import('./queries/look-up.js');
    yield* lookUp(this.archive, hashes, { at: position, paths: options.paths ?? false });
  }

  async *contents(options: AtOption = {}): AsyncGenerator<{ hash: Hash; size: number }> {
    const { position } = await this.resolveMoment(options.at);
    const { liveContents } = await import('./queries/look-up.js');
    yield* liveContents(this.archive, position);
  }

  async *similar(query: SimilarQuery, options: AtOption = {}): AsyncGenerator<SimilarRow> {
    const { position } = await this.resolveMoment(options.at);
    const { similar } = await import('./similar/similar.js');
    yield* similar(this.archive, query, position);
  }

  tags(): AsyncGenerator<TagRow> {
    return tags(this.archive);
  }

  async *orphans(options: AtOption = {}): AsyncGenerator<OrphanRow> {
    const { position } = await this.resolveMoment(options.at);
    for await (const orphan of findOrphans(this.archive, position)) yield orphanRow(this.archive, orphan);
  }

  async *remotes(): AsyncGenerator<RemoteRow> {
    const { remotes } = await import('./remote/manage.js');
    yield* remotes(this.archive);
  }

  async *copies(query: CopiesQuery = {}): AsyncGenerator<CopiesRow> {
    const { copies } = await import('./queries/copies.js');
    yield* copies(this.archive, query);
  }

  async head(): Promise<Head> {
    return this.archive.log.head();
  }

  async signedHead(): Promise<SignedHead> {
    const { signedHead } = await import('./checkpoint.js');
    return signedHead(this.archive);
  }

  async prove(query: ProofQuery): Promise<Proof> {
    const { prove } = await import('./prove.js');
    return prove(this.archive, query);
  }
}
