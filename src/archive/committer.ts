/**
 * The durable recipe (docs/design.md, "Order of writes"): staged bytes are synced, named in the hash
 * tree, synced again; only then the events that name them are committed; then the views, then the
 * tree. Work is collected in batches, one of which is being finished while the next is collected.
 */
import { unlinkSync } from 'node:fs';
import type { LevelPut } from '../events/level.js';
import { isBeyondStoredTime } from '../events/stored-time.js';
import type { Hash, HkfsEvent, Place, Position } from '../events/types.js';
import { isOfDisk } from '../fs/errors.js';
import { failpoint } from '../fs/failpoints.js';
import { keepDamaged } from '../fs/keep-damaged.js';
import { lstatOrNull } from '../fs/scan.js';
import { settling } from '../fs/settling.js';
import { hashOfObjectPath } from '../fs/stage.js';
import { StatTable, type FileStat } from '../fs/stats.js';
import type { EntryFailure, NameItem, ReleaseItem, TreeOperation } from '../fs/tasks.js';
import { together } from '../fs/together.js';
import type { InodeId } from '../projections/keys.js';
import type { Entry } from '../projections/namespace.js';
import { TreeProjection } from '../projections/tree.js';
import type { Failure, Message } from './api.js';
import { explainError } from './explain-error.js';
import { ObjectIndex } from './object-index.js';
import type { OpenArchive } from './open-archive.js';
import { textOfPlace } from './refused-names.js';
import { releaseAll } from './release-sources.js';
import { SealChain } from './seal-chain.js';
import { chunks, chunksByObject } from './tree-tasks.js';

/** A batch is finished when it has this many events … */
const MAX_EVENTS = 8192;
/** … or this many bytes in staging, or is this old. */
const MAX_BYTES = 256 << 20;
const MAX_AGE_MS = 2000;

export interface CommitterOptions {
  readonly operation: number;
  readonly clock: () => number;
  readonly onMessage: (message: Message) => void;
  /** The events tell what is on the disk already: nothing there is moved or removed. */
  readonly adopts?: boolean | undefined;
  /** Called instead of `onMessage` for a name that is not in the tree as it should be, and a source that stays. */
  readonly onRefused?: ((failure: Failure) => void) | undefined;
  /** Called as well for whatever the disk refused of the tree. */
  readonly onFailed?: ((failure: Failure) => void) | undefined;
}

/** A source and the name that it has in the archive. */
interface Release {
  readonly item: ReleaseItem;
  readonly place: Place;
}

/** A staged file on its way to its name. */
interface Naming {
  readonly item: NameItem;
  readonly hash: Hash;
  /** As it was when its bytes were hashed; null where nobody knows: then it gets no seal. */
  readonly staged: FileStat | null;
}

interface Batch {
  readonly events: HkfsEvent[];
  readonly namings: Naming[];
  readonly stored: Hash[];
  readonly previous: Map<Position, Entry | null>;
  readonly releases: Release[];
  /** Links that met the link limit and wait for the twin that this batch brings. */
  readonly deferred: TreeOperation[];
  /** An entry of this batch replaces another of it: their links must not be made at the same time. */
  inOrder: boolean;
  bytes: number;
  startedMs: number;
  needsSync: boolean;
}

export interface StagedObject {
  readonly hash: Hash;
  /** Of the staged file, as it was when its bytes were hashed. */
  readonly stat: FileStat;
  readonly size: number;
}

export interface Replacement extends StagedObject {
  readonly staged: string;
  readonly from: InodeId;
  readonly healedFrom: string;
}

const WHAT_FAILED: Readonly<Record<TreeOperation['op'], string>> = {
  mkdir: 'not put into the tree',
  link: 'not put into the tree',
  empty: 'not put into the tree',
  symlink: 'not put into the tree',
  unlink: 'not removed from the tree',
  rmdir: 'not removed from the tree',
  rename: 'not renamed in the tree',
  chmod: 'its mode is not as before in the tree',
  discard: 'not removed from the hash tree',
  relink: 'not put into the tree',
};

/** Nothing can be done here at all, again or not. */
const FULL_OR_FIXED: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** Of one name, and nothing that a person did to it. */
const REFUSALS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EXDEV']);
/** What a person put into the tree is in the way: it stays, as it has to. */
const OF_A_PERSON: ReadonlySet<string> = new Set(['ECONFLICT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST']);

/** What moves or takes away has to be done in the order of the events. */
const ORDERED: ReadonlySet<TreeOperation['op']> = new Set(['unlink', 'rmdir', 'rename', 'discard']);

