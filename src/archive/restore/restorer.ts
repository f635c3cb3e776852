/**
 * One pass over what is wanted: directories in order, files in batches for the worker threads, further
 * names after the files, attributes of directories last. A dry pass judges and counts only.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../../errors.js';
import type { DirectoryAdded, EntryEvent } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { withDirectory } from '../../fs/long-path.js';
import { joinPath, parentPath, toFsPath } from '../../fs/names.js';
import { isRestoreTemporary } from '../../fs/restore-temporary.js';
import { toFailure } from '../../fs/scan.js';
import type { RestoreStep } from '../../fs/tasks.js';
import type { Entry } from '../../projections/namespace.js';
import { judge, judgeFurtherName, type FirstName, type Standing, type Verdict } from './judge.js';
import type { Landings } from './landings.js';
import { LinkGroups } from './link-groups.js';
import { stopped, type RestorerParts } from './parts.js';
import { makeDirectories, makeUsable, PRIVATE, standingOf } from './standing.js';
import { stepOf, inodesToBe } from './step-of.js';
import { StepQueue } from './step-queue.js';

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

export class Restorer {
  private readonly parts: RestorerParts;
  private readonly queue: StepQueue;
  private readonly pending: Target[] = [];
  private readonly groups = new LinkGroups();
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
    const isOwnFile = event.type === 'file.ingested' && (!this.parts.link || event.hash === null);
    if (isOwnFile) {
      const first = this.groups.firstName(entry);
      if (first) return this.putFurtherName(path, { event, first }, standing);
    }
    const verdict = judge(event, standing, rules, standing && inodesToBe(entry, this.parts));
    if (isOwnFile) this.groups.remember(path, entry, { verdict, standing });
    if (verdict === 'keep') tally.skipped += 1;
    if (verdict === 'enter') return this.enter(path, entry, standing!);
    if (!(await this.makeRoom(path, verdict, standing))) return;
    if (entry.directoryId !== null) return this.makeDirectory(path, entry, verdict);
    tally.count(entry.kind);
    await this.queue.add(this.step(path, entry, verdict), sizeOf(entry));
  }

  /** @returns whether the entry is to be made now */
  private async makeRoom(path: string, verdict: Verdict, standing: Standing | null): Promise<boolean> {
    if (verdict === 'keep') return false;
    if (verdict === 'differs') {
      this.queue.differs(path, standing!.kind);
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

  private async putFurtherName(
    path: string,
    name: { event: EntryEvent; first: FirstName },
    standing: Standing | null,
  ): Promise<void> {
    const { rules, tally } = this.parts;
    const verdict = judgeFurtherName(name, standing, rules);
    if (verdict === 'keep') tally.skipped += 1;
    if (!(await this.makeRoom(path, verdict, standing))) return;
    tally.files += 1;
    tally.links += 1;
    if (this.parts.dry) return;
    const [replace, join] = [verdict === 'replace', verdict === 'join'];
    this.furtherNames.push({ op: 'hardlink', path, to: name.first.path, replace, join });
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

  private step(path: string, entry: Entry, verdict: Verdict): RestoreStep {
    return stepOf(path, entry, { parts: this.parts, replace: verdict === 'replace' });
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

function sizeOf({ event }: Entry): number {
  return event.type === 'file.ingested' ? event.size : 0;
}

function isFatal(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(errnoOf(error) ?? '');
}
