/**
 * The use case: an archive from a remote. The log is imported and checked against the signed checkpoint,
 * the views are folded from it, contents fetched, the tree built; `archive.json` comes last, so that a
 * directory is an archive only when all of that is done.
 */
import { existsSync, rmSync } from 'node:fs';
import { HkfsError, isHkfsError } from '../../errors.js';
import { EventLog } from '../../events/log.js';
import { endOf, type StoredCommit } from '../../events/segment.js';
import { formatVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import type { Head } from '../../events/types.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { makeDirectory } from '../../fs/make-directory.js';
import { WrittenFilesystem, writeFileDurably } from '../../fs/durable.js';
import { describeFsError } from '../../fs/errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { toFsPath } from '../../fs/names.js';
import { WorkerPool } from '../../fs/pool.js';
import { loadPosix } from '../../fs/posix.js';
import { isRefusal } from '../../projections/judge/log-judge.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import { parseRemoteUrl, storedUrl } from '../../store/remote/remote-url.js';
import type { CloneOptions, CloneSummary, DamagedRow } from '../api.js';
import { rememberAbsent } from '../absent-names.js';
import { explainError } from '../explain-error.js';
import { removeEmpty, sweepClone } from '../init-leftovers.js';
import {
  makeFolders,
  OWNER_ALONE,
  refuseInsideArchive,
  refuseWithoutHardLinks,
  removeMade,
} from '../init.js';
import { FORMAT_VERSION, layoutOf, type ArchiveFile, type Layout } from '../layout.js';
import { OpenArchive, sweepStaging } from '../open-archive.js';
import { isOpenToOthers, makePrivate } from '../privacy.js';
import { readVerifierKey } from '../proof-files.js';
import { resolveMoment } from '../queries/moments.js';
import { refuseGap } from './bundle-gap.js';
import { buildTree } from './build-tree.js';
import { checkCheckpoints } from './check-checkpoints.js';
import { chooseArchive } from './choose-archive.js';
import { cutLog } from './cut-log.js';
import { fetchObjects, type FetchOutcome, type FetchTarget } from './fetch-objects.js';
import { importLog } from './import-log.js';
import { openRemoteStore } from './open-remote.js';
import { writeVerifierKey } from './public-key.js';
import { NamedObjects } from './named-objects.js';
import { refuseOthers, refuseOwnHistory } from './free-place.js';
import { readOrigin, writeOrigin, type Origin } from './origin.js';
import type { RemoteArchive } from './remote-archive.js';
import { fetchAll, lostRows, type Lost } from './fetch-all.js';
import { TransferMeter } from './transfer-meter.js';
import { bootId, dropTorn } from './trust-objects.js';

/** @throws HkfsError REMOTE_*, BAD_SIGNATURE, KEY_MISMATCH, LOG_DAMAGED, ALREADY_AN_ARCHIVE, DIRECTORY_NOT_EMPTY, INTERRUPTED */
export async function cloneArchive(options: CloneOptions, clock: () => number): Promise<CloneSummary> {
  const started = clock();
  const root = absolutePath(options.directory);
  const layout = layoutOf(root);
  const store = await openRemoteStore(options.url, options);
  try {
    const done = await new Clone(layout, { ...options, store, clock }).run();
    return {
      ...done,
      archive: root,
      openToOthers: isOpenToOthers(root),
      seconds: (clock() - started) / 1000,
    };
  } catch (error) {
    throw explainError(error, layout);
  } finally {
    await store.close();
  }
}

interface Parts extends CloneOptions {
  readonly store: BlobStore;
  readonly clock: () => number;
}

type Done = Omit<CloneSummary, 'archive' | 'openToOthers' | 'seconds'>;

class Clone {
  private readonly layout: Layout;
  private readonly parts: Parts;
  /** Events that the remote has, of which an earlier moment may be wanted. */
  private seen = 0;

  constructor(layout: Layout, parts: Parts) {
    this.layout = layout;
    this.parts = parts;
  }

  async run(): Promise<Done> {
    const { catalogue = false, store } = this.parts;
    const url = this.storedUrl();
    const remote = await chooseArchive(store, this.parts.archiveId);
    const key = await this.keyOf(remote);
    const newest = (await remote.checkpoints()).at(-1);
    if (newest === undefined) throw noBackup(remote);
    const { size, root } = await remote.checkpoint(newest, key);
    this.seen = size;
    const segments = await remote.listSegments();
    refuseGap(remote, { first: segments[0]?.first ?? 0, size: 0 });
    await refuseOwnHistory(this.layout);
    const origin: Origin = { url, archive: remote.id, head: { size, root }, state: 'cloning' };
    this.prepare(remote, origin);
    await this.begin(origin);
    const named = await this.importLog(remote, { to: { size, root }, key });
    failpoint('clone.log');
    const refused = new AbortController();
    const early = this.fetchEarly(named, refused.signal);
    const opening = this.openArchive(remote).catch((error: unknown) => {
      refused.abort();
      throw error;
    });
    // Nothing goes on behind an error: whichever comes first, both have ended.
    const [, opened] = await Promise.allSettled([early, opening]);
    if (opened.status === 'rejected') throw opened.reason;
    const archive = opened.value;
    try {
      const damagedFiles = await checkCheckpoints(remote, archive.log, { key, newest });
      const lost = catalogue
        ? await withoutContents(archive)
        : await this.bringContents(archive, await early);
      const head = archive.log.head();
      await archive.sync();
      failpoint('clone.tree');
      this.becomeArchive(archive, key, head);
      return {
        id: remote.id,
        ...head,
        key: formatVerifierKey(key),
        ...lost,
        damagedFiles,
        catalogue,
      };
    } finally {
      await archive.close();
    }
  }

  /** From now on this directory is a clone under way. */
  private async begin(origin: Origin): Promise<void> {
    const { layout } = this;
    const before = readOrigin(layout);
    const boot = bootId();
    if (before !== null && (boot === null || before.bootId !== boot)) {
      const target = targetOf(layout);
      try {
        await dropTorn(target);
      } finally {
        await target.close();
      }
    }
    writeOrigin(layout, { ...origin, bootId: boot });
    failpoint('clone.begun');
  }

  /**
   * Where threads copy, contents come while the views are folded from the log.
   * @returns null where they are still to be fetched
   */
  private async fetchEarly(named: NamedObjects | null, refused: AbortSignal): Promise<FetchOutcome | null> {
    const { store, catalogue, at, onProgress } = this.parts;
    const signal = AbortSignal.any([refused, ...(this.parts.signal ? [this.parts.signal] : [])]);
    if (!store.files || catalogue === true || at !== undefined || named?.isComplete !== true) return null;
    const { list } = named;
    const target = targetOf(this.layout);
    const meter = new TransferMeter('fetching', { files: list.length, bytes: list.bytes }, onProgress);
    const mtimeNs = (): Promise<undefined> => Promise.resolve(undefined);
    try {
      return await fetchObjects(target, store, { list, meter, signal, mtimeNs, unsynced: true });
    } finally {
      meter.stop();
      await target.close();
    }
  }

  /** Good from any directory, and without credentials. */
  private storedUrl(): string {
    const { url, env = process.env } = this.parts;
    return storedUrl(url, parseRemoteUrl(url), env);
  }

  /** The key that is given, or else the one that the remote has: whoever must not trust it gives one. */
  private async keyOf(remote: RemoteArchive): Promise<VerifierKey> {
    const theirs = await remote.key();
    if (this.parts.key === undefined) {
      if (theirs === null) throw noBackup(remote);
      return theirs;
    }
    const wanted = readVerifierKey(this.parts.key);
    if (theirs === null || Buffer.compare(theirs.publicKey, wanted.publicKey) === 0) return wanted;
    throw new HkfsError(
      'KEY_MISMATCH',
      `${remote.store.url} is signed by ${formatVerifierKey(theirs)}, and not by the key that was given`,
      {
        hint: 'take the archive.pub of the archive itself; if that is the one given, do not trust this remote',
      },
    );
  }

  /**
   * Whatever stands in the way, what is left here is known to be a begun clone, or nothing is left: the same
   * command goes on once there is room.
   */
  private prepare(remote: RemoteArchive, origin: Origin): void {
    const { layout } = this;
    let made: string | null = null;
    let isBegun = true;
    try {
      refuseInsideArchive(layout.root);
      refuseOthers(layout, remote);
      isBegun = readOrigin(layout) !== null;
      made = makeDirectory(layout.root);
      makeDirectory(layout.hkfs, OWNER_ALONE);
      if (!isBegun) sweepClone(layout);
      makeFolders(layout);
      refuseWithoutHardLinks(layout);
      // Another start of the machine is judged by what was written before: `begin`.
      if (!isBegun) writeOrigin(layout, { ...origin, bootId: bootId() });
      sweepStaging(layout);
      if (this.parts.private === true) makePrivate(layout.root);
    } catch (error) {
      if (!isBegun) undoMade(layout, made);
      throw describeFsError(error, layout.root);
    }
  }

  /** @returns what all of it names; null where a part was here before */
  private async importLog(
    remote: RemoteArchive,
    { to, key }: { to: Head; key: VerifierKey },
  ): Promise<NamedObjects | null> {
    const log = await this.openLog();
    const named = log.size === 0 ? new NamedObjects() : null;
    try {
      const { signal, onProgress } = this.parts;
      const onCommits = (commits: readonly StoredCommit[]): void => named?.add(commits);
      await importLog(log, remote, { to, key, signal, onProgress, onCommits });
      await log.compactForClose();
      return named;
    } finally {
      await log.close();
    }
  }

  /** One that a power cut left damaged is fetched again. */
  private async openLog(): Promise<EventLog> {
    const { layout } = this;
    try {
      return await EventLog.open(layout.log, { createIfMissing: true });
    } catch (error) {
      if (!isHkfsError(error, 'LOG_DAMAGED') && !isHkfsError(error, 'LOG_GAP')) throw error;
      dropLog(layout);
      return EventLog.open(layout.log, { createIfMissing: true });
    }
  }

  private async openArchive(remote: RemoteArchive): Promise<OpenArchive> {
    const { layout, parts } = this;
    const { onProgress, at, clock } = parts;
    const open = (): Promise<OpenArchive> =>
      OpenArchive.open(layout.root, { file: fileOf(remote.id, clock()), judged: true, onProgress });
    const archive = await open().catch((error: unknown) => {
      if (isRefusal(error)) dropLog(layout);
      throw error;
    });
    failpoint('clone.views');
    if (at === undefined) return archive;
    let end: number;
    try {
      end = await endOfMoment(archive, at, clock());
    } finally {
      await archive.close();
    }
    await cutLog(layout, end);
    return open();
  }

  private async bringContents(archive: OpenArchive, early: FetchOutcome | null): Promise<Lost> {
    const { store, signal, onProgress, onMessage = () => {} } = this.parts;
    const lost = early
      ? await lostRows(archive, store, early)
      : await fetchAll(archive, store, { signal, onProgress, unsynced: true });
    failpoint('clone.objects');
    const absent = new Set([...lost.damaged, ...lost.missing].map(({ hash }: DamagedRow) => hash));
    await rememberAbsent(archive, absent);
    await buildTree(archive, {
      lost: absent,
      onMessage,
      onEntries: () => {},
    });
    return lost;
  }

  private becomeArchive(archive: OpenArchive, key: VerifierKey, head: Head): void {
    const { layout, parts } = this;
    writeVerifierKey(layout, key);
    const state = parts.catalogue === true ? 'catalogue' : 'complete';
    writeOrigin(layout, { url: this.storedUrl(), archive: archive.file.id, head, state, seen: this.seen });
    const text = `${JSON.stringify(archive.file, null, 2)}\n`;
    writeFileDurably(layout.archiveFile, Buffer.from(text), 0o644);
    failpoint('clone.done');
  }
}

/** The same directory may become a clone of something better. */
function dropLog({ log, views }: Layout): void {
  for (const path of [log, views]) rmSync(toFsPath(path), { recursive: true, force: true });
}

/** What was made before there was room for an origin; what somebody put there meanwhile stays. */
function undoMade(layout: Layout, made: string | null): void {
  if (existsSync(toFsPath(layout.hkfs)) && readOrigin(layout) === null) {
    sweepClone(layout);
    removeEmpty(toFsPath(layout.hkfs));
  }
  if (made !== null) removeMade(layout.root, made);
}

function noBackup(remote: RemoteArchive): HkfsError {
  return new HkfsError(
    'REMOTE_FOREIGN',
    `${remote.store.url} has no completed backup of archive ${remote.id}`,
    { hint: 'the first backup was not finished: run `hkfs backup` there again' },
  );
}

function fileOf(id: string, nowMs: number): ArchiveFile {
  return {
    format: FORMAT_VERSION,
    id,
    hash: 'blake3-256',
    created: new Date(nowMs).toISOString(),
    origin: true,
  };
}

/** Logs consist of whole commits: of the one that has the moment, all. */
async function endOfMoment(archive: OpenArchive, at: string, nowMs: number): Promise<number> {
  const { position } = await resolveMoment(archive, at, nowMs);
  return endOf(await archive.log.commitAt(position));
}

/** The hash tree of what is no archive yet, with threads of its own. */
function targetOf(layout: Layout): FetchTarget & { close: () => Promise<void> } {
  const filesystem = new WrittenFilesystem(layout.hkfs);
  const pool = new WorkerPool();
  const close = async (): Promise<void> => {
    await pool.close();
    filesystem.close();
  };
  return { layout, pool, sync: () => filesystem.sync(loadPosix()), close };
}

async function withoutContents(archive: OpenArchive): Promise<Lost> {
  await archive.views.setTreePosition(archive.log.size);
  return { objects: 0, bytes: 0, damaged: [], missing: [] };
}
