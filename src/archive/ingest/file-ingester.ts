/**
 * Files of the sources, from what the scan saw to their events: known ones without reading, the
 * others through the threads that hash and stage them, in the order in which they were found.
 */
import { lstatSync } from 'node:fs';
import type { DirectoryId, FileIngested, Hash, SourceIdentity } from '../../events/types.js';
import { attributesEqual, attributesOf, entryKindOf } from '../../fs/attributes.js';
import { inSource } from '../../fs/contents.js';
import { hashToHex } from '../../fs/hash.js';
import { baseName, parentPath } from '../../fs/names.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { isApart, isSettled, nowInNs } from '../../fs/settled.js';
import { sameContentStat, StatTable, storable, type FileStat } from '../../fs/stats.js';
import { STAGE, type Refusal, type StageMethod, type StageResult } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import type { IngestMode } from '../api.js';
import { discardStaged, type Committer } from '../committer.js';
import type { InodeId } from '../../projections/keys.js';
import type { OpenArchive } from '../open-archive.js';
import { identityOf, isUnchangedFile, type SourceEntry } from './classify.js';
import type { Counters } from './counters.js';
import { hasSameBytes, type Seal } from '../trusted-stat.js';
import { KnownFiles } from './known-files.js';
import { LinkGroups } from './link-groups.js';
import { Refusals } from './refusals.js';
import { isLenient, withKnown } from './unread-attributes.js';

/** A task for a thread has this many files … */
const TASK_FILES = 128;
/** … or this many bytes. */
const TASK_BYTES = 8 << 20;
/** How often a file that changes while it is read is read again. */
const MAX_ATTEMPTS = 3;

export interface FileToIngest {
  readonly source: SourceEntry;
  readonly parent: DirectoryId;
  readonly existing: Entry | undefined;
  readonly attempts: number;
  /** It has names that nobody found in the sources: its inode is not to become an object. */
  readonly shared?: boolean;
  /** The size in its stat is what was read and not what the file system said, which tells nothing of it. */
  readonly isUnsized?: boolean;
}

export interface FileIngesterOptions {
  readonly mode: IngestMode;
  readonly checksum: boolean;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
  /** Events say which inode they are of even where its times could not tell of a later change. */
  readonly namesSources?: boolean;
}

interface InFlight {
  /** When the reading began, or before. */
  readonly nowNs: bigint;
  readonly files: readonly FileToIngest[];
  readonly firstId: number;
  readonly result: Promise<StageResult>;
}

export class FileIngester {
  private readonly archive: OpenArchive;
  private readonly committer: Committer;
  private readonly counters: Counters;
  private readonly options: FileIngesterOptions;
  private readonly known: KnownFiles;
  private method: StageMethod;
  private waiting: FileToIngest[] = [];
  private waitingBytes = 0;
  private readonly inFlight: InFlight[] = [];
  private readonly groups = new LinkGroups();
  private readonly refusals: Refusals;
  /** In a dry run nothing is stored, so what would have been is remembered here. */
  private readonly dryHashes = new Set<Hash>();

  constructor(
    parts: { archive: OpenArchive; committer: Committer; counters: Counters },
    options: FileIngesterOptions,
  ) {
    this.archive = parts.archive;
    this.committer = parts.committer;
    this.counters = parts.counters;
    this.options = options;
    this.refusals = new Refusals(parts.counters.onMessage);
    const releases = options.mode === 'move' || options.mode === 'assimilate';
    this.known = new KnownFiles(parts.archive, parts.committer, releases);
    this.method = options.dryRun ? 'none' : options.mode === 'copy' ? 'reflink' : 'link';
  }

  /** Files of one directory, or a part of it. */
  async add(files: readonly FileToIngest[]): Promise<void> {
    const unread = this.options.checksum ? files : await this.takeKnown(files);
    for (const file of unread) {
      if (this.options.signal?.aborted) return;
      for (const ready of this.grouped(file)) await this.enqueue(ready);
    }
  }

