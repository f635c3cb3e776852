/** The tree on disk against the namespace: each file is its object's inode, and nothing is a stranger. */
import { RawEvent } from '../../events/raw-event.js';
import type { Hash } from '../../events/types.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import type { Listing } from '../../fs/tasks.js';
import { errnoOf } from '../../errors.js';
import { entryKindOf } from '../../fs/attributes.js';
import { treePath } from '../../fs/confined-path.js';
import { joinPath } from '../../fs/names.js';
import { together } from '../../fs/together.js';
import type { Entry, Namespace } from '../../projections/namespace.js';
import type { InodeId } from '../../projections/keys.js';
import { ScanQueue } from '../ingest/scan-queue.js';
import { ObjectIndex, type Seal } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import type { Findings } from './findings.js';
import type { InodeTable } from '../inode-table.js';

/** Directories compared at once: while one waits for its rows, others are worked on. */
const CONCURRENT = 4;

export async function checkTree(
  archive: OpenArchive,
  findings: Findings,
  { placed, signal }: { placed: InodeTable; signal: AbortSignal | undefined },
): Promise<void> {
  const check = new TreeCheck(archive, findings, placed);
  const queue = new ScanQueue<{ id: number; path: string }>(archive.pool, { bare: true, limit: Infinity });
  queue.push([{ path: archive.layout.root, item: { id: 0, path: '' } }]);
  const running: Promise<{ id: number; path: string }[]>[] = [];
  try {
    while (!signal?.aborted) {
      const next = running.length < CONCURRENT ? queue.pop() : undefined;
      if (next) {
        const checked = check.directory(next.item, next.listing);
        checked.catch(() => {}); // awaited when its turn comes
        running.push(checked);
        continue;
      }
      const children = await running.shift();
      if (children === undefined) return;
      queue.push(children.map((item) => ({ path: treePath(archive.layout.root, item.path), item })));
    }
    await together(running);
  } finally {
    await Promise.allSettled(running);
  }
}

class TreeCheck {
  private readonly archive: OpenArchive;
  private readonly findings: Findings;
  private readonly namespace: Namespace;
  private readonly index: ObjectIndex;
  private readonly raw = new RawEvent();
  private readonly placed: InodeTable;
  private missing: ReadonlySet<Hash> | null = null;

  /** @param placed the hash tree's inodes by what they are named there: a fact of the disk, not of the log */
  constructor(archive: OpenArchive, findings: Findings, placed: InodeTable) {
    this.placed = placed;
    this.archive = archive;
    this.findings = findings;
    this.namespace = archive.namespace();
    this.index = new ObjectIndex(archive.views.level);
  }

  /** @returns the directories to go on with */
  async directory(
    at: { id: number; path: string },
    scan: Promise<Listing>,
  ): Promise<{ id: number; path: string }[]> {
    const listing = await this.listed(at.path, scan);
    if (listing === null) return [];
    const table = new StatTable(listing.stats);
    const onDisk = new Map(listing.names.map((name, index) => [name, index]));
    if (at.id === 0) onDisk.delete('.hkfs');
    const children: { id: number; path: string }[] = [];
    const linked: { entry: Entry; stat: FileStat }[] = [];
    for await (const entries of this.namespace.list(at.id))
      for (const entry of entries) {
        const index = onDisk.get(entry.name);
        const path = joinPath(at.path, entry.name);
        onDisk.delete(entry.name);
        if (!isInTree(entry)) {
          // A fifo that a person made is told by an event and stays where it is.
          if (index !== undefined && entryKindOf(table.get(index).mode) !== entry.kind) this.stranger(path);
        } else if (index === undefined) this.unlinked(path, await this.whyAbsent(entry));
        else if (entry.directoryId !== null)
          children.push(...this.child(entry.directoryId, path, table.get(index)));
        else if (
          this.isAsRecorded(entry, path, { stat: table.get(index), target: listing.targets.get(index) })
        )
          linked.push({ entry, stat: table.get(index) });
      }
    for (const name of onDisk.keys()) this.stranger(joinPath(at.path, name));
    await this.checkInodes(at.path, linked);
    return children;
  }

