/** An archive held by this process: log, views and threads, opened in order and caught up. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { closeQuietly, closingAll, counted, HkfsError } from '../errors.js';
import { isLevelError, isUnreadable } from '../events/level.js';
import { EventLog } from '../events/log.js';
import type { DirectoryId, EventRecord, Position } from '../events/types.js';
import { WrittenFilesystem } from '../fs/durable.js';
import { failpoint } from '../fs/failpoints.js';
import { toFsPath } from '../fs/names.js';
import { WorkerPool } from '../fs/pool.js';
import { loadPosix, type Posix } from '../fs/posix.js';
import { namesIn } from '../fs/scan.js';
import { Contents } from '../projections/contents.js';
import type { Digests } from '../projections/digests.js';
import type { DirectoryTree } from '../projections/directory-tree.js';
import { Namespace } from '../projections/namespace.js';
import type { LogJudge } from '../projections/judge/log-judge.js';
import { Views } from '../projections/views.js';
import { TreeCheckpoint } from './tree-checkpoint.js';
import type { Progress } from './api.js';
import { moveSince, openGeneration, type Generation } from './generation.js';
import { layoutOf, readArchiveFile, type ArchiveFile, type Layout } from './layout.js';
import { RefusedNames, unknownRow } from './refused-names.js';
import { readOrigin } from './remote/origin.js';

/** Events folded in one batch of rows. */
const FOLD_BATCH = 4096;
/** Appended events from which on flushing at close pays for the next open. */
const FLUSH_EVENTS = 1000;

export interface OpenOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Views that do not follow from the log are tolerated: `replay` is about to rebuild them. */
  readonly forReplay?: boolean;
  /** What is to become `archive.json`: of a clone that is not one yet. */
  readonly file?: ArchiveFile;
  /** The log came from elsewhere: what is folded of it is judged before. */
  readonly judged?: boolean;
  /** Of what is no archive's `.hkfs`. */
  readonly layout?: Layout;
  /** The views, or log and views, are copies elsewhere. */
  readonly aside?: Aside;
}

export interface Aside {
  /** Why the archive cannot be written to; null where only its views are elsewhere. */
  readonly reason: HkfsError | null;
  /** Takes the copy away, or back. */
  readonly remove: () => void;
}

interface OpenParts {
  readonly layout: Layout;
  readonly file: ArchiveFile;
  readonly log: EventLog;
  readonly views: Views;
  readonly filesystem: WrittenFilesystem;
  readonly aside: Aside | null;
}

export class OpenArchive {
  /** Null where log and views are in the archive. */
  readonly aside: Aside | null;
  readonly layout: Layout;
  readonly file: ArchiveFile;
  readonly log: EventLog;
  #views: Views;
  #pool: WorkerPool | null = null;
  #posix: Posix | null | undefined;
  #tree: TreeCheckpoint | null = null;
  #refused: RefusedNames | null = null;
  private readonly filesystem: WrittenFilesystem;
  private readonly sizeAtOpen: number;
  private rebuilt = false;
  /** Until it is open. */
  private judged = false;
  /** Until it is known, nothing that is remembered of inodes counts. */
  #generation: Generation = { since: Number.MAX_SAFE_INTEGER, beganNs: null };

  private constructor(parts: OpenParts) {
    this.filesystem = parts.filesystem;
    this.aside = parts.aside;
    this.layout = parts.layout;
    this.file = parts.file;
    this.log = parts.log;
    this.#views = parts.views;
    this.sizeAtOpen = parts.log.size;
  }

  /**
   * @throws HkfsError NOT_AN_ARCHIVE, NEWER_FORMAT, ARCHIVE_HELD, LOG_DAMAGED, LOG_SHORTER and what the
   *   file system refuses
   */
  static async open(root: string, options: OpenOptions = {}): Promise<OpenArchive> {
    const layout = options.layout ?? layoutOf(root);
    const file = options.file ?? readArchiveFile(root);
    const filesystem = new WrittenFilesystem(layout.hkfs);
    try {
      return await OpenArchive.openOn(filesystem, { layout, file }, options);
    } catch (error) {
      filesystem.close();
      throw error;
    }
  }

