/** The walk of a sync: the tree on disk, each directory once, against the namespace. */
import { lstatSync } from 'node:fs';
import type { DirectoryId } from '../../events/types.js';
import { inSource } from '../../fs/contents.js';
import { treePath } from '../../fs/confined-path.js';
import { joinPath, toFsPath } from '../../fs/names.js';
import { StatTable } from '../../fs/stats.js';
import { nowInNs } from '../../fs/settled.js';
import { DIGEST_BYTES } from '../../fs/survey.js';
import type { EntryFailure, Listing, SurveyResult } from '../../fs/tasks.js';
import type { Entry, Namespace } from '../../projections/namespace.js';
import type { Failure } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import type { DirectoryRef } from './differences.js';
import { DirectoryDifferences, isSpecial, otherDevice, type OnDisk } from './directory-differences.js';
import { Marks, type Mark } from './marks.js';
import {
  foundEntry,
  missingEntry,
  type ChangedAttributes,
  type FoundEntry,
  type MissingEntry,
  type TouchedFile,
} from './nodes.js';
import { ObjectLookup } from './object-lookup.js';

/** Directories of one task … */
const TASK_DIRECTORIES = 64;
/** … whose entries, as far as they are known, are no more than this. */
const TASK_ENTRIES = 4096;

interface Visit {
  readonly id: DirectoryId;
  readonly path: string;
  readonly parent: DirectoryId;
  readonly name: string;
}

/** A directory that no event names, or that is compared as if it were: what is in it was found. */
interface NewVisit {
  readonly ref: DirectoryRef;
  readonly path: string;
}

interface InFlight {
  readonly visits: readonly Visit[];
  readonly marks: readonly (Mark | null)[];
  readonly result: Promise<SurveyResult>;
  /** Milliseconds since 1970, before anything of it was listed. */
  readonly listedNs: bigint;
}

export class TreeComparison {
  readonly missing: MissingEntry[] = [];
  readonly found: FoundEntry[] = [];
  readonly touched: TouchedFile[] = [];
  readonly attributes: ChangedAttributes[] = [];
  readonly failed: Failure[] = [];
  /** Recorded entries that are to be on the disk. */
  total = 0;
  private readonly archive: OpenArchive;
  private readonly marks: Marks;
  private readonly keepsMarks: boolean;
  private readonly namespace: Namespace;
  private readonly objects: ObjectLookup;
  private readonly device: bigint;
  private readonly stack: Visit[] = [];
  private readonly unmarked: DirectoryId[] = [];
  private readonly pending: { id: DirectoryId; mark: Mark; touched: readonly TouchedFile[] }[] = [];
  private nextRef: DirectoryRef = -1;
  private readonly signal: AbortSignal | undefined;
  private readonly onEntries: (entries: number) => void;

  private constructor(archive: OpenArchive, marks: Marks, options: ComparisonOptions) {
    this.archive = archive;
    this.marks = marks;
    this.keepsMarks = options.keepsMarks;
    this.signal = options.signal;
    this.onEntries = options.onEntries;
    this.namespace = archive.namespace();
    this.objects = new ObjectLookup(archive);
    this.device = lstatSync(toFsPath(archive.layout.root), { bigint: true }).dev;
  }

  static async run(archive: OpenArchive, options: ComparisonOptions): Promise<TreeComparison> {
    const comparison = new TreeComparison(archive, await Marks.open(archive), options);
    await comparison.walk();
    return comparison;
  }

  private async walk(): Promise<void> {
    this.stack.push({ id: 0, path: '', parent: 0, name: '' });
    const inFlight: InFlight[] = [];
    while ((this.stack.length > 0 || inFlight.length > 0) && !this.signal?.aborted) {
      while (this.stack.length > 0 && inFlight.length < this.archive.pool.size * 2)
        inFlight.push(await this.submit());
      await this.settleTask(inFlight.shift()!);
    }
    if (this.keepsMarks && !this.signal?.aborted) await this.marks.close(this.namespace.at, this.unmarked);
  }

  private async submit(): Promise<InFlight> {
    const candidates = this.stack.slice(-TASK_DIRECTORIES).reverse();
    const known = await this.marks.read(candidates.map(({ id }) => id));
    let entries = 0;
    let count = 0;
    while (count < candidates.length && (count === 0 || entries < TASK_ENTRIES))
      entries += known[count++]?.entries ?? 256;
    this.stack.length -= count;
    const visits = candidates.slice(0, count);
    const marks = known.slice(0, count);
    const expected = new Uint8Array(count * DIGEST_BYTES);
    for (const [index, mark] of marks.entries()) if (mark) expected.set(mark.digest, index * DIGEST_BYTES);
    const listedNs = nowInNs();
    const result = this.survey(
      visits.map(({ path }) => path),
      expected,
    );
    result.catch(() => {}); // awaited in settle
    return { visits, marks, result, listedNs };
  }

  private survey(paths: readonly string[], expected: Uint8Array): Promise<SurveyResult> {
    const directories = paths.map((path) => this.onDisk(path));
    return this.archive.pool.run({ task: 'survey', directories, expected });
  }