/** What puts a name into the tree. */
const PUTS: ReadonlySet<TreeOperation['op']> = new Set(['mkdir', 'link', 'empty', 'symlink', 'relink']);

/** Where it fails, every name is in the tree as it was: a file that was to be renamed under its old one. */
const LEAVES_NAMES: ReadonlySet<TreeOperation['op']> = new Set(['chmod', 'discard', 'rename']);

const UNNAMED = 'stays: its name in the archive is not in the tree';

interface TreeOutcome {
  readonly chain: SealChain;
  /** Links that wait for a twin. */
  readonly full: TreeOperation[];
  /** What was not done. */
  readonly failed: { readonly operation: TreeOperation; readonly failure: EntryFailure }[];
}

export class Committer {
  readonly index: ObjectIndex;
  private readonly archive: OpenArchive;
  private readonly options: CommitterOptions;
  private readonly tree: TreeProjection;
  private batch: Batch;
  private nextPosition: Position;
  private nextStagedId = 0;
  /** The first event whose links wait for a twin. */
  private waitingFrom: Position | null = null;
  /** Entries with a time that could only be kept as the nearest one. */
  private beyondTimes = 0;
  private finishing: Promise<void> = Promise.resolve();
  private failure: unknown;

  constructor(archive: OpenArchive, options: CommitterOptions) {
    archive.refuseAside();
    this.archive = archive;
    this.options = options;
    this.index = new ObjectIndex(archive.views.level);
    this.tree = new TreeProjection(
      archive.views.level,
      archive.layout.root,
      archive.layout.objects,
      archive.since,
    );
    this.nextPosition = archive.log.size;
    this.batch = this.emptyBatch();
  }

  /** Numbers for staged files, never given twice in an operation. */
  reserveStagedIds(count: number): number {
    const first = this.nextStagedId;
    this.nextStagedId += count;
    return first;
  }

  /** Where the next event will be. */
  get upcoming(): Position {
    return this.nextPosition;
  }

  /** @param previous what stood at the event's place before; null: nothing; undefined: unknown */
  push(event: HkfsEvent, previous?: Entry | null): Position {
    const position = this.nextPosition++;
    if ('attributes' in event && isBeyondStoredTime(event.attributes.mtimeNs)) this.beyondTimes += 1;
    this.batch.events.push(event);
    if (previous !== undefined) this.batch.previous.set(position, previous);
    return position;
  }

  /** A staged file that is to get its name before the events of this batch are committed. */
  name(item: NameItem, { hash, stat, size }: StagedObject): void {
    this.batch.namings.push({ item, hash, staged: stat });
    this.batch.bytes += size;
    this.stored({ hash, device: stat.dev, inode: stat.ino, size });
  }

  /** The bytes are in the hash tree, but may not be on the disk yet. */
  adopt(object: { hash: Hash; device: bigint; inode: bigint; size: number }): void {
    this.batch.needsSync = true;
    this.stored(object);
  }

  /**
   * A good copy takes the place of a damaged object, or of a leftover that the log never named, whose bytes
   * are kept in `.hkfs/damaged`: they may be what somebody wrote through a link.
   */
  async replace(object: Replacement): Promise<void> {
    const { hash, stat, size, from } = object;
    const to = { device: stat.dev, inode: stat.ino };
    const known = await this.archive.contents().object(hash);
    const path = `${this.archive.layout.objects}/${hash.slice(0, 2)}/${hash.slice(2)}`;
    // Whoever finds a name of the damaged inode after a kill knows it by this link.
    keepDamaged(this.archive.layout.damaged, path, hash);
    const item = { from: object.staged, to: path, replace: true };
    this.batch.namings.push({ item, hash, staged: stat });
    if (known === null) return this.stored({ hash, size, ...to });
    this.push({ type: 'object.damaged', hash, finding: 'content' });
    this.push({ type: 'object.relocated', hash, size, from, to });
    this.push({ type: 'object.healed', hash, from: object.healedFrom });
    this.batch.stored.push(hash);
    this.index.addPending(hash, to);
    const text = `object ${hash} had other bytes than its name says; replaced by the content of ${object.healedFrom}`;
    this.options.onMessage({ level: 'warning', code: 'OBJECT_DAMAGED', path, text });
  }

  /** The next event replaces what an event of the same batch may have put there. */
  keepOrder(): void {
    this.batch.inOrder = true;
  }

  /** Memory that the batch holds until it is finished, beyond what its events usually do. */
  weigh(bytes: number): void {
    this.batch.bytes += bytes;
  }

