/**
 * One pass over what is wanted: directories in order, files in batches for the worker threads, further
 * names after the files, attributes of directories last. A dry pass judges and counts only.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../../errors.js';
import type { DirectoryAdded, Hash } from '../../events/types.js';
import { entryKindOf } from '../../fs/attributes.js';
import { failpoint } from '../../fs/failpoints.js';
import { withDirectory } from '../../fs/long-path.js';
import { joinPath, parentPath, toFsPath } from '../../fs/names.js';
import { twinPaths } from '../../fs/place.js';
import { isRestoreTemporary } from '../../fs/restore.js';
import { lstatOrNull, toFailure } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { StatTable } from '../../fs/stats.js';
import type { Listing, RestoreStep } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import type { InodeId } from '../../projections/keys.js';
import { judge, type Rules, type Standing, type Verdict } from './judge.js';
import type { Landings } from './landings.js';
import { stopped, type RestorerParts } from './parts.js';
import { StepQueue } from './step-queue.js';

const PRIVATE = 0o700;
/** Of an ordinary user: one batch, so that no thread is ahead with a parent. */
const DIRECTORIES_AT_ONCE = 256;

/** A directory of the target whose wanted entries are to be seen to. */
interface Target {
  readonly path: string;
  readonly exists: boolean;
  /** What it is to hold; null: the directory's entries in the archive. */
  readonly entries: readonly Entry[] | null;
  readonly directoryId: number;
  /** Whether what is not wanted goes. */
  readonly mirror: boolean;
}

/** The first of several names of one source inode. */
interface FirstName {
  readonly path: string;
  /** Where it was there already. */
  readonly standing: Standing | null;
}

export class Restorer {
  private readonly parts: RestorerParts;
  private readonly queue: StepQueue;
  private readonly pending: Target[] = [];
  private readonly groups = new Map<string, FirstName>();
  private readonly furtherNames: Extract<RestoreStep, { op: 'hardlink' }>[] = [];
  private readonly directories: { path: string; event: DirectoryAdded }[] = [];

  constructor(parts: RestorerParts, root: string) {
    this.parts = parts;
    this.queue = new StepQueue(parts, root);
  }

  /** @throws HkfsError INTERRUPTED after a clean stop, and what lets nothing more be written */
  async run(landings: Landings): Promise<void> {
    try {
      await this.restore(landings);
    } finally {
      // A thread that is ended in the middle would leave a temporary file.
      await this.queue.settled();
    }
  }

  private async restore(landings: Landings): Promise<void> {
    const { directory, exists, contentsOf, entries } = landings;
    if (!this.parts.dry) makeDirectories(directory);
    if (contentsOf && contentsOf.entry.directoryId !== 0)
      this.directories.push({ path: directory, event: contentsOf.entry.event as DirectoryAdded });
    this.pending.push({
      path: directory,
      exists,
      entries: contentsOf ? null : entries.map(({ entry }) => entry),
      directoryId: contentsOf?.entry.directoryId ?? -1,
      mirror: contentsOf !== null && this.parts.rules.mirror,
    });
    for (let next = this.pending.pop(); next !== undefined; next = this.pending.pop()) await this.fill(next);
    if (this.parts.dry) return;
    await this.queue.drain();
    for (const step of this.furtherNames) await this.queue.add(step, 0);
    await this.queue.drain();
    await this.finishDirectories();
  }

  private async fill(target: Target): Promise<void> {
    const standing = target.exists ? await this.scan(target.path) : new Map<string, Standing>();
    if (standing === null) return;
    const batches = target.entries
      ? [target.entries]
      : this.parts.archive.namespace(this.parts.at).list(target.directoryId);
    const temporaries = [...standing.keys()].filter(isRestoreTemporary);
    for await (const entries of batches)
      for (const entry of entries) {
        this.stopWhereAsked();
        const there = standing.get(entry.name) ?? null;
        standing.delete(entry.name);
        await this.put(joinPath(target.path, entry.name), entry, there);
      }
    for (const name of temporaries)
      if (standing.delete(name) && !this.parts.dry) await this.remove(joinPath(target.path, name));
    if (!target.mirror) return;
    for (const name of standing.keys()) {
      this.parts.tally.lose('delete', joinPath(target.path, name));
      await this.remove(joinPath(target.path, name));
    }
  }

  /** What stands in a directory; null where it cannot be read, which is told. */
  private async scan(directory: string): Promise<Map<string, Standing> | null> {
    try {
      const task = { task: 'scan', directory, limit: Infinity } as const;
      return standingOf(await this.parts.archive.pool.run(task));
    } catch (error) {
      this.fail(directory, toFailure(error));
      return null;
    }
  }

