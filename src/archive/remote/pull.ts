/**
 * The use case: a clone gets what its origin (another remote, a bundle) has by now. Contents come first,
 * then the log, then views and tree: so the log never names what is not here, whenever it is cut short.
 */
import { counted, formatCount, HkfsError } from '../../errors.js';
import { damagedRecord, linkIn, otherHash, recordHash } from '../../events/commit-chain.js';
import { recordsIn } from '../../events/log-read.js';
import { CompactRange } from '../../events/merkle.js';
import { followsFrom, type StoredCommit } from '../../events/segment.js';
import type { VerifierKey } from '../../events/signed-note.js';
import type { CommitHead, Head } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { LogJudge } from '../../projections/judge/log-judge.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { PullOptions, PullSummary } from '../api.js';
import { knownAbsent, makeAbsentNames, rememberAbsent } from '../absent-names.js';
import type { OpenArchive } from '../open-archive.js';
import { catchUpTree } from '../tree-catch-up.js';
import { refuseGap } from './bundle-gap.js';
import { fetchList, type Lost } from './fetch-all.js';
import { isRemote } from './format.js';
import { importLog } from './import-log.js';
import { checkpointName } from './names.js';
import { NamedObjects } from './named-objects.js';
import type { ObjectList } from './object-list.js';
import { openRemoteStore } from './open-remote.js';
import { readOrigin, writeOrigin, type Origin } from './origin.js';
import { diverged, partingPosition, tellingParted } from './parting.js';
import { publicKey } from './public-key.js';
import { RemoteArchive, type NamedSegment } from './remote-archive.js';
import { requireSameAt, requireSameLast } from './same-commits.js';
import { SegmentReader } from './segment-reader.js';

/** @throws HkfsError REMOTE_*, BUNDLE_GAP, BAD_SIGNATURE, LOG_DAMAGED, INTERRUPTED */
export async function pull(
  archive: OpenArchive,
  options: PullOptions,
  clock: () => number,
): Promise<PullSummary> {
  const started = clock();
  const origin = readOrigin(archive.layout);
  const url = options.url ?? origin?.url;
  if (url === undefined)
    throw new HkfsError('USAGE', 'this archive is no clone: it has no origin', {
      hint: 'name the remote or the bundle that has more of it',
    });
  const store = await openRemoteStore(url, options);
  try {
    const done = await new Pull(archive, { ...options, store, origin, clock }).run();
    return { ...done, url, seconds: (clock() - started) / 1000 };
  } finally {
    await store.close();
  }
}

interface Parts extends PullOptions {
  readonly store: BlobStore;
  readonly origin: Origin | null;
  readonly clock: () => number;
}

class Pull {
  private readonly archive: OpenArchive;
  private readonly parts: Parts;
  private readonly remote: RemoteArchive;

  constructor(archive: OpenArchive, parts: Parts) {
    this.archive = archive;
    this.parts = parts;
    this.remote = new RemoteArchive(parts.store, archive.file.id);
  }

  async run(): Promise<Omit<PullSummary, 'url' | 'seconds'>> {
    const { archive, remote } = this;
    const key = publicKey(archive);
    const to = await this.newest(key);
    await this.refuseDiverged(to, key);
    this.refuseRolledBack(to);
    const before = archive.log.size;
    if (to.size <= before) {
      this.rememberSeen(to);
      return this.nothingNew();
    }
    const lost = this.isCatalogue ? NOTHING : await this.bringContents(to, key);
    failpoint('pull.objects');
    this.rememberOrigin(to);
    await archive.followUntil(to.size);
    const { signal, clock, onProgress, onMessage = () => {} } = this.parts;
    const judge = new LogJudge(archive.views.level);
    await importLog(archive.log, remote, { to, key, judge, signal, onProgress });
    await archive.sync();
    failpoint('pull.log');
    const { position } = await archive.tree();
    await archive.catchUp(onProgress);
    if (this.isCatalogue) await archive.views.setTreePosition(archive.log.size);
    else await catchUpTree(archive, position, { clock, onMessage });
    await makeAbsentNames(archive, onMessage);
    return { ...archive.log.head(), events: to.size - before, ...lost, upToDate: false };
  }

  /** What was lost at the origin when this was cloned may be there by now. */
  private async nothingNew(): Promise<Omit<PullSummary, 'url' | 'seconds'>> {
    const { archive, remote } = this;
    const { signal, onProgress, onMessage = () => {} } = this.parts;
    const list = await knownAbsent(archive);
    const lost =
      list.length === 0 ? NOTHING : await fetchList(archive, remote.store, { list, signal, onProgress });
    await makeAbsentNames(archive, onMessage);
    return { ...archive.log.head(), events: 0, ...lost, upToDate: lost.objects === 0 };
  }

  private get isCatalogue(): boolean {
    return this.parts.origin?.state === 'catalogue';
  }