  /** Everything that was added has become events; after a stop, everything that was being read. */
  async drain(): Promise<void> {
    if (this.options.signal?.aborted) this.waiting = [];
    else for (const file of this.groups.rest()) await this.enqueue(file);
    do {
      this.submit();
      while (this.inFlight.length > 0) await this.settleOldest();
    } while (this.waiting.length > 0);
    this.refusals.tell();
    this.counters.tellUnread();
  }

  /** An inode with several names waits until all of them are found: then it may become an object. */
  private grouped(file: FileToIngest): readonly FileToIngest[] {
    return this.method === 'link' && file.source.stat.nlink > 1n ? this.groups.add(file) : [file];
  }

  /** Emits what is known from an earlier read; gives back what has to be read. */
  private async takeKnown(files: readonly FileToIngest[]): Promise<readonly FileToIngest[]> {
    const verdicts = await this.known.look(files);
    const unread: FileToIngest[] = [];
    for (const [index, file] of files.entries()) {
      const verdict = verdicts[index]!;
      if (verdict.is === 'unread') unread.push(file);
      else if (verdict.is === 'unchanged') this.unchanged(file, verdict.isOwn);
      else {
        const source = { ...file.source, attributes: verdict.attributes };
        const { hash, isOwn } = verdict;
        this.emit({ ...file, source }, { hash, origin: 'duplicate', isOwn, settled: true });
      }
    }
    return unread;
  }

  private unchanged(file: FileToIngest, isOwn: boolean): void {
    this.counters.file(Number(file.source.stat.size));
    this.counters.unchangedFiles += 1;
    const event = file.existing?.event;
    this.release(file, event?.type === 'file.ingested' ? event.hash : null, isOwn);
  }

  private async enqueue(file: FileToIngest): Promise<void> {
    this.waiting.push(file);
    this.waitingBytes += Number(file.source.stat.size);
    if (this.waiting.length < TASK_FILES && this.waitingBytes < TASK_BYTES) return;
    this.submit();
    while (this.inFlight.length > this.archive.pool.size * 2) await this.settleOldest();
  }

  private submit(): void {
    if (this.waiting.length === 0) return;
    const files = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    const firstId = this.committer.reserveStagedIds(files.length);
    const nowNs = nowInNs();
    const result = this.stage(files, firstId, false);
    result.catch(() => {}); // awaited in settleOldest
    this.inFlight.push({ nowNs, files, firstId, result });
  }

  private stage(files: readonly FileToIngest[], firstId: number, force: boolean): Promise<StageResult> {
    const expected = new StatTable(files.length);
    for (const [index, file] of files.entries()) expected.set(index, file.source.stat);
    const { objects, staging } = this.archive.layout;
    return this.archive.pool.run({
      task: 'stage',
      files: files.map((file) => file.source.path),
      expected: expected.values,
      method: this.method,
      objects,
      staging,
      firstId,
      force,
      ...(files.some(({ shared }) => shared) && {
        shared: Uint8Array.from(files, ({ shared }) => Number(shared ?? false)),
      }),
    });
  }

  private async settleOldest(): Promise<void> {
    const { nowNs, files, firstId, result } = this.inFlight.shift()!;
    const staged = await result;
    if (this.method === 'reflink' && !staged.reflink) this.method = 'copy';
    const objects = new StatTable(staged.objects);
    const seals = await this.sealsOfPresent(staged, objects);
    for (const [index, seen] of files.entries()) {
      const file = withReadSize(seen, staged.unsized.get(index));
      const status = staged.status[index]!;
      const hash = hashToHex(staged.hashes.subarray(index * 32, index * 32 + 32));
      if (status === STAGE.failed) this.fail(file, staged.failures.get(index)!);
      else if (status === STAGE.changed) await this.takeChanged(file);
      else if (status === STAGE.empty)
        this.emit(file, { hash: null, origin: 'empty', isOwn: false, settled: true });
      else {
        const content = {
          hash,
          stat: objects.get(index),
          settled: isSettled(file.source.stat, nowNs),
          refusal: staged.refused?.get(index),
        };
        if (status === STAGE.staged) await this.takeStaged(file, { ...content, id: firstId + index });
        else await this.takePresent(file, { ...content, seal: seals.get(index) });
      }
    }
    await this.committer.maybeCommit();
  }

