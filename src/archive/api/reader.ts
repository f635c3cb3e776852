/** All questions. */
import type { Hash, Head, Position } from '../../events/types.js';
import type { OrphanRow, TagRow } from './changes.js';
import type { ContentLocation, FoundContent, LocateOptions } from './contents.js';
import type { DupsQuery, DupsRow, SimilarQuery, SimilarRow, UniqueRow } from './duplicates.js';
import type { DuRow, EntryRow, FindQuery, StatRow } from './entries.js';
import type { AtOption, Moment, MomentText } from './moments.js';
import type { DiffQuery, DiffRow, LogRow, OperationDetail, OperationRow } from './operations.js';
import type { Proof, ProofQuery, SignedHead } from './proofs.js';
import type { RemoteRow } from './remotes.js';
import type { CopiesQuery, CopiesRow } from './verify.js';

/** Everything that only reads. A local archive and a connection to its holder both answer it. */
export interface ArchiveReader {
  readonly root: string;
  resolveMoment(at: MomentText | undefined): Promise<Moment>;
  ls(path: string, options?: AtOption & { recursive?: boolean }): AsyncIterable<EntryRow>;
  stat(target: string, options?: AtOption): Promise<StatRow>;
  find(query: FindQuery, options?: AtOption): AsyncIterable<EntryRow>;
  locate(target: string, options?: LocateOptions): Promise<ContentLocation>;
  du(path: string, options?: AtOption & { depth?: number }): AsyncIterable<DuRow>;
  /** Duplicate files and maximal duplicate directories, the largest gain first. */
  dups(query: DupsQuery, options?: AtOption): AsyncIterable<DupsRow>;
  /**
   * Files at or below a path whose content is nowhere else; empty files are everywhere.
   *
   * @param options.than "elsewhere" is only below this directory
   */
  unique(path: string, options?: AtOption & { than?: string | undefined }): AsyncIterable<UniqueRow>;
  log(query?: { path?: string; operation?: number; from?: Position; limit?: number }): AsyncIterable<LogRow>;
  ops(query?: { operation?: number }): AsyncIterable<OperationRow>;
  diff(query: DiffQuery): AsyncIterable<DiffRow>;
  /** @param options.limit how many of its events to give: 20 unless told */
  show(operation: number, options?: { limit?: number }): Promise<OperationDetail>;
  /** Those of the contents that are in the archive; `paths` asks where. */
  lookUp(hashes: readonly Hash[], options?: AtOption & { paths?: boolean }): AsyncIterable<FoundContent>;
  /** Every content that the tree has, once. */
  contents(options?: AtOption): AsyncIterable<{ hash: Hash; size: number }>;
  /** Best first. */
  similar(query: SimilarQuery, options?: AtOption): AsyncIterable<SimilarRow>;
  head(): Promise<Head>;
  /** The head, signed with the archive's key. */
  signedHead(): Promise<SignedHead>;
  /** @throws HkfsError BAD_MOMENT for a position beyond the log, HEAD_DIFFERS for a head that it never had */
  prove(query: ProofQuery): Promise<Proof>;
  /** In the order of their names. */
  tags(): AsyncIterable<TagRow>;
  /** Objects that no entry names, in the order of their hashes. */
  orphans(options?: AtOption): AsyncIterable<OrphanRow>;
  /** In the order of their names. */
  remotes(): AsyncIterable<RemoteRow>;
  /** Files and how many copies their contents have. @throws HkfsError NOT_FOUND */
  copies(query?: CopiesQuery): AsyncIterable<CopiesRow>;
}