  /** A staged file that is to be an object's inode; `from`: the one that it takes the place of. */
  heal(
    item: NameItem,
    object: { hash: Hash; size: number; from: InodeId | null; to: InodeId; stat?: FileStat },
  ): void {
    const { hash, size, from, to } = object;
    this.batch.namings.push({ item, hash, staged: object.stat ?? null });
    this.batch.bytes += size;
    if (from === null) return this.stored({ hash, size, ...to });
    this.push({ type: 'object.relocated', hash, size, from: idOf(from), to });
    this.batch.stored.push(hash);
    this.index.addPending(hash, to);
  }

  /** @param place the name that has to be in the tree before the source goes */
  release(item: ReleaseItem, place: Place): void {
    this.batch.releases.push({ item, place });
  }

  /** Finishes the batch in the background when it is large or old; waits where two are under way. */
  async maybeCommit(): Promise<void> {
    this.throwFailure();
    const { events, bytes, startedMs } = this.batch;
    if (events.length === 0) return;
    const due =
      events.length >= MAX_EVENTS || bytes >= MAX_BYTES || this.options.clock() - startedMs >= MAX_AGE_MS;
    if (!due) return;
    await this.finishing;
    this.cut();
  }

  /** Everything that was pushed is committed and in the tree. */
  async flush(): Promise<void> {
    await this.finishing;
    this.throwFailure();
    // Finishing may push events of twins, which are a batch of their own.
    while (this.batch.events.length > 0) {
      this.cut();
      await this.finishing;
      this.throwFailure();
    }
  }

  /** What the events say is on the disk, the tree's names too: now it may be told as done. */
  async settle(): Promise<void> {
    await this.flush();
    const { archive } = this;
    if (!(await archive.tree()).isDirty) return;
    failpoint('tree.sync');
    await archive.sync();
    failpoint('tree.synced');
  }

  /** Once for all entries of an operation whose time is not kept as it was. */
  tellBeyondTimes(): void {
    if (this.beyondTimes === 0) return;
    const what = this.beyondTimes === 1 ? '1 entry has a time' : `${this.beyondTimes} entries have times`;
    const text = `${what} before 1677-09-21 or after 2262-04-11: kept as the nearest of these`;
    this.options.onMessage({ level: 'warning', code: 'TIME_OUT_OF_RANGE', text });
    this.beyondTimes = 0;
  }

  /** Operations on the tree of events that an earlier process committed; `flush` brings their twins. */
  async applyAgain(operations: readonly TreeOperation[]): Promise<void> {
    if (operations.length === 0) return;
    const outcome = await this.changeTree(operations);
    this.tellFailures(outcome, true);
    const { rows } = await this.refuse(outcome);
    await this.archive.views.level.batch([...outcome.chain.rows(), ...rows]);
  }

  /** Names that were refused before. @returns those of the paths that are not there now either */
  async putAgain(
    operations: readonly TreeOperation[],
  ): Promise<{ waiting: Set<string>; failed: Map<string, EntryFailure> }> {
    const outcome = await this.changeTree(operations);
    await this.archive.views.level.batch(outcome.chain.rows());
    const failed = new Map<string, EntryFailure>();
    for (const { operation, failure } of outcome.failed) failed.set(pathOf(operation), failure);
    return { waiting: new Set(outcome.full.map(pathOf)), failed };
  }

  private async changeTree(operations: readonly TreeOperation[]): Promise<TreeOutcome> {
    const checkpoint = await this.archive.tree();
    checkpoint.changing();
    const outcome = await this.applyTree(operations, new SealChain(this.index), true);
    checkpoint.changed();
    return outcome;
  }

  private cut(): void {
    const { batch } = this;
    this.batch = this.emptyBatch();
    this.finishing = settling(() => this.finish(batch)).catch((error: unknown) => {
      this.failure ??= explainError(error, this.archive.layout);
    });
  }

