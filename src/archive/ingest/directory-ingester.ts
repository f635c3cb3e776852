/** The walk: directories of a source become directories of the archive, their files go on to be read. */
import { RawEvent } from '../../events/raw-event.js';
import type { Attributes, DirectoryId, Place } from '../../events/types.js';
import { attributesOf, entryKindOf } from '../../fs/attributes.js';
import { joinPath } from '../../fs/names.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import type { Listing } from '../../fs/tasks.js';
import type { Entry, Namespace } from '../../projections/namespace.js';
import type { Message } from '../api.js';
import type { Committer } from '../committer.js';
import type { OpenArchive } from '../open-archive.js';
import type { OwnPlaces } from '../own-places.js';
import { classifyNonFile, isUnchangedRaw, splitDevice, type SourceEntry } from './classify.js';
import type { Counters } from './counters.js';
import type { Candidate, IsExcluded } from './exclude.js';
import type { FileIngester, FileToIngest } from './file-ingester.js';
import { LISTING_ENTRIES, ScanQueue } from './scan-queue.js';
import { withKnown } from './unread-attributes.js';

export interface WalkOptions {
  readonly mirror: boolean;
  readonly dryRun: boolean;
  readonly move: boolean;
  /** Attributes that cannot be read are no failure: what is not known of a source would go with it. */
  readonly isLenient: boolean;
  /** Unchanged files need neither be read (`--checksum`) nor be released (`--mode move`, `assimilate`). */
  readonly trustsStats: boolean;
  readonly isExcluded: IsExcluded | null;
  readonly onMessage: (message: Message) => void;
  readonly signal: AbortSignal | undefined;
}

/** A source directory and where it goes. */
export interface DirectoryToIngest {
  readonly id: DirectoryId;
  /** It did not exist before: nothing below it needs to be looked up. */
  readonly isNew: boolean;
  /** Path from the source's root, for `--exclude`. */
  readonly relativePath: string;
  readonly chain: Ancestors;
  /** As recorded; null where no entry speaks of it. */
  readonly attributes: Attributes | null;
}

type PlaceInSource = Pick<Candidate, 'below' | 'directory'>;

/** A source directory that goes after a move if it is empty and as it was recorded. */
export interface WalkedDirectory {
  readonly path: string;
  readonly attributes: Attributes | null;
}

/** The directories from the source's root down, by inode: a loop of bind mounts meets itself. */
interface Ancestors {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly above: Ancestors | null;
}

interface Parts {
  readonly archive: OpenArchive;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly files: FileIngester;
  /** The names before this operation. */
  readonly namespace: Namespace;
  readonly own: OwnPlaces;
}

export class DirectoryIngester {
  private readonly parts: Parts;
  private readonly options: WalkOptions;
  private readonly raw = new RawEvent();
  private nextDryId = Number.MAX_SAFE_INTEGER;
  /** Source directories in walk order, to be removed innermost first after a move. */
  readonly walked: WalkedDirectory[] = [];

  constructor(parts: Parts, options: WalkOptions) {
    this.parts = parts;
    this.options = options;
  }

