/** One directory of the tree against its recorded entries. */
import { RawEvent } from '../../events/raw-event.js';
import type { DirectoryId, Hash } from '../../events/types.js';
import { entryKindOf } from '../../fs/attributes.js';
import { OBJECT_MODE } from '../../fs/contents.js';
import { joinPath } from '../../fs/names.js';
import { isSettled } from '../../fs/settled.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import type { Listing } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import type { Failure } from '../api.js';
import { directoryAttributes, emptyAttributes } from './entry-attributes.js';
import type { Mark, SeenDirectory } from './marks.js';
import type { ChangedAttributes, TouchedFile } from './nodes.js';
import type { Seal } from '../object-index.js';
import { modeOf, type ObjectLookup } from './object-lookup.js';

export interface OnDisk {
  readonly name: string;
  readonly stat: FileStat;
  readonly target: string | undefined;
}

export class DirectoryDifferences {
  /** Recorded, and not there. What is there as something else is in `found` as well. */
  readonly missing: Entry[] = [];
  readonly found: OnDisk[] = [];
  readonly touched: TouchedFile[] = [];
  readonly attributes: ChangedAttributes[] = [];
  /** Directories that are where they are recorded. */
  readonly children: SeenDirectory[] = [];
  readonly failed: Failure[] = [];
  /** Recorded entries that are to be on the disk. */
  entries = 0;
  private readonly directory: { readonly id: DirectoryId; readonly path: string };
  private readonly device: bigint;
  private readonly beganNs: bigint | null;
  private readonly baselines: ReadonlyMap<DirectoryId, SeenDirectory>;
  private readonly disk = new Map<string, OnDisk>();
  private readonly files: { entry: Entry; there: OnDisk; hash: Hash }[] = [];
  private readonly unreadable = new Set<string>();
  private readonly raw = new RawEvent();
  private linked = 0;
  /** Something could not be looked at: the listing proves nothing for the next time. */
  private isRacy = false;
  private readonly listedNs: bigint;

  constructor(
    directory: { readonly id: DirectoryId; readonly path: string },
    known: { device: bigint; mark: Mark | null; beganNs: bigint | null; listedNs: bigint },
  ) {
    this.directory = directory;
    this.device = known.device;
    this.beganNs = known.beganNs;
    this.listedNs = known.listedNs;
    this.baselines = new Map(known.mark?.children.map((child) => [child.id, child]));
  }

  list(listing: Listing): void {
    const table = new StatTable(listing.stats);
    for (const [index, name] of listing.names.entries()) {
      if (this.directory.id === 0 && name === '.hkfs') continue;
      const failure = listing.failures.get(index);
      if (failure?.code === 'ENOENT') this.isRacy = true;
      else if (failure) {
        this.unreadable.add(name);
        this.failed.push({ path: this.pathOf(name), ...failure });
      } else {
        const stat = table.get(index);
        // A change within the same tick of the clock would leave the listing as it is.
        if (!this.isRacy && entryKindOf(stat.mode) === 'file' && !isSettled(stat, this.listedNs))
          this.isRacy = true;
        this.disk.set(name, { name, stat, target: listing.targets.get(index) });
      }
    }
  }

  compare(entry: Entry): void {
    const there = this.disk.get(entry.name);
    this.disk.delete(entry.name);
    const kind = there && entryKindOf(there.stat.mode);
    if (isSpecial(entry)) {
      if (there !== undefined && kind !== entry.kind) this.replaced(entry, there);
      return;
    }
    this.entries += 1;
    if (this.unreadable.has(entry.name)) return;
    if (there === undefined) this.missing.push(entry);
    else if (kind !== entry.kind) this.replaced(entry, there);
    else if (kind === 'directory') this.compareDirectory(entry, there);
    else if (kind === 'file') this.compareFile(entry, there);
    else if (entry.event.type !== 'symlink.added' || entry.event.target !== there.target)
      this.replaced(entry, there);
  }