  private async finish(batch: Batch): Promise<void> {
    this.throwFailure();
    const { archive, options } = this;
    const chain = new SealChain(this.index);
    if (batch.namings.length > 0 || batch.needsSync) {
      failpoint('commit.sync');
      await archive.sync();
      await this.nameAll(batch.namings, chain);
      failpoint('commit.named');
      await archive.sync();
    }
    failpoint('commit.append');
    const { records } = await archive.log.append(batch.events, {
      timeMs: options.clock(),
      operation: options.operation,
    });
    failpoint('commit.appended');
    const checkpoint = await archive.tree();
    await archive.views.apply(records, checkpoint.rows());
    failpoint('commit.views');
    const operations = options.adopts
      ? await this.tree.adoptions(records)
      : await this.tree.operations(records, (position) => batch.previous.get(position));
    operations.push(...batch.deferred);
    if (operations.length > 0) await this.announce(operations);
    const outcome = await this.applyTree(operations, chain, batch.inOrder);
    this.tellFailures(outcome);
    if (operations.length > 0) checkpoint.changed();
    failpoint('commit.tree');
    this.waitingFrom ??= records[0]!.position;
    // Links that wait for a twin are not in the tree: its checkpoint stays until they are.
    if (this.batch.deferred.length === 0) {
      checkpoint.follow(this.waitingFrom, archive.views.position);
      this.waitingFrom = null;
    }
    const moved = await archive.refused.renamed(records);
    const refused = await this.refuse(outcome);
    await archive.views.level.batch([...chain.rows(), ...moved, ...refused.rows, ...checkpoint.rows()]);
    failpoint('commit.done');
    this.index.settle(batch.stored);
    const releases = await this.releasable(batch.releases, outcome);
    await releaseAll(archive, releases, { committer: this, onKept: (failure) => this.keepSource(failure) });
  }

  /** What a sync tells is on the disk; where it could not be made a link, it is there all the same. */
  private async refuse({ failed }: TreeOutcome): Promise<{ rows: LevelPut[] }> {
    if (failed.length === 0 || this.options.adopts) return { rows: [] };
    const codes = new Map<string, string>();
    for (const { operation, failure } of failed)
      if (!LEAVES_NAMES.has(operation.op) && !lacksContent(operation))
        codes.set(this.below(pathOf(operation)), failure.code);
    return this.archive.refused.refuse(codes, this.archive.now);
  }

  /** A source goes only when its own name is in the tree: those that wait for a twin go with the twin's batch. */
  private async releasable(releases: readonly Release[], { full }: TreeOutcome): Promise<ReleaseItem[]> {
    const { refused } = this.archive;
    if (full.length === 0 && (await refused.isEmpty())) return releases.map(({ item }) => item);
    const waiting = new Set<string>();
    for (const place of await refused.placesOf(
      full.map((one) => this.below(pathOf(one))),
      this.archive.now,
    ))
      if (place !== null) waiting.add(textOfPlace(place));
    const known = await refused.look(releases.map(({ place }) => place));
    const items: ReleaseItem[] = [];
    for (const [index, release] of releases.entries()) {
      const refusal = known[index];
      if (waiting.has(textOfPlace(release.place))) this.batch.releases.push(release);
      else if (refusal === undefined) items.push(release.item);
      else this.keepSource({ path: release.item.path, code: refusal.code, message: UNNAMED });
    }
    return items;
  }

  /** Who asked for it to be moved is told that it was not. */
  private keepSource(failure: Failure): void {
    const { onRefused, onMessage } = this.options;
    const { path, code, message } = failure;
    // What is mounted in a source was copied, and no link leads from there.
    if (onRefused && code !== 'EXDEV') onRefused(failure);
    else onMessage({ level: 'warning', code, path, text: message });
  }

  private below(path: string): string {
    return path.slice(this.archive.layout.root.length + 1);
  }

  private async nameAll(namings: readonly Naming[], chain: SealChain): Promise<void> {
    const parts = chunks(namings);
    const results = await together(
      parts.map((part) => this.archive.pool.run({ task: 'name', items: part.map(({ item }) => item) })),
    );
    for (const [at, { failures, before, after }] of results.entries()) {
      for (const [, failure] of failures)
        throw Object.assign(new Error(failure.message), { code: failure.code });
      const tables = { before: new StatTable(before), after: new StatTable(after) };
      for (const [row, { hash, staged }] of parts[at]!.entries())
        if (staged !== null)
          chain.named(hash, staged, { before: tables.before.get(row), after: tables.after.get(row) });
    }
  }

  /** Directories first, in order; then everything else in parallel unless something is moved or removed. */
  private async applyTree(
    operations: readonly TreeOperation[],
    chain: SealChain,
    inOrder = false,
  ): Promise<TreeOutcome> {
    const outcome: TreeOutcome = { chain, full: [], failed: [] };
    const ordered = inOrder || operations.some(({ op }) => ORDERED.has(op));
    const first = ordered ? operations : operations.filter(({ op }) => op === 'mkdir');
    for (const chunk of chunks(first)) await this.applyChunk(chunk, outcome);
    if (!ordered) {
      const others = operations.filter(({ op }) => op !== 'mkdir');
      await together(chunksByObject(others).map((chunk) => this.applyChunk(chunk, outcome)));
    }
    if (outcome.full.length > 0) await this.addTwins(outcome.full);
    return outcome;
  }

