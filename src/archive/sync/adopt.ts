/** A plan carried out: events in order, new contents through the machinery of an ingest. */
import { attributesOf, entryKindOf } from '../../fs/attributes.js';
import type { Attributes, DirectoryId, Place } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { inSource } from '../../fs/contents.js';
import { treePath } from '../../fs/confined-path.js';
import { objectPath } from '../../fs/stage.js';
import { StatTable } from '../../fs/stats.js';
import type { TreeOperation } from '../../fs/tasks.js';
import type { LevelPut } from '../../events/level.js';
import type { Message } from '../api.js';
import type { Committer } from '../committer.js';
import { splitDevice, type SourceEntry } from '../ingest/classify.js';
import { Counters } from '../ingest/counters.js';
import { FileIngester } from '../ingest/file-ingester.js';
import { tellUnread, withKnown } from '../ingest/unread-attributes.js';
import type { OpenArchive } from '../open-archive.js';
import { sealAgain } from './check-contents.js';
import type { PlaceRef, Step } from './differences.js';
import type { FoundEntry, MissingEntry } from './nodes.js';
import type { Changes } from './prepare.js';

/** Names of one directory looked at together. */
const NAMES_AT_ONCE = 1024;

export interface AdoptWork {
  readonly changes: Changes;
  readonly signal: AbortSignal | undefined;
  readonly onMessage: (message: Message) => void;
}

type Addition = Extract<Step<MissingEntry, FoundEntry>, { do: 'add' }>;

/** What fails on the way is added to the failures of the changes. */
export async function adopt(archive: OpenArchive, committer: Committer, work: AdoptWork): Promise<void> {
  const adoption = new Adoption(archive, committer, work);
  if (work.changes.plan.steps.some((step) => step.do === 'add' || step.do === 'directory'))
    tellUnread(archive.posix, work.onMessage);
  failpoint('sync.start');
  for (const { hash, finding } of work.changes.damagedNews)
    committer.push({ type: 'object.damaged', hash, finding });
  await adoption.moves();
  failpoint('sync.moved');
  await adoption.additions();
  failpoint('sync.added');
  await adoption.attributes();
  await adoption.relink();
  failpoint('sync.relinked');
  await adoption.seal();
  failpoint('sync.sealed');
}

class Adoption {
  private readonly archive: OpenArchive;
  private readonly committer: Committer;
  private readonly work: AdoptWork;
  private readonly counters: Counters;
  /** New contents become objects where they are; a file with names outside of the tree is copied. */
  private readonly linked: FileIngester;
  private readonly copied: FileIngester;
  private readonly born = new Map<number, DirectoryId>();

  constructor(archive: OpenArchive, committer: Committer, work: AdoptWork) {
    this.archive = archive;
    this.committer = committer;
    this.work = work;
    this.counters = new Counters(work.onMessage);
    const parts = { archive, committer, counters: this.counters };
    const options = { checksum: false, dryRun: false, signal: work.signal, namesSources: true };
    this.linked = new FileIngester(parts, { ...options, mode: 'link' });
    this.copied = new FileIngester(parts, { ...options, mode: 'copy' });
  }

  /** Everything but new files and links, which need the directories that come here. */
  async moves(): Promise<void> {
    for (const step of this.work.changes.plan.steps) {
      if (step.do === 'rename')
        this.committer.push({ type: 'path.renamed', from: this.place(step.from), to: this.place(step.to) });
      else if (step.do === 'remove') this.committer.push({ type: 'path.removed', ...this.place(step.place) });
      else if (step.do === 'directory') this.addDirectory(step.found);
      await this.committer.maybeCommit();
    }
  }

  async additions(): Promise<void> {
    const steps = this.work.changes.plan.steps.filter((step) => step.do === 'add');
    const known = steps.filter(({ found }) => found.kind === 'file' && found.hash !== null);
    for (const step of known) await this.addKnown(step);
    const others = steps.filter(({ found }) => found.kind !== 'file' || found.hash === null);
    for (const batch of byDirectory(others)) {
      if (this.work.signal?.aborted) return;
      await this.addBatch(batch);
      await this.committer.maybeCommit();
    }
    await this.linked.drain();
    await this.copied.drain();
    await this.committer.flush();
    this.takeFailures(steps);
  }

  /** What could not be read was not adopted: the next sync finds it again. */
  private takeFailures(steps: readonly Addition[]): void {
    const { changes } = this.work;
    const byPath = new Map(steps.map((step) => [step.found.path, step]));
    for (const failure of this.counters.failed) {
      const path = failure.path.slice(this.archive.layout.root.length + 1);
      changes.failed.push({ ...failure, path });
      const step = byPath.get(path);
      if (step?.replaces) changes.changed -= 1;
      else if (step) changes.added -= 1;
    }
  }

  async attributes(): Promise<void> {
    for (const { place, attributes } of this.work.changes.attributes) {
      this.committer.push({ type: 'attributes.changed', ...this.place(place), attributes, source: null });
      await this.committer.maybeCommit();
    }
    await this.committer.flush();
  }

