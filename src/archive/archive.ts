/**
 * An archive as a library: what the commands do, and nothing that they do otherwise.
 *
 * `Archive.open(dir)` holds the archive until `close()`; other processes get their queries answered
 * by this one meanwhile. `openReader(dir)` answers queries, through the holder where there is one.
 */
import { rmSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { closeQuietly, closingAfter, errnoOf, HkfsError } from '../errors.js';
import { ABSENT_RANGE } from '../projections/keys.js';
import { SEED_BYTES } from '../events/signed-note.js';
import { absolutePath } from '../fs/absolute-path.js';
import { toFsPath } from '../fs/names.js';
import { acquire, acquireOrAsk } from './acquire.js';
import type {
  AcrossOptions,
  AcrossReader,
  AddRemoteOptions,
  AddRemoteSummary,
  ArchiveReader,
  ContainsOptions,
  ContainsResult,
  GcOptions,
  GcSummary,
  ExportOptions,
  ExportSummary,
  BackupOptions,
  BackupSummary,
  BundleOptions,
  BundleSummary,
  CloneOptions,
  CloneSummary,
  CompactOptions,
  CompactSummary,
  FetchPathsOptions,
  FetchSummary,
  HealOptions,
  HealSummary,
  IngestOptions,
  IngestSummary,
  InitSummary,
  Message,
  OutsideOptions,
  SimilarOptions,
  SimilarOutsideResult,
  MoveOptions,
  MoveSummary,
  Progress,
  MaterializeOptions,
  PruneOptions,
  PruneSummary,
  RemoveOptions,
  RemoveRemoteSummary,
  RemoveSummary,
  PullOptions,
  PullSummary,
  RecoverOptions,
  RecoverSummary,
  RemoteVerifySummary,
  ReplaySummary,
  RestoreOptions,
  RestoreSummary,
  TagOptions,
  TagRow,
  UndoOptions,
  UndoSummary,
  SyncOptions,
  SyncSummary,
  VerifyOptions,
  VerifyRemoteOptions,
  VerifySummary,
} from './api.js';
import { explaining } from './explain-error.js';
import type { ChangeOptions } from './history/change.js';
import { HolderService } from './holder.js';
import { ownNamespace } from './holder/holder-file.js';
import { initArchive, remakeFolders } from './init.js';
import { readSeed } from './keys.js';
import { layoutOf, type Layout } from './layout.js';
import { LocalReader } from './local-reader.js';
import type { ArchivePlace } from './outside/archive-place.js';
import { clockWarning } from './log-clock.js';
import { sweepRecovery, sweepStaging, type OpenArchive } from './open-archive.js';
import { isOpenToOthers } from './privacy.js';
import { remoteReader } from './remote-reader.js';
import { readOrigin } from './remote/origin.js';

export { exitNow } from '../fs/exit-now.js';
export { isSettling } from '../fs/settling.js';
export { findArchiveRoot, findArchiveRootOrNull, findBrokenRoot } from './layout.js';

export interface ArchiveOpenOptions {
  /** Writers mend what a crash left behind; readers change nothing but the views and `.hkfs/place`. */
  readonly mode?: 'read' | 'write';
  /** Wait while another process holds the archive. */
  readonly wait?: boolean | undefined;
  /** Ends that wait with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly onProgress?: (progress: Progress) => void;
  /** Open also when the views do not follow from the log: `replay` is to rebuild them. */
  readonly forReplay?: boolean | undefined;
  /**
   * For what only reads: an archive that cannot be written to is opened from a private copy of its log and views,
   * and then takes queries, `restore`, `export`, `verify` and `replay` with `check`; what would change it is
   * refused.
   */
  readonly orAside?: boolean | undefined;
  /** For what makes room: on a full disk caches go, and the views are elsewhere meanwhile. */
  readonly inNoRoom?: boolean | undefined;
  /** A writer's opening may end what a crash cut short: called for each thing of it that stays undone. */
  readonly onMessage?: ((message: Message) => void) | undefined;
  /** Who finds the archive held is told this: words without arguments, one of which may be a secret. */
  readonly command?: string | undefined;
}

/** How an opened archive is used. */
interface Serving {
  readonly mode: 'read' | 'write';
  readonly clock: () => number;
  readonly onMessage?: ((message: Message) => void) | undefined;
  readonly command?: string | undefined;
}

/** A query that takes longer than this serves the queries of others as well. */
const SERVE_AFTER_MS = 150;

export class Archive extends LocalReader {
  private readonly open: OpenArchive;
  private readonly now: () => number;
  private service: HolderService | null = null;
  private serving: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private busy: Promise<unknown> = Promise.resolve();

  private constructor(open: OpenArchive, clock: () => number) {
    super(open, clock);
    this.open = open;
    this.now = clock;
  }

  /**
   * Makes an archive.
   *
   * @param options.key path of a file with the private key that is to sign for it; else a new one is made
   * @param options.private the folder becomes its owner's alone, as `.hkfs` always is
   * @returns also whether others may enter the folder, and so read what is in it
   * @throws HkfsError ALREADY_AN_ARCHIVE, NO_HARD_LINKS, BAD_KEY and what the file system refuses
   */
  static async init(
    directory: string,
    options: { clock?: () => number; key?: string | undefined; private?: boolean | undefined } = {},
  ): Promise<InitSummary> {
    const root = absolutePath(directory);
    const id = randomUUID();
    const seed = options.key === undefined ? randomBytes(SEED_BYTES) : readSeed(options.key);
    await initArchive(root, id, { clock: options.clock ?? Date.now, seed, isPrivate: options.private });
    return { archive: root, id, openToOthers: isOpenToOthers(root) };
  }

  /** Makes an archive that is what a remote has of one. @throws HkfsError REMOTE_*, BAD_SIGNATURE, INTERRUPTED */
  static async clone(options: CloneOptions & { clock?: () => number }): Promise<CloneSummary> {
    const { cloneArchive } = await import('./remote/clone.js');
    return cloneArchive(options, options.clock ?? Date.now);
  }

  /**
   * Mends an archive whose log, or what else of `.hkfs` is hkfs's own, is damaged or gone.
   * @throws HkfsError NOT_AN_ARCHIVE, ARCHIVE_HELD, LOG_DAMAGED, REMOTE_*, BAD_SIGNATURE, INTERRUPTED
   */
  static async recover(options: RecoverOptions & { clock?: () => number }): Promise<RecoverSummary> {
    const { recover } = await import('./recover/recover.js');
    return recover(options, options.clock ?? Date.now);
  }

  /** @throws HkfsError NOT_AN_ARCHIVE, NEWER_FORMAT, ARCHIVE_HELD, LOG_DAMAGED, LOG_SHORTER, READ_ONLY */
  static async open(directory: string, options: ArchiveOpenOptions = {}): Promise<Archive> {
    const {
      mode = 'read',
      clock = Date.now,
      wait,
      signal,
      onProgress,
      forReplay = false,
      orAside = false,
      inNoRoom = false,
      onMessage,
      command,
    } = options;
    const layout = layoutOf(absolutePath(directory));
    const serving = { mode, clock, onMessage, command };
    const acquiring = { wait, signal, onProgress, forReplay };
    const open = async (): Promise<Archive> => Archive.serve(await acquire(layout, acquiring), serving);
    if (inNoRoom)
      return explaining(layout, async () => {
        const { openInNoRoom } = await import('./no-room.js');
        return openInNoRoom(layout, open, async (aside) =>
          Archive.serve(await acquire(layout, { ...acquiring, ...aside }), serving),
        );
      });
    return explaining(layout, () => (orAside ? Archive.orAside(layout, open, serving) : open()));
  }

  /** @internal What `open` gives, or where the archive cannot be written to the same from a copy aside. */
  static async orAside<T>(layout: Layout, open: () => Promise<T>, serving: Serving): Promise<T | Archive> {
    try {
      return await open();
    } catch (error) {
      const { openAside, reasonForAside } = await import('./aside.js');
      const reason = reasonForAside(error, layout);
      if (reason === undefined) throw error;
      return Archive.serve(await openAside(layout, reason), serving);
    }
  }

  /** @internal */
  static async serve(
    open: OpenArchive,
    { mode, clock, onMessage = () => {}, command = basename(process.argv[1] ?? 'node') }: Serving,
  ): Promise<Archive> {
    const archive = new Archive(open, clock);
    try {
      const warning = clockWarning(open, clock());
      if (warning) onMessage(warning);
      if (open.isReadOnly) {
        // Nobody else could be served, and nothing be mended.
      } else if (mode === 'write') {
        const { keyProblem } = await import('./keys.js');
        const problem = keyProblem(open);
        if (problem !== null) onMessage({ level: 'warning', code: 'KEY_DAMAGED', text: problem });
        await archive.startService('writer', command);
        await archive.mend(onMessage);
      } else
        archive.timer = setTimeout(() => {
          archive.serving = archive.startService('reader', command);
        }, SERVE_AFTER_MS).unref();
    } catch (error) {
      await closeQuietly(() => archive.close());
      throw error;
    }
    return archive;
  }

  /**
   * Whether what is outside is in an archive as well. The archive is held only while it answers, and not
   * while the outside is read. @throws HkfsError for bad input before anything is read, and INTERRUPTED
   */
  static async contains(
    directory: string,
    options: ContainsOptions & ReaderOptions,
  ): Promise<ContainsResult> {
    const place = placeOf(directory, options);
    const { contains } = await import('./outside/contains.js');
    const { remote, ...rest } = options;
    if (remote === undefined) return explaining(place.layout, () => contains(place, options));
    const across = await openAcross(directory, { ...rest, remote });
    return closingAfter(
      () => explaining(place.layout, () => contains(place, options, across)),
      () => across.close(),
    );
  }

  /** Directories of an archive by how much they hold of directories outside; held as for `contains`. */
  static async similarToOutside(
    directory: string,
    options: OutsideOptions & SimilarOptions & ReaderOptions,
  ): Promise<SimilarOutsideResult> {
    const place = placeOf(directory, options);
    const { similarOutside } = await import('./outside/similar-outside.js');
    return explaining(place.layout, () => similarOutside(place, options));
  }

  /** @throws HkfsError for bad input before anything is changed; INTERRUPTED after a clean stop */
  ingest(options: IngestOptions): Promise<IngestSummary> {
    return this.exclusively(async () => {
      this.refuseCatalogue();
      this.open.warmUp();
      const { ingest } = await import('./ingest/ingest.js');
      return ingest(this.open, options, this.now, (operation) => (this.running = operation));
    });
  }

  /** Adopts what was done by hand in the tree. @throws HkfsError TOO_MANY_REMOVED, INTERRUPTED */
  sync(options: SyncOptions = {}): Promise<SyncSummary> {
    return this.exclusively(async () => {
      this.refuseCatalogue();
      this.open.warmUp();
      const { sync } = await import('./sync/sync.js');
      return sync(this.open, options, this.now, (operation) => (this.running = operation));
    });
  }

  verify(options: VerifyOptions = {}): Promise<VerifySummary> {
    return this.exclusively(async () => {
      this.open.warmUp();
      const { verify } = await import('./verify/verify.js');
      return verify(this.open, options, this.now);
    });
  }

  /** What a remote has against the log. @throws HkfsError REMOTE_*, KEY_MISMATCH */
  verifyRemote(options: VerifyRemoteOptions): Promise<RemoteVerifySummary> {
    return this.exclusively(async () => {
      this.open.warmUp();
      const { verifyRemote } = await import('./remote/verify-remote.js');
      return verifyRemote(this.open, options, this.now);
    });
  }

  /** Damaged and missing contents come back from where there is a good copy. @throws HkfsError NOT_FOUND, INTERRUPTED */
  heal(options: HealOptions = {}): Promise<HealSummary> {
    return this.exclusively(async () => {
      this.open.warmUp();
      const { heal } = await import('./heal/heal.js');
      return heal(this.open, options, this.now);
    });
  }

  /** Entries back to files. @throws HkfsError for bad input before anything is touched, and INTERRUPTED */
  restore(options: RestoreOptions): Promise<RestoreSummary> {
    return this.exclusively(async () => {
      await this.fetchForCatalogue(options.paths, options);
      this.open.warmUp();
      const { restore } = await import('./restore/restore.js');
      return restore(this.open, options, this.now);
    });
  }

  /** Entries as a tar or a manifest. @throws HkfsError for bad input before anything is written, and INTERRUPTED */
  export(options: ExportOptions): Promise<ExportSummary> {
    return this.exclusively(async () => {
      this.open.warmUp();
      const { exportEntries } = await import('./export/export.js');
      return exportEntries(this.open, options, this.now);
    });
  }

  /** The tree as it was, as hard links in an empty directory. */
  materialize(options: MaterializeOptions): Promise<ReplaySummary> {
    return this.exclusively(async () => {
      await this.fetchForCatalogue([''], options);
      this.open.warmUp();
      const { materialize } = await import('./restore/materialize.js');
      return materialize(this.open, options, this.now);
    });
  }

  /** One rename of an entry, whatever is below. @throws HkfsError for bad input before anything is changed */
  move(options: MoveOptions): Promise<MoveSummary> {
    return this.exclusively(async () => {
      this.refuseCatalogue();
      const { move } = await import('./history/move.js');
      return move(this.open, options, this.change(options));
    });
  }

  /** Takes entries out of the tree; no object goes. @throws HkfsError for bad input before anything is changed */
  remove(options: RemoveOptions): Promise<RemoveSummary> {
    return this.exclusively(async () => {
      this.refuseCatalogue();
      const { remove } = await import('./history/remove.js');
      return remove(this.open, options, this.change(options));
    });
  }

  /** Takes a path out of the tree where all that it holds stays elsewhere. @throws HkfsError NOT_FOUND, BAD_TARGET */
  prune(options: PruneOptions): Promise<PruneSummary> {
    return this.exclusively(async () => {
      const { prune } = await import('./history/prune.js');
      return prune(this.open, options, this.change(options));
    });
  }

  /** Deletes objects that nothing names and nothing needs. @throws HkfsError INTERRUPTED */
  gc(options: GcOptions = {}): Promise<GcSummary> {
    return this.exclusively(async () => {
      const { gc } = await import('./gc/gc.js');
      return gc(this.open, options, this.change(options));
    });
  }

  /** Names a moment. @throws HkfsError BAD_TAG, TAG_EXISTS, BAD_MOMENT */
  tag(options: TagOptions): Promise<TagRow> {
    return this.exclusively(async () => {
      const { tag } = await import('./history/tag.js');
      return tag(this.open, options, this.change({}));
    });
  }

  /** Reverses an operation by events of its own. @throws HkfsError NOT_FOUND, CANNOT_UNDO */
  undo(options: UndoOptions = {}): Promise<UndoSummary> {
    return this.exclusively(async () => {
      this.refuseCatalogue();
      const { undo } = await import('./history/undo.js');
      return undo(this.open, options, this.change(options));
    });
  }

  /** A place for backups, once it was reached and found or made to be a remote. @throws HkfsError REMOTE_*, BAD_URL */
  addRemote(options: AddRemoteOptions): Promise<AddRemoteSummary> {
    return this.exclusively(async () => {
      const { addRemote } = await import('./remote/manage.js');
      return addRemote(this.open, options, this.change(options));
    });
  }

  /** Forgets a remote; what is there stays there. @throws HkfsError REMOTE_NOT_FOUND */
  removeRemote(name: string): Promise<RemoveRemoteSummary> {
    return this.exclusively(async () => {
      const { removeRemote } = await import('./remote/manage.js');
      return removeRemote(this.open, name, this.change({}));
    });
  }

  /** Sends what is new to a remote. @throws HkfsError REMOTE_*, KEY_MISMATCH, BAD_SIGNATURE, INTERRUPTED */
  backup(options: BackupOptions): Promise<BackupSummary> {
    return this.exclusively(async () => {
      const { backup } = await import('./remote/backup.js');
      return backup(this.open, options, this.now);
    });
  }

  /** Makes few log segments of a remote out of many: needs the right to remove. */
  compactRemote(options: CompactOptions): Promise<CompactSummary> {
    return this.exclusively(async () => {
      const { compactRemote } = await import('./remote/compact.js');
      return compactRemote(this.open, options, this.now);
    });
  }

  /** What is new since a head, as one file. @throws HkfsError BUNDLE_EXISTS, HEAD_DIFFERS */
  createBundle(options: BundleOptions): Promise<BundleSummary> {
    return this.exclusively(async () => {
      const { createBundle } = await import('./remote/bundle.js');
      return createBundle(this.open, options, this.now);
    });
  }

  /** What the origin of a clone, another remote or a bundle has more. @throws HkfsError BUNDLE_GAP, REMOTE_* */
  pull(options: PullOptions = {}): Promise<PullSummary> {
    return this.exclusively(async () => {
      const { pull } = await import('./remote/pull.js');
      return pull(this.open, options, this.now);
    });
  }

  /** Contents that are not here, from where this clone came. @throws HkfsError NOT_FOUND, REMOTE_* */
  fetch(options: FetchPathsOptions): Promise<FetchSummary> {
    return this.exclusively(async () => {
      const { fetchPaths } = await import('./remote/fetch-paths.js');
      return fetchPaths(this.open, options, this.now);
    });
  }

  /** Rebuilds the views; with `check` compares them with a rebuilt copy and changes nothing. */
  replay(
    options: { check?: boolean | undefined; onProgress?: (progress: Progress) => void } = {},
  ): Promise<ReplaySummary> {
    return this.exclusively(async () => {
      const { replay } = await import('./replay.js');
      return replay(this.open, options, this.now);
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.busy.catch(() => {});
    await this.serving.catch(() => {});
    await closingAfter(
      async () => this.service?.close(),
      () => this.open.close(),
    );
  }

  /** What a kill left: staged files, half-built views, a tree behind its log. */
  private async mend(onMessage: (message: Message) => void): Promise<void> {
    const { layout } = this.open;
    remakeFolders(layout);
    for (const directory of [layout.nextViews, layout.oldViews, layout.checkViews])
      rmSync(toFsPath(directory), { recursive: true, force: true });
    sweepStaging(layout);
    sweepRecovery(layout);
    const { position } = await this.open.tree();
    if (position < this.open.log.size) {
      const { catchUpTree } = await import('./tree-catch-up.js');
      await catchUpTree(this.open, position, { clock: this.now, onMessage });
    }
    if (!(await this.open.refused.isEmpty())) {
      const { putAgain } = await import('./put-again.js');
      await putAgain(this.open, { clock: this.now, onMessage });
    }
    const [absent] = await this.open.views.level.keys({ ...ABSENT_RANGE, limit: 1 }).all();
    if (absent === undefined) return;
    const { makeAbsentNames } = await import('./absent-names.js');
    await makeAbsentNames(this.open, onMessage);
  }

  /** Names without contents are no tree that could be changed. */
  private refuseCatalogue(): void {
    if (readOrigin(this.open.layout)?.state !== 'catalogue') return;
    throw new HkfsError('CATALOGUE', `${this.root} is a catalogue: names without contents`, {
      hint: 'change the archive itself, and pull; or make a whole archive of this with `hkfs fetch /`',
    });
  }

  /** A catalogue gets what is about to be read. */
  private async fetchForCatalogue(
    paths: readonly string[],
    { at, ...rest }: Pick<RestoreOptions, 'at' | 'onProgress' | 'onMessage' | 'signal'>,
  ): Promise<void> {
    if (readOrigin(this.open.layout)?.state !== 'catalogue') return;
    const { fetchPaths } = await import('./remote/fetch-paths.js');
    const moment = at ?? `@${this.open.now}`;
    const inside = paths.map((path) => path.replace(/\/+$/, ''));
    await fetchPaths(this.open, { ...rest, paths: inside, at: moment }, this.now);
  }

  private change({ onMessage }: { onMessage?: ((message: Message) => void) | undefined }): ChangeOptions {
    return { clock: this.now, onStart: (operation) => (this.running = operation), onMessage };
  }

  private async startService(kind: 'reader' | 'writer', command: string): Promise<void> {
    const since = new Date(this.now()).toISOString();
    try {
      const holder = { pid: process.pid, namespace: ownNamespace(), command, since, kind };
      this.service = await HolderService.start(this.open.layout, holder, this);
    } catch (error) {
      // A reader that cannot say so answers its own query all the same.
      if (kind === 'writer' || errnoOf(error) === undefined) throw error;
    }
  }

  /** One operation at a time in this process as well. */
  private async exclusively<T>(act: () => Promise<T>): Promise<T> {
    const before = this.busy;
    const mine = before.catch(() => {}).then(() => explaining(this.open.layout, act));
    this.busy = mine;
    try {
      return await mine;
    } finally {
      this.running = null;
    }
  }
}

export interface ReaderOptions {
  readonly wait?: boolean | undefined;
  /** Ends a wait for the archive with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: (() => number) | undefined;
  /** As of {@link ArchiveOpenOptions}. */
  readonly command?: string | undefined;
}

function placeOf(directory: string, { wait, signal, clock, command }: ReaderOptions): ArchivePlace {
  const options = { wait, signal, command, ...(clock === undefined ? {} : { clock }) };
  return { layout: layoutOf(absolutePath(directory)), open: () => openReader(directory, options) };
}

/** Queries on an archive: over the socket of the process that holds it, or by opening it here. */
export async function openReader(
  directory: string,
  options: {
    wait?: boolean | undefined;
    signal?: AbortSignal | undefined;
    clock?: () => number;
    onMessage?: (message: Message) => void;
    command?: string | undefined;
  } = {},
): Promise<ArchiveReader & { close(): Promise<void> }> {
  const layout = layoutOf(absolutePath(directory));
  const serving: Serving = {
    mode: 'read',
    clock: options.clock ?? Date.now,
    onMessage: options.onMessage,
    command: options.command,
  };
  const open = async (): Promise<ArchiveReader & { close(): Promise<void> }> => {
    const opened = await acquireOrAsk(layout, { wait: options.wait, signal: options.signal });
    if (opened !== 'answered') return Archive.serve(opened, serving);
    return remoteReader(layout, () => openReader(directory, options));
  };
  return explaining(layout, () => Archive.orAside(layout, open, serving));
}

/** Queries on all archives of a remote. @throws HkfsError REMOTE_*, INTERRUPTED, ARCHIVE_HELD */
export async function openAcross(
  directory: string,
  { clock = Date.now, ...options }: AcrossOptions & { clock?: () => number },
): Promise<AcrossReader> {
  const layout = layoutOf(absolutePath(directory));
  const { RemoteArchives } = await import('./across/remote-archives.js');
  const open = (): ReturnType<typeof openReader> =>
    openReader(directory, { wait: options.wait, signal: options.signal, clock });
  return RemoteArchives.open({ layout, open }, options, { clock });
}