  private async put(path: string, entry: Entry, standing: Standing | null): Promise<void> {
    const { event } = entry;
    const { rules, tally } = this.parts;
    if (event.type === 'file.ingested' && event.size > 0 && !this.parts.link) {
      const first = this.firstName(entry);
      if (first) return this.putFurtherName(path, first, standing);
    }
    const verdict = judge(event, standing, rules, this.inodesToBe(entry, standing));
    this.remember(path, entry, { verdict, standing });
    if (verdict === 'keep') tally.skipped += 1;
    if (verdict === 'enter') return this.enter(path, entry, standing!);
    if (!(await this.makeRoom(path, verdict, standing))) return;
    if (entry.directoryId !== null) return this.makeDirectory(path, entry, verdict);
    tally.count(entry.kind);
    await this.queue.add(this.stepOf(path, entry, verdict === 'replace'), sizeOf(entry));
  }

  /** @returns whether the entry is to be made now */
  private async makeRoom(path: string, verdict: Verdict, standing: Standing | null): Promise<boolean> {
    if (verdict === 'keep') return false;
    if (verdict === 'differs') {
      this.fail(path, { code: 'EEXIST', message: `a ${standing!.kind} is there that differs; see --overwrite` });
      return false;
    }
    if (verdict === 'blocked') {
      this.fail(path, { code: 'EISDIR', message: 'a directory is there; --delete would remove it' });
      return false;
    }
    if (verdict === 'replace') this.parts.tally.lose('overwrite', path);
    if (verdict === 'clear') {
      this.parts.tally.lose('delete', path);
      await this.remove(path);
      await this.queue.drain(); // two threads keep no order
    }
    return true;
  }

  /** The group of a source inode is one again where its names were taken in alike. */
  private firstName(entry: Entry): FirstName | undefined {
    const key = groupKey(entry);
    return key === null ? undefined : this.groups.get(key);
  }

  private remember(path: string, entry: Entry, now: { verdict: Verdict; standing: Standing | null }): void {
    if (this.parts.link || entry.kind !== 'file') return;
    const key = groupKey(entry);
    if (key === null || now.verdict === 'differs' || now.verdict === 'blocked') return;
    this.groups.set(key, { path, standing: now.verdict === 'keep' ? now.standing : null });
  }

  private async putFurtherName(path: string, first: FirstName, standing: Standing | null): Promise<void> {
    const { rules, tally } = this.parts;
    const verdict = judgeFurtherName(first, standing, rules);
    if (verdict === 'keep') tally.skipped += 1;
    if (!(await this.makeRoom(path, verdict, standing))) return;
    tally.files += 1;
    tally.links += 1;
    const replace = verdict === 'replace';
    if (!this.parts.dry) this.furtherNames.push({ op: 'hardlink', path, to: first.path, replace });
  }

  private enter(path: string, entry: Entry, standing: Standing): void {
    this.parts.tally.skipped += 1;
    if (!this.parts.dry) makeUsable(path, standing);
    this.descend(path, entry, true);
  }

  private async makeDirectory(path: string, entry: Entry, verdict: Verdict): Promise<void> {
    this.parts.tally.count('directory');
    if (!this.parts.dry) {
      try {
        withDirectory(parentPath(path), (parent) => {
          const name = toFsPath(joinPath(parent, entry.name));
          if (verdict === 'replace') fs.unlinkSync(name);
          failpoint('restore.mkdir');
          fs.mkdirSync(name, PRIVATE);
        });
      } catch (error) {
        if (isFatal(error)) throw error;
        this.fail(path, toFailure(error));
        return;
      }
    }
    this.descend(path, entry, false);
  }

  private descend(path: string, entry: Entry, exists: boolean): void {
    this.directories.push({ path, event: entry.event as DirectoryAdded });
    const { mirror } = this.parts.rules;
    this.pending.push({ path, exists, entries: null, directoryId: entry.directoryId!, mirror });
  }

  private async remove(path: string): Promise<void> {
    await this.queue.add({ op: 'remove', path }, 0);
  }