  private async listed(path: string, scan: Promise<Listing>): Promise<Listing | null> {
    try {
      return await scan;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      this.unlinked(path, `it cannot be listed: ${errno}`);
      return null;
    }
  }

  private child(id: number, path: string, stat: FileStat): { id: number; path: string }[] {
    if (entryKindOf(stat.mode) === 'directory') return [{ id, path }];
    this.unlinked(path, 'it is no directory');
    return [];
  }

  /** @returns whether its inode is to be compared with the object's */
  private isAsRecorded(
    entry: Entry,
    path: string,
    disk: { stat: FileStat; target: string | undefined },
  ): boolean {
    const kind = entryKindOf(disk.stat.mode);
    if (entry.kind === 'symlink') {
      const target = entry.event.type === 'symlink.added' ? entry.event.target : undefined;
      if (kind !== 'symlink') this.unlinked(path, 'it is no symlink');
      else if (disk.target !== target) this.unlinked(path, 'it points elsewhere');
      return false;
    }
    if (kind !== 'file') {
      this.unlinked(path, `it is a ${kind}`);
      return false;
    }
    const hash = this.rawHashOf(entry);
    if (hash !== null) return !this.placed.holds(disk.stat, hash);
    if (disk.stat.size !== 0n) this.unlinked(path, 'it is not empty');
    return false;
  }

  private async checkInodes(
    directory: string,
    files: readonly { entry: Entry; stat: FileStat }[],
  ): Promise<void> {
    const inodes = files.map(({ stat }) => ({ device: stat.dev, inode: stat.ino }));
    const seals: (Seal | undefined)[] = inodes.length === 0 ? [] : await this.index.seals(inodes);
    for (const [index, { entry, stat }] of files.entries()) {
      const hash = sealedHash(stat, seals[index]) ?? this.placed.hashOf(stat);
      const recorded = this.rawHashOf(entry)!.toString('hex');
      if (hash !== recorded && !(hash === null && (await this.isOfMissing(recorded, inodes[index]!))))
        this.unlinked(
          joinPath(directory, entry.name),
          hash === null ? 'its link is broken: another file' : 'it is a link to another object',
        );
    }
  }

  /** The hash tree lost its own name of the inode, which is told already. */
  private async isOfMissing(hash: Hash, inode: InodeId): Promise<boolean> {
    this.missing ??= new Set(this.findings.missing.map((row) => row.hash));
    if (!this.missing.has(hash)) return false;
    return (await this.archive.contents().hashOfInode(inode)) === hash;
  }

  /** A file's hash from its stored bytes: decoding each entry would take most of a verification. */
  private rawHashOf(entry: Entry): Buffer | null {
    if (entry.bytes !== undefined && this.raw.read(entry.bytes) === 'file.ingested') return this.raw.hash;
    const { event } = entry;
    return event.type === 'file.ingested' && event.hash !== null ? Buffer.from(event.hash, 'hex') : null;
  }

  private async whyAbsent(entry: Entry): Promise<string> {
    const [refusal] = await this.archive.refused.look([entry]);
    const again = 'every command that writes, such as heal, tries it again';
    return refusal ? `it is not there: refused with ${refusal.code}; ${again}` : 'it is not there';
  }

  private unlinked(path: string, reason: string): void {
    this.findings.unlinked.push({ path, reason });
  }

  private stranger(path: string): void {
    this.findings.untracked.push({ path, reason: 'no event names it' });
  }
}

function sealedHash(stat: FileStat, seal: Seal | undefined): Hash | undefined {
  const isSealed = seal?.ctimeNs === stat.ctimeNs && seal.mtimeNs === stat.mtimeNs && seal.size === stat.size;
  return isSealed ? seal.hash : undefined;
}

/** Specials are kept in the log only. */
function isInTree(entry: Entry): boolean {
  return entry.kind === 'file' || entry.kind === 'directory' || entry.kind === 'symlink';
}
