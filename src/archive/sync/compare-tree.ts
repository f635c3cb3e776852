/** The walk of a sync: the tree on disk, each directory once, against the namespace. */
import { lstatSync } from 'node:fs';
import { RawEvent } from '../../events/raw-event.js';
import type { DirectoryId, Hash } from '../../events/types.js';
import { entryKindOf } from '../../fs/attributes.js';
import { OBJECT_MODE } from '../../fs/contents.js';
import { joinPath, toFsPath } from '../../fs/names.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import { DIGEST_BYTES } from '../../fs/survey.js';
import type { EntryFailure, Listing, SurveyResult } from '../../fs/tasks.js';
import type { Entry, Namespace } from '../../projections/namespace.js';
import type { Failure } from '../api.js';
import { ObjectIndex, type Seal } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import type { DirectoryRef } from './differences.js';
import { directoryAttributes, emptyAttributes } from './entry-attributes.js';
import { Marks, type Mark, type SeenDirectory } from './marks.js';
import {
  foundEntry,
  missingEntry,
  type ChangedAttributes,
  type FoundEntry,
  type MissingEntry,
  type TouchedFile,
} from './nodes.js';

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
}

interface OnDisk {
  readonly name: string;
  readonly stat: FileStat;
  readonly target: string | undefined;
}

