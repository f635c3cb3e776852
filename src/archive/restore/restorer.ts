/**
 * One pass over what is wanted: directories in order, files in batches for the worker threads, further
 * names after the files, attributes of directories last. A dry pass judges and counts only.
 */
import * as fs from 'node:fs';
import { errnoOf } from '../../errors.js';
import type { DirectoryAdded, EntryEvent } from '../../events/types.js';
import { WRITES_END } from '../../fs/errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { withDirectory } from '../../fs/long-path.js';
import { childPath } from '../../fs/confined-path.js';
import { joinPath, parentPath, toFsPath } from '../../fs/names.js';
import { isRestoreTemporary } from '../../fs/restore-temporary.js';
import { toFailure } from '../../fs/scan.js';
import type { RestoreStep } from '../../fs/tasks.js';
import { readMounts } from '../../fs/mounts.js';
import type { Entry } from '../../projections/namespace.js';
import type { OwnPlaces } from '../own-places.js';
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
  /** Of the file system; null where the directory is yet to be made. */
  readonly device: bigint | null;
  /** A mount below DIR, or a directory of one: what is wanted is written there, and nothing is taken away. */
  readonly isForeign: boolean;
}

/** Where an entry goes, and what stands there. */
interface Place {
  readonly standing: Standing | null;
  readonly target: Target;
}

export class Restorer {
  private readonly parts: RestorerParts;
  private readonly queue: StepQueue;
  private readonly pending: Target[] = [];
  private readonly groups = new LinkGroups();
  private readonly furtherNames: Extract<RestoreStep, { op: 'hardlink' }>[] = [];
  private readonly directories: { path: string; event: DirectoryAdded }[] = [];
  private readonly own: OwnPlaces;
  private readonly mountPoints: ReadonlySet<string>;

  constructor(parts: RestorerParts, { directory, own }: Landings) {
    this.parts = parts;
    this.queue = new StepQueue(parts, directory);
    this.own = own;
    this.mountPoints = new Set(parts.rules.mirror ? readMounts().map(({ point }) => point) : []);
  }