  /** Everything below a source directory whose own entry exists by now. */
  async walk(
    path: string,
    stat: FileStat,
    directory: Omit<DirectoryToIngest, 'chain' | 'relativePath'>,
  ): Promise<void> {
    const chain = { dev: stat.dev, ino: stat.ino, above: null };
    const queue = new ScanQueue<DirectoryToIngest>(this.parts.archive.pool, {
      lenient: this.options.isLenient,
    });
    queue.push([{ path, item: { ...directory, relativePath: '', chain } }]);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (this.options.signal?.aborted) return;
      const listing = await this.listingOf(next.path, next.listing);
      if (listing === null) continue;
      if (this.options.move) this.walked.push({ path: next.path, attributes: next.item.attributes });
      queue.push(await this.directory(next.path, next.item, listing));
      await this.parts.committer.maybeCommit();
    }
  }

  /** The entry of a directory: the one that is there, or a new one. */
  addDirectory(
    source: SourceEntry,
    parent: DirectoryId,
    existing: Entry | undefined,
  ): { id: DirectoryId; isNew: boolean } {
    const { counters, committer } = this.parts;
    counters.directories += 1;
    const action = classifyNonFile(source, existing);
    if (this.options.dryRun) {
      const id = action.do === 'add' ? this.nextDryId-- : existing!.directoryId!;
      return { id, isNew: action.do === 'add' };
    }
    const place = { parent, name: source.name };
    if (action.do === 'attributes') this.changeAttributes(source, parent);
    if (action.do !== 'add') return { id: existing!.directoryId!, isNew: false };
    if (action.replaces) committer.push({ type: 'path.removed', ...place });
    return {
      id: committer.push({ type: 'directory.added', ...place, attributes: source.attributes }),
      isNew: true,
    };
  }

  /** Symlinks, fifos, sockets and devices. */
  addNonFile(source: SourceEntry, parent: DirectoryId, existing: Entry | undefined): void {
    const { counters, committer } = this.parts;
    if (source.kind === 'symlink') counters.symlinks += 1;
    else counters.specials += 1;
    const action = classifyNonFile(source, existing);
    if (action.do === 'add' && action.replaces?.kind === 'directory') counters.removed += 1;
    if (this.options.dryRun) return;
    const place = { parent, name: source.name };
    if (action.do === 'attributes') this.changeAttributes(source, parent);
    if (action.do === 'add') {
      const isDirectory = action.replaces?.kind === 'directory';
      if (isDirectory) committer.push({ type: 'path.removed', ...place });
      const previous = isDirectory ? null : action.replaces;
      const { attributes } = source;
      if (source.kind === 'symlink')
        committer.push(
          { type: 'symlink.added', ...place, target: source.target ?? '', attributes },
          previous,
        );
      else if (source.kind !== 'file' && source.kind !== 'directory')
        committer.push(
          { type: 'special.added', ...place, kind: source.kind, ...splitDevice(source), attributes },
          previous,
        );
    }
    if (this.options.move) this.releaseNonFile(source, place);
  }

  /** Takes in one directory's listing. @returns its directories, to be walked next */
  private async directory(
    path: string,
    directory: DirectoryToIngest,
    listing: Listing,
  ): Promise<{ path: string; item: DirectoryToIngest }[]> {
    const existing = await this.existingEntries(directory);
    const children: { path: string; item: DirectoryToIngest }[] = [];
    const seen = new Set<string>();
    const place = { below: directory.relativePath, directory: path };
    for (let from = 0; from < listing.names.length || from === 0; from += LISTING_ENTRIES) {
      const part =
        from === 0 ? listing : await this.more(path, listing.names.slice(from, from + LISTING_ENTRIES));
      const names = from === 0 ? listing.names.slice(0, LISTING_ENTRIES) : part.names;
      const files: FileToIngest[] = [];
      for (const [index, name] of names.entries()) {
        if (this.options.mirror) seen.add(name);
        if (this.isUntouched(existing.get(name), { part, index, place })) continue;
        const source = this.sourceEntry(path, directory, { part, index, name, existing: existing.get(name) });
        if (source === null) continue;
        if (source.kind === 'file')
          files.push({ source, parent: directory.id, existing: existing.get(name), attempts: 0 });
        else if (source.kind !== 'directory') this.addNonFile(source, directory.id, existing.get(name));
        else children.push(...this.child(source, directory, existing.get(name)));
      }
      await this.parts.files.add(files);
    }
    if (this.options.mirror) this.removeVanished(directory, existing, { seen, place });
    return children;
  }

  /** An earlier check found the object wrong: its file is read again, which heals it. */
  private isSuspect(hash: Buffer | null): boolean {
    const { suspects } = this.parts.committer.index;
    return hash !== null && suspects.size > 0 && suspects.has(hash.toString('hex'));
  }

  /** The short way of most files of most runs: same inode, size and times, nothing to be done. */
  private isUntouched(
    entry: Entry | undefined,
    at: { part: Listing; index: number; place: PlaceInSource },
  ): boolean {
    if (entry?.bytes === undefined || !this.options.trustsStats) return false;
    const stat = new StatTable(at.part.stats).get(at.index);
    if (stat.size === 0n) return false; // what some file systems say of files that have bytes
    if (this.raw.read(entry.bytes) !== 'file.ingested' || !isUnchangedRaw(this.raw, stat)) return false;
    const { name } = entry;
    if (this.options.isExcluded?.({ name, isDirectory: false, ...at.place }) || this.isSuspect(this.raw.hash))
      return false;
    this.parts.counters.file(this.raw.size);
    this.parts.counters.unchangedFiles += 1;
    return true;
  }

  private child(
    source: SourceEntry,
    directory: DirectoryToIngest,
    existing: Entry | undefined,
  ): { path: string; item: DirectoryToIngest }[] {
    const { dev, ino } = source.stat;
    const own = this.parts.own.describe({ dev, ino });
    if (own !== null) {
      this.note('ARCHIVE_SKIPPED', source.path, `${own}: skipped`);
      return [];
    }
    for (let at: Ancestors | null = directory.chain; at !== null; at = at.above)
      if (at.dev === dev && at.ino === ino) {
        this.note('LOOP_SKIPPED', source.path, 'a directory that contains itself (a bind mount?): skipped');
        return [];
      }
    const { id, isNew } = this.addDirectory(source, directory.id, existing);
    const relativePath = joinPath(directory.relativePath, source.name);
    const chain = { dev, ino, above: directory.chain };
    const { attributes } = source;
    return [{ path: source.path, item: { id, isNew, relativePath, chain, attributes } }];
  }

  /** Null for what is excluded, reserved or could not be read. */
  private sourceEntry(
    path: string,
    directory: DirectoryToIngest,
    at: { part: Listing; index: number; name: string; existing: Entry | undefined },
  ): SourceEntry | null {
    const { part, index, name, existing } = at;
    const { posix } = this.parts.archive;
    const full = joinPath(path, name);
    const failure = part.failures.get(index);
    const stat = new StatTable(part.stats).get(index);
    const isDirectory = !failure && entryKindOf(stat.mode) === 'directory';
    const place = { below: directory.relativePath, directory: path };
    if (this.options.isExcluded?.({ name, isDirectory, ...place })) return null;
    if (failure) {
      this.parts.counters.fail(full, failure.code, failure.message);
      return null;
    }
    if (directory.id === 0 && name === '.hkfs') {
      this.parts.counters.fail(full, 'RESERVED_NAME', 'the name .hkfs at the root is reserved');
      return null;
    }
    const unread = part.unread?.get(index);
    if (unread) this.parts.counters.unread(full, unread);
    const xattrs = unread ? existing?.event.attributes.xattrs : part.xattrs.get(index);
    const attributes = attributesOf(stat, full, posix, { xattrs: xattrs ?? false });
    return {
      name,
      path: full,
      kind: entryKindOf(stat.mode),
      stat,
      attributes: withKnown(attributes, existing, posix),
      target: part.targets.get(index),
    };
  }

  private async existingEntries(directory: DirectoryToIngest): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    if (directory.isNew) return entries;
    for await (const batch of this.parts.namespace.list(directory.id))
      for (const entry of batch) entries.set(entry.name, entry);
    return entries;
  }

  private async listingOf(path: string, listing: Promise<Listing>): Promise<Listing | null> {
    try {
      return await listing;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === undefined) throw error;
      this.parts.counters.fail(path, code, message);
      return null;
    }
  }

  private more(directory: string, names: readonly string[]): Promise<Listing> {
    return this.parts.archive.pool.run({ task: 'lstat', directory, names, lenient: this.options.isLenient });
  }

  /** `--mirror`: what the source no longer has goes; what was excluded was not looked at and stays. */
  private removeVanished(
    directory: DirectoryToIngest,
    existing: Map<string, Entry>,
    { seen, place }: { seen: Set<string>; place: PlaceInSource },
  ): void {
    for (const [name, { directoryId }] of existing) {
      if (seen.has(name)) continue;
      if (this.options.isExcluded?.({ name, isDirectory: directoryId !== null, ...place })) continue;
      this.parts.counters.removed += 1;
      if (!this.options.dryRun)
        this.parts.committer.push({ type: 'path.removed', parent: directory.id, name });
    }
  }

  private changeAttributes(source: SourceEntry, parent: DirectoryId): void {
    const { name, attributes } = source;
    this.parts.committer.push({ type: 'attributes.changed', parent, name, attributes, source: null });
  }

  private releaseNonFile(source: SourceEntry, place: Place): void {
    const expected = new StatTable(1);
    expected.set(0, source.stat);
    const { path } = source;
    this.parts.committer.release(
      { path, object: null, relink: false, expected: expected.values, adopted: false },
      place,
    );
  }

  private note(code: string, path: string, text: string): void {
    this.options.onMessage({ level: 'note', code, path, text });
  }
}