  private async newest(key: VerifierKey): Promise<CommitHead> {
    const { remote } = this;
    const newest = (await isRemote(remote.store)) ? (await remote.checkpoints()).at(-1) : undefined;
    if (newest === undefined)
      throw new HkfsError('REMOTE_FOREIGN', `${remote.store.url} has nothing of archive ${remote.id}`, {
        hint: 'name a remote or a bundle of this archive',
      });
    return remote.checkpoint(newest, key);
  }

  /** From where the clone is: another may be behind it, and then has nothing new. */
  private get isFromOrigin(): boolean {
    const { url, origin } = this.parts;
    return origin !== null && (url === undefined || url === origin.url);
  }

  /** @throws HkfsError REMOTE_DIVERGED */
  private refuseRolledBack({ size }: Head): void {
    const { origin, store } = this.parts;
    const seen = this.isFromOrigin ? (origin?.seen ?? 0) : 0;
    if (size >= seen) return;
    throw new HkfsError(
      'REMOTE_DIVERGED',
      `${store.url} was rolled back or lost files: it had ${counted(seen, 'event')}, and its newest checkpoint is of ${formatCount(size)}`,
      {
        hint: 'what is here stays; bring the remote back from a copy, or have the archive that it is a backup of send the rest again: hkfs backup NAME --mend',
      },
    );
  }

  /** What both have has to be the same. */
  private async refuseDiverged(to: CommitHead, key: VerifierKey): Promise<void> {
    const { log } = this.archive;
    if (to.size > log.size) return;
    if ((await log.headAt(to.size)).root === to.root) return requireSameLast(log, this.remote, to);
    const position = await partingPosition(this.remote, log, { key, size: to.size });
    throw diverged(this.remote, { reason: 'both have events of their own', position });
  }

  /** Reads the new part of the log once to know what it names, checked against the signed root. */
  private async bringContents(to: Head, key: VerifierKey): Promise<Lost> {
    const { signal, onProgress } = this.parts;
    const { size } = to;
    const act = (): Promise<ObjectList> => this.listNew(to);
    const list = await tellingParted(this.remote, this.archive.log, { key, size, act });
    for (const { hash, size: bytes } of await knownAbsent(this.archive))
      list.add(Buffer.from(hash, 'hex'), bytes);
    const lost = await fetchList(this.archive, this.remote.store, { list, signal, onProgress });
    await rememberAbsent(
      this.archive,
      [...lost.damaged, ...lost.missing].map(({ hash }) => hash),
    );
    return lost;
  }

  private async listNew(to: Head): Promise<ObjectList> {
    const named = new NamedObjects();
    const judge = new LogJudge(this.archive.views.level);
    for await (const stored of this.checkedCommits(to)) {
      await judge.judge(recordsIn(stored));
      named.add([stored]);
    }
    return named.list;
  }

  private async *checkedCommits(to: Head): AsyncGenerator<StoredCommit> {
    const { log } = this.archive;
    const segments = await this.remote.listSegments();
    refuseGap(this.remote, { first: segments[0]?.first ?? 0, size: log.size });
    const reader = new SegmentReader(this.remote, segments);
    const range = CompactRange.from(log.size, log.lastCommit?.range ?? []);
    let link: Uint8Array | null = null;
    while (range.size < to.size) {
      const { segment, commits } = await reader.read(range.size, to.size);
      for (const stored of commits) {
        if (range.size === log.size) link = linkIn(stored.events[0]!);
        if (!followsFrom(range, stored))
          throw this.remote.damaged(segment.name, `it is no log from event ${stored.commit.first} on`);
        yield stored;
      }
    }
    if (range.root().toString('hex') !== to.root)
      throw this.remote.damaged(
        checkpointName(this.remote.id, to.size),
        'the log segments do not have the root that it signs',
      );
    await this.requireOwnLast(segments, link);
  }

  /** The record with which our log ends, against the signed commit that comes next, or the remote's copy of it. */
  private async requireOwnLast(segments: readonly NamedSegment[], link: Uint8Array | null): Promise<void> {
    const { log } = this.archive;
    const { lastCommit } = log;
    if (lastCommit === null) return;
    if (link === null) return requireSameAt(log, this.remote, log.size - 1, segments);
    if (Buffer.compare(link, recordHash(lastCommit)) !== 0)
      throw damagedRecord(otherHash(lastCommit, log.size));
  }

  /** From now on events below this size are somebody else's: the tree on this disk has to follow them. */
  private rememberOrigin(head: Head): void {
    const { origin, store } = this.parts;
    const { layout, file } = this.archive;
    const seen = this.isFromOrigin ? head.size : origin?.seen;
    writeOrigin(layout, {
      url: origin?.url ?? store.url,
      archive: file.id,
      head,
      state: origin?.state ?? 'complete',
      ...(seen === undefined ? {} : { seen }),
    });
  }

  /** Of a clone that has all that its origin has: from now on that may not have less. */
  private rememberSeen({ size }: Head): void {
    const { origin } = this.parts;
    if (origin === null || !this.isFromOrigin || size <= (origin.seen ?? 0)) return;
    writeOrigin(this.archive.layout, { ...origin, seen: size });
  }
}

const NOTHING: Lost = { objects: 0, bytes: 0, damaged: [], missing: [] };