  private stepOf(path: string, entry: Entry, replace: boolean): RestoreStep {
    const { event } = entry;
    const { attributes } = event;
    switch (event.type) {
      case 'file.ingested': {
        const { hash, size } = event;
        if (hash === null)
          return { op: 'file', path, replace, content: { object: null, size: 0, hash: null }, attributes };
        const checked = this.parts.verify || this.parts.suspects.has(hash);
        const content = { object: this.objectOf(hash), size, hash: checked ? hash : null };
        if (this.parts.link) return { op: 'object', path, replace, content, attributes };
        return { op: 'file', path, replace, content, attributes };
      }
      case 'symlink.added':
        return { op: 'symlink', path, replace, target: event.target, attributes };
      case 'special.added': {
        const { kind, major, minor } = event;
        return { op: 'special', path, replace, kind, major, minor, attributes };
      }
      case 'directory.added':
        return { op: 'attributes', path, attributes };
    }
  }

  /** The inodes of which a linked file is to be one; null where it is a file of its own. */
  private inodesToBe(entry: Entry, standing: Standing | null): InodeId[] | null {
    const { event } = entry;
    if (!this.parts.link || standing === null) return null;
    if (event.type !== 'file.ingested' || event.hash === null) return null;
    return twinPaths(this.objectOf(event.hash)).flatMap((path) => {
      const stat = lstatOrNull(path);
      return stat === null ? [] : [{ device: stat.dev, inode: stat.ino }];
    });
  }

  private objectOf(hash: Hash): string {
    return objectPath(this.parts.archive.layout.objects, Buffer.from(hash, 'hex'));
  }

  /** Children before parents: a parent that its owner may not enter closes the way to them. */
  private async finishDirectories(): Promise<void> {
    let count = 0;
    for (let next = this.directories.pop(); next !== undefined; next = this.directories.pop()) {
      const { path, event } = next;
      await this.queue.add({ op: 'attributes', path, attributes: event.attributes }, 0);
      count += 1;
      if (this.parts.rules.uid !== 0 && count % DIRECTORIES_AT_ONCE === 0) await this.queue.drain();
    }
    await this.queue.drain();
  }

  private fail(path: string, failure: { code: string; message: string }): void {
    this.queue.fail(path, failure);
  }

  private stopWhereAsked(): void {
    if (this.parts.signal?.aborted) throw stopped();
  }
}

function judgeFurtherName(first: FirstName, standing: Standing | null, rules: Rules): Verdict {
  if (standing === null) return 'create';
  if (standing.kind === 'directory')
    return rules.overwrite === 'never' ? 'differs' : rules.mirror ? 'clear' : 'blocked';
  const { stat } = first.standing ?? {};
  if (stat && stat.ino === standing.stat.ino && stat.dev === standing.stat.dev) return 'keep';
  return rules.overwrite === 'never' ? 'differs' : 'replace';
}

function groupKey({ event }: Entry): string | null {
  if (event.type !== 'file.ingested' || !event.attributes.linkGroup) return null;
  const { linkGroup, mode, uid, gid, mtimeNs } = event.attributes;
  return [...linkGroup, event.hash, event.size, mode, uid, gid, mtimeNs].join(':');
}

function sizeOf({ event }: Entry): number {
  return event.type === 'file.ingested' ? event.size : 0;
}

function standingOf(listing: Listing): Map<string, Standing> {
  const stats = new StatTable(listing.stats);
  const standing = new Map<string, Standing>();
  for (const [index, name] of listing.names.entries()) {
    const failure = listing.failures.get(index);
    if (failure?.code === 'ENOENT') continue;
    const stat = stats.get(index);
    if (stat.mode === 0n) throw Object.assign(new Error(failure?.message), { code: failure?.code });
    const target = listing.targets.get(index) ?? null;
    standing.set(name, { kind: entryKindOf(stat.mode), stat, target, xattrs: listing.xattrs.get(index) ?? [] });
  }
  return standing;
}

/** A directory of one's own that one may not write to, as it was restored before. */
function makeUsable(path: string, { stat }: Standing): void {
  const self = process.geteuid?.();
  const mode = Number(stat.mode) & 0o7777;
  if (self === 0 || BigInt(self ?? 0) !== stat.uid || (mode & PRIVATE) === PRIVATE) return;
  withDirectory(parentPath(path), (parent) =>
    fs.chmodSync(toFsPath(joinPath(parent, path.slice(path.lastIndexOf('/') + 1))), mode | PRIVATE),
  );
}

function makeDirectories(directory: string): void {
  const missing: string[] = [];
  for (let at = directory; lstatOrNull(at) === null; at = parentPath(at)) missing.push(at);
  for (const path of missing.reverse()) {
    failpoint('restore.mkdir');
    fs.mkdirSync(toFsPath(path));
  }
}

function isFatal(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(errnoOf(error) ?? '');
}