  /** Which objects the files are, and what nobody asked for. */
  async finish(objects: ObjectLookup): Promise<void> {
    for (const one of this.disk.values()) this.found.push(one);
    const known = await objects.look(
      this.files.map(({ there }) => there.stat),
      this.files.map(({ hash }) => hash),
    );
    for (const [index, { entry, there, hash }] of this.files.entries()) {
      const { hash: sealed, candidate, seal } = known[index]!;
      const isObject = candidate?.is === 'object' && candidate.hash === hash;
      if (sealed !== hash && !isObject) this.replaced(entry, there);
      else {
        this.linked += 1;
        const { stat } = there;
        if (sealed === null && !this.isAsItCame(entry, there, seal))
          this.touched.push({ path: this.pathOf(entry.name), entry, hash, stat, seal });
      }
    }
  }

  /**
   * In a copy of an archive no file is sealed. One that is its object's inode, has the size and the times
   * that are recorded, and was not touched since the copy was first opened, is as recorded as far as
   * anybody knows without reading it: nothing is told, and nothing is sealed.
   */
  private isAsItCame({ event }: Entry, { stat }: OnDisk, seal: Seal | undefined): boolean {
    return (
      seal === undefined &&
      this.beganNs !== null &&
      stat.ctimeNs < this.beganNs &&
      event.type === 'file.ingested' &&
      modeOf(stat) === OBJECT_MODE &&
      stat.size === BigInt(event.size) &&
      isSameTime(stat.mtimeNs, event.attributes.mtimeNs)
    );
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
    const kept = this.linked + this.children.length + this.unreadable.size;
    return kept === 0 && this.missing.length > 0 && this.found.length > 0;
  }

  private compareDirectory(entry: Entry, { stat, name }: OnDisk): void {
    const path = this.pathOf(name);
    if (stat.dev !== this.device) {
      this.failed.push(otherDevice(path));
      this.isRacy = true;
      return;
    }
    const id = entry.directoryId!;
    const before = this.baselines.get(id);
    if (before !== undefined && before.inode !== BigInt.asUintN(64, stat.ino))
      return this.replaced(entry, { stat, name, target: undefined });
    const attributes = directoryAttributes(entry.event.attributes, stat, before);
    if (attributes) this.attributes.push({ path, entry, attributes });
    const own = { mode: modeOf(stat), uid: Number(stat.uid), gid: Number(stat.gid) };
    this.children.push({ id, name, inode: stat.ino, ...own });
  }

  private compareFile(entry: Entry, there: OnDisk): void {
    const hash = this.hashOf(entry);
    if (hash !== null) this.files.push({ entry, there, hash });
    else if (there.stat.size > 0n) this.replaced(entry, there);
    else {
      const attributes = emptyAttributes(entry.event.attributes, there.stat);
      if (attributes) this.attributes.push({ path: this.pathOf(entry.name), entry, attributes });
    }
  }

  private replaced(entry: Entry, there: OnDisk): void {
    this.missing.push(entry);
    this.found.push(there);
  }

  /** A file's hash from its stored bytes: decoding each entry would take most of the time. */
  private hashOf(entry: Entry): Hash | null {
    if (entry.bytes !== undefined && this.raw.read(entry.bytes) === 'file.ingested')
      return this.raw.hash === null ? null : this.raw.hash.toString('hex');
    return entry.event.type === 'file.ingested' ? entry.event.hash : null;
  }

  private pathOf(name: string): string {
    return joinPath(this.directory.path, name);
  }
}

/** The times of files that we write are rounded to a few hundred nanoseconds. */
function isSameTime(a: bigint, b: bigint): boolean {
  const between = a - b;
  return between < 1_000n && between > -1_000n;
}

/** Specials are kept in the log only. */
export function isSpecial({ kind }: Entry): boolean {
  return kind !== 'file' && kind !== 'directory' && kind !== 'symlink';
}

/** What is recorded there may be below the mount: nothing is concluded. */
export function otherDevice(path: string): Failure {
  return { path, code: 'OTHER_DEVICE', message: 'another file system is mounted here' };
}