  /** Before the tree changes: from here on its checkpoint lags, and what moves names stands alone. */
  private async announce(operations: readonly TreeOperation[]): Promise<void> {
    const { archive } = this;
    const checkpoint = await archive.tree();
    const moves = operations.some(({ op }) => op === 'rename');
    if (checkpoint.needsSecuring(moves)) await archive.secureTree();
    checkpoint.changing(moves);
  }

  private async applyChunk(operations: readonly TreeOperation[], outcome: TreeOutcome): Promise<void> {
    const { root, staging } = this.archive.layout;
    const result = await this.archive.pool.run({ task: 'tree', root, staging, operations });
    for (const [index, failure] of result.failures)
      outcome.failed.push({ operation: operations[index]!, failure });
    await outcome.chain.touched(result);
    for (const index of result.kept) this.options.onMessage(keptMessage(operations[index]!));
    for (const index of result.full) outcome.full.push(operations[index]!);
  }

  /** Each object whose inodes are all full gets a twin; its links wait for the twin's commit. */
  private async addTwins(links: readonly TreeOperation[]): Promise<void> {
    const objects = new Set(links.map((link) => (link as { object: string }).object));
    for (const object of objects) {
      const hash = hashOfObjectPath(object);
      const staged = `${this.archive.layout.staging}/${this.reserveStagedIds(1)}`;
      const twin = await this.archive.pool.run({ task: 'twin', object, hash, staged });
      const stat = new StatTable(twin.stat).get(0);
      const naming = { from: staged, to: twin.path, replace: false };
      this.name(naming, { hash, stat, size: Number(stat.size) });
    }
    this.batch.deferred.push(...links);
  }

  /**
   * @param again after a kill what a failing disk refuses is told: the archive has to open
   * @throws the errno of a file system that takes nothing more
   */
  private tellFailures({ failed }: TreeOutcome, again = false): void {
    for (const { operation, failure } of failed) {
      const { code } = failure;
      const path = pathOf(operation);
      const isLenient = again && !FULL_OR_FIXED.has(code);
      if (isOfDisk(code) && !isLenient) throw Object.assign(new Error(failure.message), { code, path });
      const message = `${WHAT_FAILED[operation.op]}: ${failure.message}`;
      if (!OF_A_PERSON.has(code)) this.options.onFailed?.({ path, code, message });
      if (this.options.onRefused && PUTS.has(operation.op)) this.options.onRefused({ path, code, message });
      else this.options.onMessage({ level: 'warning', code, path, text: message, ...undone(code, again) });
    }
  }

  private stored(object: { hash: Hash; device: bigint; inode: bigint; size: number }): void {
    const { hash, size, device, inode } = object;
    this.push({ type: 'object.stored', hash, size, device, inode });
    this.batch.stored.push(hash);
    this.index.addPending(hash, { device, inode });
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  private emptyBatch(): Batch {
    return {
      events: [],
      namings: [],
      stored: [],
      previous: new Map(),
      releases: [],
      deferred: [],
      inOrder: false,
      bytes: 0,
      startedMs: this.options.clock(),
      needsSync: false,
    };
  }
}

/** A person's own file that stays is as it has to be, and what an earlier command left is not this one's. */
function undone(code: string, again: boolean): { undone?: true } {
  return !again && REFUSALS.has(code) ? { undone: true } : {};
}

function pathOf(operation: TreeOperation): string {
  return 'path' in operation ? operation.path : operation.to;
}

/** Names of contents that are not here are remembered by the contents (absent-names.ts): nothing refuses them. */
function lacksContent(operation: TreeOperation): boolean {
  return operation.op === 'link' && lstatOrNull(operation.object) === null;
}

function keptMessage(operation: TreeOperation): Message {
  const path = pathOf(operation);
  const text = 'it is a link to the good object again; the bytes that were here are kept in .hkfs/damaged';
  return { level: 'warning', code: 'DAMAGED_KEPT', path, text };
}

/** Removes a staged file that turned out to be a second copy. */
export function discardStaged(staging: string, id: number): void {
  unlinkSync(`${staging}/${id}`);
}

function idOf({ device, inode }: InodeId): InodeId {
  return { device, inode };
}