  private async settleTask({ visits, marks, result, listedNs }: InFlight): Promise<void> {
    const { listings, failures, digests } = await result;
    for (const [index, visit] of visits.entries()) {
      const mark = marks[index] ?? null;
      const failure = failures.get(index);
      const listing = listings.get(index);
      if (failure) this.unlistable(visit, failure);
      else if (listing) {
        const digest = digests.slice(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
        await this.compare(visit, listing, { digest, mark, listedNs });
      } else if (mark) this.unchanged(visit, mark);
    }
  }

  /** Its children are where they were, but what is in them may not be. */
  private unchanged(visit: Visit, { entries, children }: Mark): void {
    this.total += entries;
    this.onEntries(entries);
    for (const { id, name } of children)
      this.stack.push({ id, name, parent: visit.id, path: joinPath(visit.path, name) });
  }

  /** It was listed by its parent a moment ago: unreadable, or gone meanwhile. Nothing is concluded. */
  private unlistable({ path, id }: Visit, { code, message }: EntryFailure): void {
    this.failed.push({ path, code, message: `it cannot be listed: ${message}` });
    this.unmarked.push(id);
  }

  private async compare(
    visit: Visit,
    listing: Listing,
    seen: { digest: Uint8Array; mark: Mark | null; listedNs: bigint },
  ): Promise<void> {
    const { beganNs } = this.archive.generation;
    const { device } = this;
    const result = new DirectoryDifferences(visit, { device, beganNs, ...seen });
    result.list(listing);
    for await (const entries of this.namespace.list(visit.id))
      for (const entry of entries) result.compare(entry);
    await result.finish(this.objects);
    for (const failure of result.failed) this.failed.push(failure);
    this.total += result.entries;
    this.onEntries(result.entries);
    if (result.isOtherDirectory && visit.id !== 0) {
      this.total -= result.entries;
      return this.otherDirectory(visit);
    }
    await this.take(visit, result, seen.digest);
  }

  private async take(visit: Visit, result: DirectoryDifferences, digest: Uint8Array): Promise<void> {
    for (const entry of result.missing) await this.addMissing(entry, joinPath(visit.path, entry.name));
    await this.addFound(visit.id, visit.path, result.found);
    for (const file of result.touched) this.touched.push(file);
    for (const change of result.attributes) this.attributes.push(change);
    for (const { id, name } of result.children)
      this.stack.push({ id, name, parent: visit.id, path: joinPath(visit.path, name) });
    const mark = { digest, entries: result.entries, children: result.children };
    if (result.isClean && this.keepsMarks) await this.marks.write(visit.id, mark);
    if (result.isClean) return;
    this.unmarked.push(visit.id);
    if (result.isOnlyTouched) this.pending.push({ id: visit.id, mark, touched: result.touched });
  }

  /** Directories of which nothing was to be done but to read files and to find them right. */
  async settle(sealed: ReadonlySet<string>): Promise<void> {
    if (!this.keepsMarks) return;
    for (const { id, mark, touched } of this.pending)
      if (touched.every(({ path }) => sealed.has(path))) await this.marks.write(id, mark);
    await this.marks.flush();
  }

  /** Under the same name there is another directory, such as after a swap: compared as gone and found. */
  private async otherDirectory(visit: Visit): Promise<void> {
    const entry = await this.namespace.entryAt(visit);
    const stat = inSource(this.onDisk(visit.path), (path) => lstatSync(path, { bigint: true }));
    this.unmarked.push(visit.id);
    await this.addMissing(entry!, visit.path);
    const path = visit.path.slice(0, -visit.name.length - 1);
    await this.addFound(visit.parent, path, [{ name: visit.name, stat, target: undefined }]);
  }

  /** Specials are in the log only, so they go where their directory goes. */
  private async addMissing(entry: Entry, path: string): Promise<void> {
    this.missing.push(missingEntry(entry, path));
    if (entry.directoryId === null) return;
    for await (const below of this.namespace.walk({ path, entry })) {
      if (isSpecial(below.entry)) continue;
      this.missing.push(missingEntry(below.entry, below.path));
      this.total += 1;
    }
  }

  private async addFound(parent: DirectoryRef, path: string, found: readonly OnDisk[]): Promise<void> {
    const open: NewVisit[] = await this.addEntries(parent, path, found);
    for (
      let batch = open.splice(0, TASK_DIRECTORIES);
      batch.length > 0;
      batch = open.splice(0, TASK_DIRECTORIES)
    ) {
      const expected = new Uint8Array(batch.length * DIGEST_BYTES);
      const paths = batch.map((visit) => visit.path);
      const { listings, failures } = await this.survey(paths, expected);
      for (const [index, visit] of batch.entries()) {
        const failure = failures.get(index);
        if (failure) this.failed.push({ path: visit.path, ...failure });
        const listing = listings.get(index);
        if (listing)
          open.push(...(await this.addEntries(visit.ref, visit.path, this.entriesOf(visit.path, listing))));
      }
    }
  }

  private entriesOf(path: string, listing: Listing): OnDisk[] {
    const table = new StatTable(listing.stats);
    const entries: OnDisk[] = [];
    for (const [index, name] of listing.names.entries()) {
      const failure = listing.failures.get(index);
      if (failure) this.failed.push({ path: joinPath(path, name), ...failure });
      else entries.push({ name, stat: table.get(index), target: listing.targets.get(index) });
    }
    return entries;
  }

  /** @returns the directories among them */
  private async addEntries(
    parent: DirectoryRef,
    path: string,
    found: readonly OnDisk[],
  ): Promise<NewVisit[]> {
    const directories: NewVisit[] = [];
    const known = await this.objects.look(found.map(({ stat }) => stat));
    for (const [index, { name, stat, target }] of found.entries()) {
      const full = joinPath(path, name);
      if (stat.dev !== this.device) {
        this.failed.push(otherDevice(full));
        continue;
      }
      const ref = this.nextRef;
      const entry = foundEntry({ parent, name, path: full }, { stat, target, ref }, known[index]!);
      this.found.push(entry);
      if (entry.kind !== 'directory') continue;
      this.nextRef -= 1;
      directories.push({ ref, path: full });
    }
    return directories;
  }

  private onDisk(path: string): string {
    return treePath(this.archive.layout.root, path);
  }
}

export interface ComparisonOptions {
  /** A dry run leaves them as they are. */
  readonly keepsMarks: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onEntries: (entries: number) => void;
}
