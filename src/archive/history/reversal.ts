/**
 * The events that reverse an operation. Its events are read from the last to the first; each is reversed
 * where its place still holds what it left there, so a chain of renames or a swap comes apart in order.
 * A place that a later operation changed is left alone from then on, and listed.
 */
import type {
  DirectoryId,
  EventRecord,
  HkfsEvent,
  PathRenamed,
  Place,
  Position,
} from '../../events/types.js';
import { treePath } from '../../fs/confined-path.js';
import { Namespace } from '../../projections/namespace.js';
import type { SkippedRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { samePlace, type ChangeStep } from './change.js';
import { directoryOf, Draft, same, type Value, type Version } from './draft.js';
import { isFree } from './on-disk.js';

export type ReversalEvent = Extract<HkfsEvent, { type: 'path.renamed' | 'path.removed' | 'path.restored' }>;

export interface ReversalStep extends ChangeStep {
  readonly event: ReversalEvent;
  /** What the place holds afterwards. */
  readonly value: Value;
  /** Something goes from the tree, though not from history. */
  readonly takes: boolean;
}

/** First and last position. */
export interface Extent {
  readonly operation: number;
  readonly first: Position;
  readonly last: Position;
}

export class Reversal {
  private readonly archive: OpenArchive;
  private readonly extent: Extent;
  private readonly draft: Draft;
  private readonly made: ReversalStep[] = [];
  /** Directories that this operation added and that go again, with all that it put into them. */
  private readonly gone = new Set<DirectoryId>();
  private readonly untouchable = new Set<string>();
  private readonly settled = new Map<DirectoryId, boolean>();
  private readonly reasons = new Map<string, string>();
  /** Whether the operation changed names at all. */
  changedNames = false;

  constructor(archive: OpenArchive, extent: Extent) {
    this.archive = archive;
    this.extent = extent;
    this.draft = new Draft(archive.views.level, archive.now);
  }

  /** @param record the next event of the operation, from its last to its first */
  async reverse({ event, position }: EventRecord): Promise<void> {
    if (!changesNames(event)) return;
    this.changedNames = true;
    if (event.type === 'path.renamed') return this.reverseRename(event, position);
    if (!('parent' in event)) return;
    const { parent, name } = event;
    await this.reversePlace({ parent, name }, position);
  }

  /** The steps in order. Of a new directory that goes, nothing below needs an event of its own. */
  get steps(): ReversalStep[] {
    return this.made.filter(({ event }) => event.type === 'path.renamed' || !this.gone.has(event.parent));
  }

  get skipped(): SkippedRow[] {
    return [...this.reasons].map(([path, reason]) => ({ path, reason }));
  }

  private async reversePlace(place: Place, position: Position): Promise<void> {
    if (this.isUntouchable(place) || !(await this.isWhereItWas(place.parent))) return;
    const versions = await this.versionsOf(place);
    const left = versionAt(versions, position).value;
    const former = versionAt(versions, position - 1);
    if (!same(this.presentOf(place, versions), left)) return this.leaveToLater(place, versions);
    if (same(left, former.value)) return;
    const obstacle = await this.obstacleOf(place, left, former.value);
    if (obstacle !== null) return this.leave(place, obstacle);
    if (directoryOf(left) !== null && directoryOf(left) !== directoryOf(former.value))
      await this.remove(place, left);
    else if (former.value === null) await this.remove(place, left);
    if (former.value !== null) await this.restore(place, former);
  }

  private async reverseRename({ from, to }: PathRenamed, position: Position): Promise<void> {
    const versions = await this.draft.versions(to, this.extent.first);
    const moved = versionAt(versions, position).value;
    const replaced = versionAt(versions, position - 1);
    const obstacle = await this.obstacleOfRename({ from, to }, { moved, versions });
    if (obstacle === null) await this.rename(to, from, moved);
    // An undo that was cut short after its rename goes on with what the rename had replaced.
    if (obstacle === null || obstacle === 'done') return this.refill(to, replaced);
    this.untouchable.add(keyOf(from));
    if (obstacle === 'later') return this.leaveToLater(to, versions);
    this.untouchable.add(keyOf(to));
    if (obstacle !== 'untouchable') await this.leave(to, obstacle);
  }

  /** What a rename replaced, where the name is free again. */
  private async refill(place: Place, replaced: Version): Promise<void> {
    if (replaced.value === null || this.isUntouchable(place)) return;
    if ((await this.draft.valueOf(place)) !== null) return void this.untouchable.add(keyOf(place));
    const obstacle = await this.obstacleOf(place, null, replaced.value);
    if (obstacle === null) await this.restore(place, replaced);
    else await this.leave(place, obstacle);
  }

  /** Why what stands at the place cannot make room for what stood there; null: it can. */
  private async obstacleOf(place: Place, left: Value, former: Value): Promise<string | null> {
    if ((await this.draft.pathOf(place.parent)) === null) return 'its directory is not in the tree any more';
    const going = directoryOf(left);
    const coming = directoryOf(former);
    if (going !== null && going !== coming && (await this.holdsOthers(going)))
      return 'it holds what other operations put there';
    if (coming === null || coming === going) return null;
    const elsewhere = await this.draft.pathOf(coming);
    if (elsewhere !== null) return `it is /${elsewhere} now`;
    return (await this.wentWithAnother(coming, place))
      ? 'it went with a directory that was removed later'
      : null;
  }

  /** A directory that a removed one still holds would have two places once that one is restored. */
  private async wentWithAnother(id: DirectoryId, place: Place): Promise<boolean> {
    const last = await this.draft.placeOf(id);
    if (last === undefined || samePlace(last, place)) return false;
    return directoryOf(await this.draft.valueOf(last)) === id;
  }

  private async obstacleOfRename(
    { from, to }: { from: Place; to: Place },
    { moved, versions }: { moved: Value; versions: readonly Version[] },
  ): Promise<string | null> {
    const there = await this.draft.valueOf(from);
    const isAsLeft = same(this.presentOf(to, versions), moved);
    if (!isAsLeft) return same(there, moved) ? 'done' : 'later';
    if (this.isUntouchable(from) || this.isUntouchable(to)) return 'untouchable';
    if (there !== null) return 'something else has its former name';
    for (const { parent } of [from, to])
      if ((await this.draft.pathOf(parent)) === null) return 'its directory is not in the tree any more';
    const id = directoryOf(moved);
    if (id !== null && (await this.draft.isWithin(from.parent, id)))
      return 'its former directory is inside of it now';
    return (await this.isFreeOnDisk(from)) ? null : 'on the disk something else has its former name';
  }

  /** Asked only where nothing that is planned changes the path or frees the name. */
  private async isFreeOnDisk(place: Place): Promise<boolean> {
    const path = await this.draft.now.pathOfPlace(place);
    if (path === null || path !== (await this.draft.pathOfPlace(place))) return true;
    if ((await this.draft.now.entryAt(place)) !== undefined) return true;
    return isFree(treePath(this.archive.layout.root, path), null);
  }

  private async rename(from: Place, to: Place, value: Value): Promise<void> {
    const [before, after] = [await this.pathOf(from), await this.pathOf(to)];
    this.draft.put(from, null, value);
    this.draft.put(to, value, null);
    const event = { type: 'path.renamed', from, to } as const;
    this.made.push({ event, value, takes: false, text: `rename ${before} to ${after}` });
  }

  private async remove(place: Place, value: Value): Promise<void> {
    const id = directoryOf(value);
    const path = await this.pathOf(place);
    const text = id === null ? `remove ${path}` : `remove ${path}/ and everything below`;
    if (id !== null && this.isNew(id)) this.gone.add(id);
    this.draft.put(place, null, value);
    this.made.push({ event: { type: 'path.removed', ...place }, value: null, takes: true, text });
  }

  private async restore(place: Place, { position: at, value }: Version): Promise<void> {
    const there = await this.draft.valueOf(place);
    const takes = there !== null && directoryOf(value) === null;
    this.draft.put(place, value, there);
    const text = `restore ${await this.pathOf(place)} as it was at @${at}`;
    this.made.push({ event: { type: 'path.restored', ...place, at }, value, takes, text });
  }

  /** Whether anything below is neither from before the operation nor its own and reversed. */
  private async holdsOthers(id: DirectoryId): Promise<boolean> {
    const { first, last } = this.extent;
    const pending = [id];
    for (let at = pending.pop(); at !== undefined; at = pending.pop())
      for await (const { place, directoryId, position } of this.draft.children(at)) {
        if (position !== null && position >= first) {
          const versions = await this.draft.versions(place, last + 1);
          const isOld = position > last && same(versions[0]!.value, versionAt(versions, last).value);
          if (!isOld) {
            if (position > last) await this.leaveToLater(place, versions);
            return true;
          }
        }
        if (directoryId !== null) pending.push(directoryId);
      }
    return false;
  }

  /** A new directory that a later operation moved or removed is left to it, with all that is in it. */
  private async isWhereItWas(id: DirectoryId): Promise<boolean> {
    if (!this.isNew(id)) return true;
    const known = this.settled.get(id);
    if (known !== undefined) return known;
    const { last } = this.extent;
    const place = await this.draft.placeOf(id, last);
    const entry = place && (await this.draft.now.entryAt(place));
    const verdict = entry?.directoryId === id && (await this.isWhereItWas(entry.parent));
    this.settled.set(id, verdict);
    return verdict;
  }

  private async leaveToLater(place: Place, versions: readonly Version[]): Promise<void> {
    this.untouchable.add(keyOf(place));
    const { first, last } = this.extent;
    const [now] = versions;
    if (now === undefined || now.position <= last) return;
    const { event, operation } = await this.archive.log.get(now.position);
    const isMovedAway = event.type === 'path.renamed' && now.value === null;
    // Already as it was before: by another undo, for one.
    if (!isMovedAway && same(now.value, versionAt(versions, first - 1).value)) return;
    await this.leave(place, `${wordFor(event)} by operation ${operation}`);
  }

  private async leave(place: Place, reason: string): Promise<void> {
    this.untouchable.add(keyOf(place));
    this.reasons.set(await this.pathOf(place), reason);
  }

  private async pathOf(place: Place): Promise<string> {
    const path = await this.draft.pathOfPlace(place);
    if (path !== null) return path;
    const then = new Namespace(this.archive.views.level, this.extent.last);
    return (await then.pathOfPlace(place)) ?? place.name;
  }

  /** Of a new directory all that is in it is of this operation, or later. */
  private versionsOf(place: Place): Promise<Version[]> {
    const { first } = this.extent;
    return this.isNew(place.parent)
      ? this.draft.versionsAmong(place, first)
      : this.draft.versions(place, first);
  }

  private presentOf(place: Place, versions: readonly Version[]): Value {
    const changed = this.draft.changed(place);
    return changed === undefined ? (versions[0]?.value ?? null) : changed;
  }

  private isUntouchable(place: Place): boolean {
    return this.untouchable.has(keyOf(place));
  }

  private isNew(id: DirectoryId): boolean {
    return id >= this.extent.first && id <= this.extent.last;
  }
}

/** Events that put, change or take entries. */
export function changesNames({ type }: HkfsEvent): boolean {
  return (
    type.startsWith('path.') ||
    type === 'directory.added' ||
    type === 'file.ingested' ||
    type === 'symlink.added' ||
    type === 'special.added' ||
    type === 'attributes.changed'
  );
}

const NOTHING: Version = { position: 0, value: null };

function versionAt(versions: readonly Version[], position: Position): Version {
  return versions.find((version) => version.position <= position) ?? NOTHING;
}

function keyOf({ parent, name }: Place): string {
  return `${parent}/${name}`;
}

function wordFor({ type }: HkfsEvent): string {
  if (type === 'path.renamed') return 'renamed';
  if (type === 'path.removed') return 'removed';
  return type === 'path.restored' ? 'restored' : 'changed';
}