export class TreeComparison {
  readonly missing: MissingEntry[] = [];
  readonly found: FoundEntry[] = [];
  readonly touched: TouchedFile[] = [];
  readonly attributes: ChangedAttributes[] = [];
  readonly failed: Failure[] = [];
  /** Names at the root, of the disk and of the namespace. */
  readonly rootNames = new Set<string>();
  /** Recorded entries that are to be on the disk. */
  total = 0;
  private readonly archive: OpenArchive;
  private readonly marks: Marks;
  private readonly keepsMarks: boolean;
  private readonly namespace: Namespace;
  private readonly index: ObjectIndex;
  private readonly raw = new RawEvent();
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
    this.index = new ObjectIndex(archive.views.level);
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
    const result = this.survey(
      visits.map(({ path }) => path),
      expected,
    );
    result.catch(() => {}); // awaited in settle
    return { visits, marks, result };
  }

  private survey(paths: readonly string[], expected: Uint8Array): Promise<SurveyResult> {
    const directories = paths.map((path) => this.onDisk(path));
    return this.archive.pool.run({ task: 'survey', directories, expected });
  }

  private async settleTask({ visits, marks, result }: InFlight): Promise<void> {
    const { listings, failures, digests } = await result;
    for (const [index, visit] of visits.entries()) {
      const mark = marks[index]!;
      const failure = failures.get(index);
      const listing = listings.get(index);
      if (failure) this.unlistable(visit, failure);
      else if (listing) {
        const digest = digests.slice(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
        await this.compare(visit, listing, { digest, mark });
      } else this.unchanged(visit, mark!);
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
    seen: { digest: Uint8Array; mark: Mark | null },
  ): Promise<void> {
    const result = new DirectoryDifferences();
    const disk = this.byName(visit, listing, result);
    const baselines = new Map(seen.mark?.children.map((child) => [child.id, child]));
    for await (const entries of this.namespace.list(visit.id))
      for (const entry of entries) {
        if (visit.id === 0) this.rootNames.add(entry.name);
        const there = disk.get(entry.name);
        disk.delete(entry.name);
        this.classify(entry, there, { path: joinPath(visit.path, entry.name), result, baselines });
      }
    for (const one of disk.values()) result.found.push(one);
    await this.recognise(visit, result);
    this.total += result.entries;
    this.onEntries(result.entries);
    if (result.isOtherDirectory && visit.id !== 0) {
      this.total -= result.entries;
      return this.otherDirectory(visit);
    }
    await this.take(visit, result, seen.digest);
  }

  private byName(visit: Visit, listing: Listing, result: DirectoryDifferences): Map<string, OnDisk> {
    const table = new StatTable(listing.stats);
    const disk = new Map<string, OnDisk>();
    for (const [index, name] of listing.names.entries()) {
      if (visit.id === 0) this.rootNames.add(name);
      if (visit.id === 0 && name === '.hkfs') continue;
      const failure = listing.failures.get(index);
      if (failure?.code === 'ENOENT') result.isRacy = true;
      else if (failure) {
        result.unreadable.add(name);
        this.failed.push({ path: joinPath(visit.path, name), ...failure });
      } else disk.set(name, { name, stat: table.get(index), target: listing.targets.get(index) });
    }
    return disk;
  }

  private classify(
    entry: Entry,
    there: OnDisk | undefined,
    at: { path: string; result: DirectoryDifferences; baselines: ReadonlyMap<DirectoryId, SeenDirectory> },
  ): void {
    const { result, path, baselines } = at;
    if (isSpecial(entry)) {
      if (there !== undefined && entryKindOf(there.stat.mode) !== entry.kind) result.replaced(entry, there);
      return;
    }
    result.entries += 1;
    if (result.unreadable.has(entry.name)) return;
    if (there === undefined) {
      result.missing.push(entry);
      return;
    }
    const kind = entryKindOf(there.stat.mode);
    if (kind !== entry.kind) result.replaced(entry, there);
    else if (kind === 'directory') this.directory(entry, there, { path, result, baselines });
    else if (kind === 'symlink') {
      const { event } = entry;
      if (event.type !== 'symlink.added' || event.target !== there.target) result.replaced(entry, there);
    } else this.file(entry, there, result);
  }

  private directory(
    entry: Entry,
    there: OnDisk,
    at: { path: string; result: DirectoryDifferences; baselines: ReadonlyMap<DirectoryId, SeenDirectory> },
  ): void {
    const { result, path, baselines } = at;
    const { stat, name } = there;
    if (stat.dev !== this.device) {
      this.failed.push({ path, code: 'OTHER_DEVICE', message: 'another file system is mounted here' });
      result.isRacy = true;
      return;
    }
    const id = entry.directoryId!;
    const before = baselines.get(id);
    if (before !== undefined && before.inode !== BigInt.asUintN(64, stat.ino)) {
      result.replaced(entry, there);
      return;
    }
    const attributes = directoryAttributes(entry.event.attributes, stat, before);
    if (attributes) result.attributes.push({ path, entry, attributes });
    const own = { mode: modeOf(stat), uid: Number(stat.uid), gid: Number(stat.gid) };
    result.children.push({ id, name, inode: stat.ino, ...own });
  }

  private file(entry: Entry, there: OnDisk, result: DirectoryDifferences): void {
    const hash = this.hashOf(entry);
    if (hash !== null) result.files.push({ entry, there, hash });
    else if (there.stat.size > 0n) result.replaced(entry, there);
    else {
      const attributes = emptyAttributes(entry.event.attributes, there.stat);
      if (attributes) result.attributes.push({ path: '', entry, attributes });
    }
  }

  /** Which objects the files are: one look-up for all of a directory. */
  private async recognise(visit: Visit, result: DirectoryDifferences): Promise<void> {
    const stats = result.files.map(({ there }) => there.stat);
    const known = await this.objectsOf(stats);
    for (const [index, { entry, there, hash }] of result.files.entries()) {
      const object = known[index]!;
      if (object.hash !== hash) result.replaced(entry, there);
      else {
        result.linked += 1;
        if (isAsSealed(there.stat, object.seal)) continue;
        const path = joinPath(visit.path, entry.name);
        result.touched.push({ path, entry, hash, stat: there.stat, seal: object.seal });
      }
    }
  }

  private async objectsOf(
    stats: readonly FileStat[],
  ): Promise<{ hash: Hash | null; seal: Seal | undefined }[]> {
    const inodes = stats.map(({ dev, ino }) => ({ device: dev, inode: ino }));
    const seals = inodes.length === 0 ? [] : await this.index.seals(inodes);
    const known: { hash: Hash | null; seal: Seal | undefined }[] = [];
    for (const [index, inode] of inodes.entries()) {
      const seal = seals[index];
      // A seal that no longer fits may be of an inode that was an object once.
      const hash = isAsSealed(stats[index]!, seal)
        ? seal!.hash
        : await this.archive.contents().hashOfInode(inode);
      known.push({ hash, seal: seal?.hash === hash ? seal : undefined });
    }
    return known;
  }

  private async take(visit: Visit, result: DirectoryDifferences, digest: Uint8Array): Promise<void> {
    for (const entry of result.missing) await this.addMissing(entry, joinPath(visit.path, entry.name));
    await this.addFound(visit.id, visit.path, result.found);
    for (const file of result.touched) this.touched.push(file);
    for (const change of result.attributes)
      this.attributes.push({ ...change, path: joinPath(visit.path, change.entry.name) });
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
    const stat = lstatSync(toFsPath(this.onDisk(visit.path)), { bigint: true });
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
    const known = await this.objectsOf(found.map(({ stat }) => stat));
    for (const [index, { name, stat, target }] of found.entries()) {
      const full = joinPath(path, name);
      if (stat.dev !== this.device) {
        this.failed.push({
          path: full,
          code: 'OTHER_DEVICE',
          message: 'another file system is mounted here',
        });
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

  /** A file's hash from its stored bytes: decoding each entry would take most of the time. */
  private hashOf(entry: Entry): Hash | null {
    if (entry.bytes !== undefined && this.raw.read(entry.bytes) === 'file.ingested')
      return this.raw.hash === null ? null : this.raw.hash.toString('hex');
    return entry.event.type === 'file.ingested' ? entry.event.hash : null;
  }

  private onDisk(path: string): string {
    return joinPath(this.archive.layout.root, path);
  }
}

export interface ComparisonOptions {
  /** A dry run leaves them as they are. */
  readonly keepsMarks: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onEntries: (entries: number) => void;
}

class DirectoryDifferences {
  readonly missing: Entry[] = [];
  readonly found: OnDisk[] = [];
  readonly files: { entry: Entry; there: OnDisk; hash: Hash }[] = [];
  readonly touched: TouchedFile[] = [];
  readonly attributes: ChangedAttributes[] = [];
  readonly children: SeenDirectory[] = [];
  readonly unreadable = new Set<string>();
  entries = 0;
  linked = 0;
  /** Something could not be looked at: the listing proves nothing for the next time. */
  isRacy = false;

  replaced(entry: Entry, there: OnDisk): void {
    this.missing.push(entry);
    this.found.push(there);
  }

  get isClean(): boolean {
    return this.isOnlyTouched && this.touched.length === 0;
  }

  /** Reading the files does not change the listing; making them read-only again does. */
  get isOnlyTouched(): boolean {
    const { missing, found, touched, attributes, unreadable } = this;
    const open = missing.length + found.length + attributes.length + unreadable.size;
    return open === 0 && !this.isRacy && touched.every(({ stat }) => modeOf(stat) === OBJECT_MODE);
  }

  /** Something is gone, something else is there, and nothing is what it was. */
  get isOtherDirectory(): boolean {
    const { linked, missing, found, unreadable } = this;
    const kept = linked + this.children.length + unreadable.size;
    return kept === 0 && missing.length > 0 && found.length > 0;
  }
}

/** Its bytes need not be looked at. */
export function isAsSealed(stat: FileStat, seal: Seal | undefined): boolean {
  return (
    seal?.ctimeNs === stat.ctimeNs &&
    seal.mtimeNs === stat.mtimeNs &&
    seal.size === stat.size &&
    modeOf(stat) === OBJECT_MODE
  );
}

function modeOf(stat: FileStat): number {
  return Number(stat.mode) & 0o7777;
}

function isSpecial({ kind }: Entry): boolean {
  return kind !== 'file' && kind !== 'directory' && kind !== 'symlink';
}