  private async sealsOfPresent(
    staged: StageResult,
    objects: StatTable,
  ): Promise<Map<number, Seal | undefined>> {
    const { index: known } = this.committer;
    const seals = new Map<number, Seal | undefined>();
    const open: number[] = [];
    const inodes: InodeId[] = [];
    for (const [index, status] of staged.status.entries()) {
      if (status !== STAGE.present) continue;
      const stat = objects.get(index);
      const hash = hashToHex(staged.hashes.subarray(index * 32, index * 32 + 32));
      const recent = known.recentSeal(hash, stat);
      seals.set(index, recent);
      if (recent !== undefined || known.isPending(hash)) continue;
      open.push(index);
      inodes.push({ device: stat.dev, inode: stat.ino });
    }
    const found = inodes.length === 0 ? [] : await known.seals(inodes);
    for (const [at, index] of open.entries()) seals.set(index, found[at]);
    return seals;
  }

  private fail(file: FileToIngest, failure: { code: string; message: string }): void {
    if (failure.code === 'ECANCELED') return; // stopped by the user: the next run reads it
    this.counters.fail(file.source.path, failure.code, failure.message);
  }

  /** A new content; a second copy of one that is on its way, or that came meanwhile, goes again. */
  private async takeStaged(file: FileToIngest, staged: HashedFile & { id: number }): Promise<void> {
    const { hash, id, stat } = staged;
    const { objects, staging } = this.archive.layout;
    const to = objectPath(objects, Buffer.from(hash, 'hex'));
    const isSecond = this.committer.index.isPending(hash) || this.dryHashes.has(hash);
    // The thread found no such object: only this operation can have named one since.
    const there = !isSecond && this.committer.index.isRecent(hash) ? lstatOrNull(to) : null;
    if (there !== null) {
      const again = this.discard(file, staged);
      const [seal] = await this.committer.index.seals([{ device: there.dev, inode: there.ino }]);
      return this.takePresent(again.file, { ...again, hash, stat: there, seal });
    }
    if (isSecond) {
      const again = this.options.dryRun ? { file, settled: staged.settled } : this.discard(file, staged);
      return this.emit(again.file, { hash, origin: 'duplicate', isOwn: false, settled: again.settled });
    }
    if (this.options.dryRun) this.dryHashes.add(hash);
    else {
      const object = { hash, stat, size: Number(file.source.stat.size) };
      this.committer.name({ from: `${staging}/${id}`, to, replace: false }, object);
      if (staged.refusal) this.refusals.add(staged.refusal, file.source.path);
    }
    this.emit(file, { hash, origin: 'new', isOwn: false, settled: staged.settled });
  }

  /**
   * What was staged is not needed. Where it was the source's own inode, being linked and unlinked again has
   * moved its ctime: it is as it was read only where nobody else moved it.
   */
  private discard(
    file: FileToIngest,
    { id, stat, settled }: HashedFile & { id: number },
  ): { file: FileToIngest; settled: boolean } {
    const { source } = file;
    if (stat.ino !== source.stat.ino) {
      discardStaged(this.archive.layout.staging, id);
      return { file, settled };
    }
    return inSource(source.path, (path) => {
      const before = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      discardStaged(this.archive.layout.staging, id);
      const after = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (after === undefined || !hasSameBytes(after, source.stat)) return { file, settled: false };
      const isOurs = before !== undefined && sameContentStat(before, stat) && isApart(after);
      return { file: { ...file, source: { ...source, stat: storable(after) } }, settled: settled && isOurs };
    });
  }