  private static async openOn(
    filesystem: WrittenFilesystem,
    { layout, file }: { layout: Layout; file: ArchiveFile },
    options: OpenOptions,
  ): Promise<OpenArchive> {
    const log = await EventLog.open(layout.log, { createIfMissing: false });
    try {
      refuseOtherId(layout, file, log);
      const views = await openViews(layout, log, options);
      const aside = options.aside ?? null;
      const parts = { layout, file, log, filesystem, aside, views: views ?? (await emptyViews(layout)) };
      const archive = new OpenArchive(parts);
      archive.judged = options.judged === true;
      try {
        if (views === null && !options.forReplay) await archive.rebuild(options.onProgress);
        else await archive.followLog(options.onProgress);
        archive.judged = false;
        if (options.layout === undefined || aside !== null) await archive.enterGeneration();
      } catch (error) {
        await closeQuietly(() => archive.views.close());
        throw error;
      }
      return archive;
    } catch (error) {
      await closeQuietly(() => log.close());
      throw error;
    }
  }

  get views(): Views {
    return this.#views;
  }

  /** What the log says of inodes before this position is of other inodes than those that are here. */
  get since(): Position {
    return this.#generation.since;
  }

  get generation(): Generation {
    return this.#generation;
  }

  /** What an origin appended until this size is of its own inodes. */
  async followUntil(size: Position): Promise<void> {
    await moveSince(this.#views.level, size);
    this.#generation = { ...this.#generation, since: size };
  }

  private async enterGeneration(): Promise<void> {
    const { size } = this.log;
    const begin = (): Promise<Generation> =>
      openGeneration(this.#views.level, this.layout, { size, isAside: this.isReadOnly });
    const generation = await begin().catch(async (error: unknown) => {
      await this.beginViewsAgain(error);
      return begin();
    });
    const foreign = readOrigin(this.layout)?.head.size ?? 0;
    this.#generation = { ...generation, since: Math.max(generation.since, foreign) };
  }

  /** Threads take a while to start: asked for early, they are there when the first work is. */
  warmUp(): void {
    void this.pool;
  }

  /** Threads are started when they are first needed. */
  get pool(): WorkerPool {
    if (this.#pool === null) {
      this.#pool = new WorkerPool();
      // Others may write to the tree: nobody's symlink leads out of it.
      const { root, hkfs } = this.layout;
      this.#pool.hold(root, { except: hkfs, posix: this.posix });
    }
    return this.#pool;
  }

  get posix(): Posix | null {
    if (this.#posix === undefined) this.#posix = loadPosix();
    return this.#posix;
  }

  /** The newest moment that the views know. */
  get now(): Position {
    return this.#views.position - 1;
  }

  /** Names that are not in the tree because the file system did not take them. */
  get refused(): RefusedNames {
    return (this.#refused ??= new RefusedNames(this.#views.level));
  }

  namespace(at: Position = this.now): Namespace {
    return new Namespace(this.#views.level, at);
  }

  contents(at: Position = this.now): Contents {
    return new Contents(this.#views.level, at, this.since);
  }

  /** Few commands ask for digests, and none of the others loads what hashes them. */
  async digests(): Promise<Digests> {
    const { Digests } = await import('../projections/digests.js');
    return new Digests(this.#views.level, this.log);
  }

  /** The directories at and below one that is in the tree at the moment, with their digests. */
  async directories(start: { id: DirectoryId; path: string }, at = this.now): Promise<DirectoryTree> {
    const digests = await this.digests();
    return digests.tree(start, { at, remember: at === this.now });
  }

  /** Makes all that was written to the archive's file system durable. */
  async sync(): Promise<void> {
    const synced = this.#tree?.syncing();
    await this.filesystem.sync(this.posix);
    synced?.();
  }

  /** How far the tree has followed: a writer asks before it appends anything. */
  async tree(): Promise<TreeCheckpoint> {
    return (this.#tree ??= new TreeCheckpoint(await this.treePosition()));
  }

  /** All that was done to the tree is on the disk, and its checkpoint says so. */
  async settleTree(position: Position): Promise<void> {
    const tree = await this.tree();
    failpoint('tree.sync');
    await this.sync();
    failpoint('tree.synced');
    tree.settled(position);
    await this.views.level.batch(tree.rows());
  }

  /** What was done to the tree until now is not applied again, whatever happens next. */
  async secureTree(): Promise<void> {
    const tree = await this.tree();
    if (tree.isDirty) await this.sync();
    await this.views.level.batch([tree.row()], { sync: true });
    tree.rowIsDurable();
  }

  /** Folds what the log has beyond the views. */
  async catchUp(onProgress?: (progress: Progress) => void): Promise<number> {
    return foldLog(this.log, this.#views, { judged: this.judged, ...(onProgress ? { onProgress } : {}) });
  }

  private async followLog(onProgress?: (progress: Progress) => void): Promise<void> {
    await this.catchUp(onProgress).catch((error: unknown) => this.beginViewsAgain(error, onProgress));
  }

  /** Views that were opened without complaint and cannot be read. @throws any other error, the log's above all */
  private async beginViewsAgain(error: unknown, onProgress?: (progress: Progress) => void): Promise<void> {
    if (!isLevelError(error) || !isUnreadable(error)) throw error;
    await this.#views.close();
    this.#views = await emptyViews(this.layout);
    await this.rebuild(onProgress);
  }

  /**
   * Folds the whole log into a fresh generation beside the views, then puts it in their place. A kill
   * at any point leaves either generation or none, and none is rebuilt on the next open.
   * @returns the number of events folded
   */
  async rebuild(onProgress?: (progress: Progress) => void, audit = false): Promise<number> {
    const { layout } = this;
    rmSync(layout.nextViews, { recursive: true, force: true });
    const next = await Views.open(layout.nextViews, true, true);
    const tree = await this.treePosition();
    const isLost = await this.hasLostRows();
    const copied = copyLocalRows(this.#views, next!);
    copied.catch(() => {}); // awaited after the fold
    const { judged } = this;
    const events = await foldLog(this.log, next!, {
      audit,
      judged,
      ...(onProgress ? { onProgress } : {}),
    }).catch(async (error: unknown) => {
      await copied.catch(() => {});
      await next!.close();
      throw error;
    });
    failpoint('replay.fold');
    const isWhole = await copied;
    await next!.setTreePosition(Math.min(tree, this.log.size), isLost || !isWhole ? [unknownRow] : []);
    await next!.close(true);
    await this.#views.close();
    failpoint('replay.folded');
    replaceDirectory(layout.nextViews, layout.views, layout.oldViews);
    this.#views = (await Views.open(layout.views, false))!;
    this.#refused = null;
    this.rebuilt = true;
    return events;
  }

  /** All of it, whatever fails on the way; what failed first is told. */
  async close(): Promise<void> {
    const flush = !this.rebuilt && this.log.size - this.sizeAtOpen >= FLUSH_EVENTS;
    const steps = [
      () => this.#pool?.close(),
      () => this.#pool && sweepStaging(this.layout),
      () => this.#views.close(flush),
      () => (flush ? this.log.compactForClose() : undefined),
      () => this.log.close(),
      () => this.filesystem.close(),
      () => this.aside?.remove(),
    ];
    await closingAll(steps);
  }

  /** What is appended would be in a copy of the log. */
  get isReadOnly(): boolean {
    return this.aside !== null && this.aside.reason !== null;
  }

  /** @throws HkfsError for what would change an archive that cannot be written to */
  refuseAside(): void {
    if (this.aside !== null && this.aside.reason !== null) throw this.aside.reason;
  }

  /** The first position whose effect on the tree on disk may not be done. */
  async treePosition(): Promise<Position> {
    const known = this.#views.treePosition().catch((error: unknown) => {
      if (isUnreadable(error)) return null;
      throw error;
    });
    return (await known) ?? this.guessTreePosition();
  }

  /** What is remembered of the tree went with the views; before the first operation there was nothing. */
  private async hasLostRows(): Promise<boolean> {
    if ((this.log.lastCommit?.operation ?? 0) === 0) return false;
    const known = await this.#views.treePosition().catch((error: unknown) => {
      if (isUnreadable(error)) return null;
      throw error;
    });
    return known === null;
  }

  /** Where the views were lost: only the last operation can be half done in the tree. */
  private async guessTreePosition(): Promise<Position> {
    const { lastCommit } = this.log;
    if (lastCommit === null) return 0;
    const last = await this.log.get(this.log.size - 1);
    const isClosed = last.event.type === 'operation.completed' || last.operation === 0;
    if (isClosed) return this.log.size;
    for await (const batch of this.log.readReverse({ from: 0, to: this.log.size }))
      for (const record of batch) if (record.event.type === 'operation.started') return record.position;
    return 0;
  }
}

/** The log has it in an event of its own. @throws HkfsError ARCHIVE_FILE_DAMAGED */
function refuseOtherId({ archiveFile }: Layout, { id }: ArchiveFile, log: EventLog): void {
  const { archiveId = id } = log;
  if (archiveId === id) return;
  throw new HkfsError('ARCHIVE_FILE_DAMAGED', `${archiveFile} says ${id}, the log is that of ${archiveId}`, {
    hint: 'bring archive.json, or .hkfs/log, back from a copy of the archive',
  });
}

/** What an operation that failed has staged takes room that the next one may need to open at all. */
export function sweepStaging({ staging }: Layout): void {
  for (const name of namesIn(staging)) rmSync(`${staging}/${name}`, { recursive: true, force: true });
}

/** What a recovery had made when it was killed, before anybody agreed to it. */
export function sweepRecovery({ hkfs }: Layout): void {
  const folder = toFsPath(`${hkfs}/recover`);
  if (!existsSync(toFsPath(`${hkfs}/recover/ready.json`))) rmSync(folder, { recursive: true, force: true });
}

/**
 * Damaged views take their local rows with them: what those knew is read again when it is needed.
 * @returns whether all of them were there
 */
async function copyLocalRows(from: Views, to: Views): Promise<boolean> {
  let writes = false;
  try {
    for await (const rows of from.localRows()) {
      // A chained batch takes puts several times as fast as an array does.
      const batch = to.level.batch();
      for (const { key, value } of rows) batch.put(key, value);
      writes = true;
      await batch.write();
      writes = false;
    }
    return true;
  } catch (error) {
    if (writes || !isUnreadable(error)) throw error;
    return false;
  }
}

/** Folds everything from the views' checkpoint on. @returns the number of events */
export async function foldLog(
  log: EventLog,
  views: Views,
  options: { audit?: boolean; judged?: boolean; to?: Position; onProgress?: (progress: Progress) => void },
): Promise<number> {
  const to = options.to ?? log.size;
  const from = options.audit ? 0 : views.position;
  const start = views.position;
  const judge = options.judged ? await judgeOf(views) : null;
  let pending: EventRecord[] = [];
  // While one batch of rows is written, those of the next are made.
  let before: Promise<void> = Promise.resolve();
  let writing: Promise<void> = before;
  for await (const batch of log.read({ from, to, audit: options.audit ?? false, lazy: true })) {
    pending = pending.length === 0 ? [...batch] : pending.concat(batch);
    if (pending.length < FOLD_BATCH) continue;
    await judge?.judge(pending);
    await before;
    judge?.forget(views.position);
    before = writing;
    writing = views.apply(pending);
    writing.catch(() => {}); // awaited one batch later
    pending = [];
    options.onProgress?.(foldProgress(views.position, to));
  }
  await before;
  await writing;
  await judge?.judge(pending);
  if (pending.length > 0) await views.apply(pending);
  return views.position - start;
}

/** Only what comes from elsewhere is judged: few commands load it. */
async function judgeOf(views: Views): Promise<LogJudge> {
  const { LogJudge } = await import('../projections/judge/log-judge.js');
  return new LogJudge(views.level);
}

function foldProgress(done: Position, total: Position): Progress {
  return { phase: 'replaying', files: done, bytes: 0, totalFiles: total, totalBytes: null };
}

/** Null where the views have to be rebuilt: absent, of another version, damaged. */
async function openViews(layout: Layout, log: EventLog, options: OpenOptions): Promise<Views | null> {
  const views = existsSync(layout.views) ? await openExisting(layout) : null;
  if (views === null || views.position <= log.size) return views;
  await views.close();
  if (options.forReplay) return null;
  throw new HkfsError(
    'LOG_SHORTER',
    `the log ends at position ${log.size}, but the views had seen ${counted(views.position, 'event')}: its tail was lost`,
    { hint: 'bring back .hkfs/log from a backup; or accept what is left with `hkfs replay`' },
  );
}

async function openExisting(layout: Layout): Promise<Views | null> {
  try {
    return await Views.open(layout.views, false);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return null;
  }
}

async function emptyViews(layout: Layout): Promise<Views> {
  rmSync(layout.views, { recursive: true, force: true });
  return (await Views.open(layout.views, true))!;
}

function replaceDirectory(next: string, current: string, old: string): void {
  rmSync(old, { recursive: true, force: true });
  renameSync(current, old);
  failpoint('replay.set-aside');
  renameSync(next, current);
  failpoint('replay.switched');
  rmSync(old, { recursive: true, force: true });
}