  /**
   * The names become links to their objects again. A file whose bytes are not the object's by now is left
   * alone, unless the log told them damaged.
   */
  async relink(): Promise<void> {
    const { layout } = this.archive;
    const operations: TreeOperation[] = this.work.changes.relinks.map(({ found, hash }) => ({
      op: 'relink',
      path: this.onDisk(found.path),
      object: objectPath(layout.objects, Buffer.from(hash, 'hex')),
      inodes: [{ device: found.stat.dev, inode: found.stat.ino }],
      mayMake: false,
      aside: found.relink?.isDamaged ? layout.damaged : null,
    }));
    if (operations.length > 0) await this.committer.applyAgain(operations);
    await this.committer.flush();
  }

  /** After the commit, as everything that follows from this disk and not from history. */
  async seal(): Promise<void> {
    await reseal(this.archive, this.work.changes);
  }

  private addDirectory(found: FoundEntry): void {
    const place = this.place(found);
    const attributes = this.attributesOf(found);
    this.born.set(found.ref!, this.committer.push({ type: 'directory.added', ...place, attributes }, null));
  }

  /** A further name of an object: it gets the attributes that another name of it has. */
  private async addKnown({ found, replaces }: Addition): Promise<void> {
    const attributes = (await this.attributesOfContent(found.hash!)) ?? this.attributesOf(found);
    const size = Number(found.stat.size);
    this.committer.push(
      { type: 'file.ingested', ...this.place(found), hash: found.hash, size, attributes, source: null },
      replaces?.entry ?? null,
    );
    await this.committer.maybeCommit();
  }

  private async attributesOfContent(hash: string): Promise<Attributes | null> {
    const namespace = this.archive.namespace();
    for await (const place of this.archive.contents().postings(hash)) {
      const entry = await namespace.entryAt(place);
      if (entry?.event.type !== 'file.ingested' || entry.event.hash !== hash) continue;
      const { linkGroup: _none, ...attributes } = entry.event.attributes;
      return attributes;
    }
    return null;
  }

  private async addBatch(batch: readonly Addition[]): Promise<void> {
    const { path, name } = batch[0]!.found;
    const directory = this.onDisk(path.slice(0, -name.length));
    const names = batch.map(({ found }) => found.name);
    const listing = await this.archive.pool.run({ task: 'lstat', directory, names });
    const table = new StatTable(listing.stats);
    for (const [index, { found, replaces }] of batch.entries()) {
      const failure = listing.failures.get(index);
      const stat = table.get(index);
      if (failure) this.counters.fail(this.onDisk(found.path), failure.code, failure.message);
      else if (entryKindOf(stat.mode) !== found.kind)
        this.counters.fail(this.onDisk(found.path), 'UNSTABLE', 'it became something else meanwhile');
      else {
        const full = this.onDisk(found.path);
        const xattrs = listing.xattrs.get(index) ?? false;
        const { posix } = this.archive;
        const attributes = withKnown(attributesOf(stat, full, posix, { xattrs }), replaces?.entry, posix);
        const target = listing.targets.get(index);
        const source = { name: found.name, path: full, kind: found.kind, stat, attributes, target };
        await this.addOne(source, this.place(found).parent, replaces);
      }
    }
  }

  private async addOne(
    source: SourceEntry,
    parent: DirectoryId,
    replaces: MissingEntry | null,
  ): Promise<void> {
    const { kind, name, attributes } = source;
    const previous = replaces?.entry ?? null;
    if (kind === 'file') {
      const ingester = source.stat.nlink > 1n ? this.copied : this.linked;
      await ingester.add([{ source, parent, existing: previous ?? undefined, attempts: 0 }]);
    } else if (kind === 'symlink')
      this.committer.push(
        { type: 'symlink.added', parent, name, target: source.target ?? '', attributes },
        previous,
      );
    else if (kind !== 'directory')
      this.committer.push(
        { type: 'special.added', parent, name, kind, ...splitDevice(source), attributes },
        previous,
      );
  }

  private attributesOf({ path, stat }: FoundEntry): Attributes {
    return inSource(this.onDisk(path), (file) => attributesOf(stat, file, this.archive.posix));
  }

  private place({ parent, name }: PlaceRef): Place {
    return { parent: this.work.changes.plan.ids.get(parent) ?? this.born.get(parent) ?? parent, name };
  }

  private onDisk(path: string): string {
    return treePath(this.archive.layout.root, path);
  }
}

/** Objects' inodes are made read-only again, and what they are like now is remembered. */
export async function reseal(archive: OpenArchive, changes: Changes): Promise<void> {
  const rows: LevelPut[] = [];
  for (const suspect of changes.seals) {
    const outcome = sealAgain(archive.layout.root, suspect);
    if (outcome === null) continue;
    if ('key' in outcome) rows.push(outcome);
    else changes.failed.push(outcome);
  }
  if (rows.length > 0) await archive.views.level.batch(rows);
}

/** Neighbours in one directory together. */
function byDirectory(steps: readonly Addition[]): Addition[][] {
  const batches: Addition[][] = [];
  for (const step of steps) {
    const last = batches.at(-1);
    if (last && last.length < NAMES_AT_ONCE && last[0]!.found.parent === step.found.parent) last.push(step);
    else batches.push([step]);
  }
  return batches;
}