  private async takePresent(
    file: FileToIngest,
    present: HashedFile & { seal: Seal | undefined },
  ): Promise<void> {
    const { hash, stat, seal, settled } = present;
    const trust = this.committer.index.judge(hash, stat, seal);
    const isRight = stat.size === file.source.stat.size && trust === 'good';
    const isHealing = this.committer.index.isPending(hash);
    const isGood = isRight || isHealing || this.options.dryRun || (await this.known.settleDoubt(hash));
    if (!isGood) return this.replaceDamaged(file, present);
    const isOwn = stat.ino === file.source.stat.ino && stat.dev === file.source.stat.dev;
    const attributes = isOwn ? await this.known.ownAttributes(file.source, hash) : file.source.attributes;
    const content = { hash, origin: 'duplicate', isOwn, settled } as const;
    this.emit({ ...file, source: { ...file.source, attributes } }, content);
  }

  /** The object's bytes are not those of its name, and here are the right ones: they take its place. */
  private async replaceDamaged(file: FileToIngest, damaged: HashedFile): Promise<void> {
    const firstId = this.committer.reserveStagedIds(1);
    const staged = await this.stage([file], firstId, true);
    if (staged.status[0] !== STAGE.staged) return this.readAgain(file);
    const { hash, settled } = damaged;
    // Its times are the same as when it was first read, and it may have other bytes all the same.
    if (hashToHex(staged.hashes) !== hash) return this.unstable(file);
    await this.committer.replace({
      staged: `${this.archive.layout.staging}/${firstId}`,
      hash,
      stat: new StatTable(staged.objects).get(0),
      size: Number(file.source.stat.size),
      from: { device: damaged.stat.dev, inode: damaged.stat.ino },
      healedFrom: file.source.path,
    });
    this.emit(file, { hash, origin: 'duplicate', isOwn: false, settled });
  }

  /** Another name of the inode may have become the object meanwhile, which moves the ctime of all. */
  private async takeChanged(file: FileToIngest): Promise<void> {
    const link = this.known.ownLink(file.source);
    if (link === null) return this.readAgain(file);
    const source = { ...file.source, attributes: link.attributes };
    this.emit({ ...file, source }, { hash: link.hash, origin: 'duplicate', isOwn: true, settled: true });
  }

  private async readAgain(file: FileToIngest): Promise<void> {
    const { source, attempts } = file;
    if (attempts + 1 >= MAX_ATTEMPTS) return this.unstable(file);
    const directory = parentPath(source.path);
    const names = [baseName(source.path)];
    const lenient = isLenient(this.options.mode);
    const listing = await this.archive.pool.run({ task: 'lstat', directory, names, lenient });
    const failure = listing.failures.get(0);
    if (failure) return this.fail(file, failure);
    const stat = new StatTable(listing.stats).get(0);
    if (entryKindOf(stat.mode) !== 'file')
      return this.counters.fail(source.path, 'UNSTABLE', 'it became something else while it was read');
    const unread = listing.unread?.get(0);
    if (unread) this.counters.unread(source.path, unread);
    const known = unread ? file.existing?.event.attributes.xattrs : listing.xattrs.get(0);
    const xattrs = known ?? false;
    const { posix } = this.archive;
    const attributes = withKnown(attributesOf(stat, source.path, posix, { xattrs }), file.existing, posix);
    const shared = file.shared === true || stat.nlink > source.stat.nlink;
    const again = { ...source, stat, attributes };
    this.waiting.push({ ...file, source: again, attempts: attempts + 1, shared, isUnsized: false });
  }

  private unstable({ source }: FileToIngest): void {
    this.counters.fail(source.path, 'UNSTABLE', 'it kept changing while it was read');
  }

  /** The event of a file whose content is known; none where nothing is new. */
  private emit(file: FileToIngest, content: Content): void {
    const { source, existing } = file;
    const { hash } = content;
    const isOwn = content.isOwn || (hash !== null && this.committer.index.isPendingInode(hash, source.stat));
    const event = existing?.event;
    const isSame =
      event?.type === 'file.ingested' && event.hash === hash && BigInt(event.size) === source.stat.size;
    this.count(file, isSame ? 'unchanged' : content.origin);
    if (existing?.kind === 'directory') this.counters.removed += 1;
    if (!this.options.dryRun) {
      const identity = this.identity(file, content);
      if (isSame) this.pushAttributes(file, event, { isOwn, identity });
      else this.pushFile(file, hash, identity);
    }
    const isTold = isOwn || (content.settled && !file.isUnsized);
    if (hash !== null && isTold) this.known.remember(source, hash, isOwn);
    this.release(file, hash, isOwn);
  }