  /** @throws HkfsError INTERRUPTED after a clean stop, and what lets nothing more be written */
  async run(landings: Landings): Promise<void> {
    try {
      await this.restore(landings);
    } finally {
      // A thread that is ended in the middle would leave a temporary file.
      await this.queue.settled();
      this.queue.dropWaiting();
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
      device: exists || !this.parts.dry ? deviceOf(directory) : null,
      isForeign: false,
    });
    for (let next = this.pending.pop(); next !== undefined; next = this.pending.pop()) await this.fill(next);
    if (this.parts.dry) return;
    await this.queue.drain();
    // A further name takes a place as a file does: once its bytes are on the disk.
    if (this.furtherNames.some(({ replace, join }) => replace || join)) await this.queue.sync();
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
    const temporaries = [...standing].flatMap(([name, { stat }]) =>
      isRestoreTemporary(name, stat) ? [name] : [],
    );
    for await (const entries of batches)
      for (const entry of entries) {
        this.stopWhereAsked();
        const there = standing.get(entry.name) ?? null;
        standing.delete(entry.name);
        await this.put(childPath(target.path, entry.name), entry, { standing: there, target });
      }
    for (const name of temporaries)
      if (standing.delete(name) && !this.parts.dry) await this.remove(joinPath(target.path, name));
    if (target.mirror) for (const [name, there] of standing) await this.removeUnwanted(target, name, there);
  }

  private async removeUnwanted(target: Target, name: string, standing: Standing): Promise<void> {
    const path = joinPath(target.path, name);
    if (target.isForeign || this.isMount(path, { standing, target })) return this.failAsMounted(path);
    this.parts.tally.lose('delete', path);
    await this.remove(path);
  }

  /** By device, as a part of another file system; by name, as a bind mount that has the same device. */
  private isMount(path: string, { standing, target }: Place): boolean {
    if (standing?.kind !== 'directory') return false;
    return standing.stat.dev !== target.device || this.mountPoints.has(path);
  }

  private failAsMounted(path: string): void {
    this.fail(path, {
      code: 'EXDEV',
      message: 'it is on another file system, or mounted here: --delete leaves it alone',
    });
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

  private async put(path: string, entry: Entry, place: Place): Promise<void> {
    const { standing } = place;
    const { event } = entry;
    const { rules, tally } = this.parts;
    const isOwnFile = event.type === 'file.ingested' && (!this.parts.link || event.hash === null);
    if (isOwnFile) {
      const first = this.groups.firstName(entry);
      if (first) return this.putFurtherName(path, { event, first }, place);
    }
    const verdict = judge(event, standing, rules, standing && inodesToBe(entry, this.parts));
    if (isOwnFile) this.groups.remember(path, entry, { verdict, standing });
    if (verdict === 'keep') tally.skipped += 1;
    if (verdict === 'enter') return this.enter(path, entry, place);
    if (!(await this.makeRoom(path, verdict, place))) return;
    if (entry.directoryId !== null) return this.makeDirectory(path, entry, { verdict, place });
    tally.count(entry.kind);
    await this.queue.add(this.step(path, entry, verdict), sizeOf(entry));
  }

  /** @returns whether the entry is to be made now */
  private async makeRoom(path: string, verdict: Verdict, place: Place): Promise<boolean> {
    const { standing, target } = place;
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
    if (verdict === 'clear' && (target.isForeign || this.isMount(path, place))) {
      this.failAsMounted(path);
      return false;
    }
    if (verdict === 'clear') {
      this.parts.tally.lose('delete', path);
      await this.remove(path);
      await this.queue.idle(); // two threads keep no order
    }
    return true;
  }

  private async putFurtherName(
    path: string,
    name: { event: EntryEvent; first: FirstName },
    place: Place,
  ): Promise<void> {
    const { rules, tally } = this.parts;
    const verdict = judgeFurtherName(name, place.standing, rules);
    if (verdict === 'keep') tally.skipped += 1;
    if (!(await this.makeRoom(path, verdict, place))) return;
    tally.files += 1;
    tally.links += 1;
    if (this.parts.dry) return;
    const [replace, join] = [verdict === 'replace', verdict === 'join'];
    this.furtherNames.push({ op: 'hardlink', path, to: name.first.path, replace, join });
  }

  private enter(path: string, entry: Entry, place: Place): void {
    const standing = place.standing!;
    if (this.own.has(standing.stat))
      return this.fail(path, { code: 'BAD_TARGET', message: 'a part of the archive is mounted here' });
    this.parts.tally.skipped += 1;
    if (!this.parts.dry) {
      makeUsable(path, standing);
      try {
        withDirectory(path, (base) => this.parts.filesystems.add(base, standing.stat.dev));
      } catch (error) {
        this.fail(path, toFailure(error));
        return;
      }
    }
    const isForeign = place.target.isForeign || this.isMount(path, place);
    this.descend(path, entry, { exists: true, device: standing.stat.dev, isForeign });
  }

  private async makeDirectory(
    path: string,
    entry: Entry,
    { verdict, place: { target } }: { verdict: Verdict; place: Place },
  ): Promise<void> {
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
    this.descend(path, entry, { exists: false, device: target.device, isForeign: target.isForeign });
  }

  private descend(path: string, entry: Entry, found: Pick<Target, 'exists' | 'device' | 'isForeign'>): void {
    this.directories.push({ path, event: entry.event as DirectoryAdded });
    const { mirror } = this.parts.rules;
    this.pending.push({ path, ...found, entries: null, directoryId: entry.directoryId!, mirror });
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

function deviceOf(directory: string): bigint {
  return withDirectory(directory, (base) => fs.statSync(toFsPath(base), { bigint: true }).dev);
}

function sizeOf({ event }: Entry): number {
  return event.type === 'file.ingested' ? event.size : 0;
}

function isFatal(error: unknown): boolean {
  return WRITES_END.has(errnoOf(error) ?? '');
}