  /** By which it is known later without being read; null where it may have changed and look the same. */
  private identity({ source, isUnsized }: FileToIngest, { settled }: Content): SourceIdentity | null {
    if (isUnsized) return null;
    return settled || this.options.namesSources === true ? identityOf(source.stat) : null;
  }

  private pushFile(file: FileToIngest, hash: Hash | null, identity: SourceIdentity | null): void {
    const { source, existing, parent } = file;
    const isDirectory = existing?.kind === 'directory';
    if (isDirectory) this.committer.push({ type: 'path.removed', parent, name: source.name });
    this.committer.push(
      {
        type: 'file.ingested',
        parent,
        name: source.name,
        hash,
        size: Number(source.stat.size),
        attributes: source.attributes,
        source: identity,
      },
      existing && !isDirectory ? existing : null,
    );
  }

  /** An inode that is the object's own has our mode and our links; what the log has of it stays. */
  private pushAttributes(
    file: FileToIngest,
    event: FileIngested,
    { isOwn, identity }: { isOwn: boolean; identity: SourceIdentity | null },
  ): void {
    const { source, parent } = file;
    const isSameSource = identity === null || isUnchangedFile(event, source.stat);
    if (isOwn || (isSameSource && attributesEqual(event.attributes, source.attributes))) return;
    this.committer.push({
      type: 'attributes.changed',
      parent,
      name: source.name,
      attributes: source.attributes,
      source: identity,
    });
  }

  /** After the commit a moved source goes, and an assimilated one becomes a link to its object. */
  private release(file: FileToIngest, hash: Hash | null, isOwn: boolean): void {
    const { mode, dryRun } = this.options;
    const relink = mode === 'assimilate';
    if (dryRun || (mode !== 'move' && !relink) || (relink && (hash === null || isOwn))) return;
    const expected = new StatTable(1);
    expected.set(0, file.source.stat);
    const object = hash && objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex'));
    this.committer.release(
      { path: file.source.path, object, relink, expected: expected.values, adopted: isOwn },
      { parent: file.parent, name: file.source.name },
    );
  }

  private count(file: FileToIngest, origin: Content['origin'] | 'unchanged'): void {
    const size = Number(file.source.stat.size);
    this.counters.file(size);
    if (origin === 'unchanged') this.counters.unchangedFiles += 1;
    if (origin === 'new') {
      this.counters.newObjects += 1;
      this.counters.newBytes += size;
    }
    if (origin === 'duplicate') {
      this.counters.duplicateFiles += 1;
      this.counters.duplicateBytes += size;
    }
  }
}

/** A source whose bytes were read. */
interface HashedFile {
  readonly hash: Hash;
  /** Of the staged file, or of the object that was there. */
  readonly stat: FileStat;
  /** The source's times tell of any change since. */
  readonly settled: boolean;
  readonly refusal?: Refusal | undefined;
}

/** From here on the size is the number of bytes that were read. */
function withReadSize(file: FileToIngest, size: number | undefined): FileToIngest {
  if (size === undefined) return file;
  const { dev, ino, mode, nlink, uid, gid, rdev, mtimeNs, ctimeNs, blocks } = file.source.stat;
  const stat = { dev, ino, mode, nlink, uid, gid, rdev, size: BigInt(size), mtimeNs, ctimeNs, blocks };
  const { sparse: _unknown, ...attributes } = file.source.attributes;
  return { ...file, source: { ...file.source, stat, attributes }, isUnsized: true };
}

interface Content {
  readonly hash: Hash | null;
  readonly origin: 'new' | 'duplicate' | 'empty';
  /** The source's inode is the object's. */
  readonly isOwn: boolean;
  readonly settled: boolean;
}
