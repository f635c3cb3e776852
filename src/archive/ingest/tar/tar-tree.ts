/**
 * Members of a tar become entries, one after the other in the order of the tar: so the last of two
 * members with one name wins, and the earlier stays in history. What stood where is known without
 * keeping names (SeenPlaces), and without asking for what this run made itself.
 */
import type {
  Attributes,
  DirectoryId,
  EntryEvent,
  FileIngested,
  HkfsEvent,
  Place,
  Position,
} from '../../../events/types.js';
import { attributesEqual } from '../../../fs/attributes.js';
import type { Entry } from '../../../projections/namespace.js';
import type { Committer } from '../../committer.js';
import type { OpenArchive } from '../../open-archive.js';
import type { Counters } from '../counters.js';
import { ExistingEntries } from './existing-entries.js';
import { SeenPlaces, type Seen } from './seen-places.js';
import { TarLinkGroups, type Inode } from './tar-link-groups.js';
import {
  contentOf,
  isSameOther,
  MemberRefused,
  NO_DEVICE,
  positionOf,
  withKeptGroup,
  type FileContent,
  type OtherEntry,
  type Standing,
  type TreeRoot,
} from './tree-words.js';

/** Events of this run that are kept until the log has them: a hard link may ask for them. */
const RECENT = 20_000;
/** What an operation on the tree costs for each byte of its path. */
const PATH_COPIES = 4;

interface Parts {
  readonly archive: OpenArchive;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly root: TreeRoot;
  /** Of directories that the tar only implies. */
  readonly implied: Attributes;
  readonly dryRun: boolean;
}

export class TarTree {
  private readonly parts: Parts;
  private readonly seen = new SeenPlaces();
  private readonly groups = new TarLinkGroups();
  private readonly existing: ExistingEntries;
  private readonly recent = new Map<Position, EntryEvent>();
  /** Positions from here on are of this run. */
  private readonly first: Position;
  private dryPosition: Position;
  private lastParent: { readonly path: string; readonly id: DirectoryId } | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
    this.existing = new ExistingEntries(parts.archive.namespace());
    this.first = parts.archive.now + 1;
    this.dryPosition = this.first;
  }

  /** @throws MemberRefused */
  async directory(names: readonly string[], attributes: Attributes): Promise<void> {
    if (names.length === 0) return this.rootAttributes(attributes);
    this.parts.counters.directories += 1;
    const place = await this.placeOf(names);
    const standing = await this.standing(place);
    if (standing?.seen?.kind === 'directory') return this.changeAttributes(place, attributes);
    if (standing?.entry?.directoryId != null) {
      if (!attributesEqual(standing.entry.event.attributes, attributes))
        this.changeAttributes(place, attributes);
      return;
    }
    if (standing !== null) this.remove(place);
    await this.addDirectory(place, attributes, names);
  }

  /** @throws MemberRefused */
  async file(names: readonly string[], own: Attributes, content: FileContent, inode: Inode): Promise<void> {
    const place = await this.placeOf(names);
    const standing = await this.standing(place);
    const linkGroup = inode && this.groups.of(inode, content, { standing, next: this.next });
    const attributes = linkGroup === null ? own : { ...own, linkGroup };
    const keepsGroup = linkGroup === null;
    if (this.isUnchanged(place, standing?.entry, { attributes, content, keepsGroup })) return;
    const previous = await this.makeRoom(place, standing);
    const { hash, size } = content;
    this.count(content);
    this.add({ type: 'file.ingested', ...place, hash, size, attributes, source: null }, previous, 'file');
  }

  /** Symlinks, fifos and devices. @throws MemberRefused */
  async other(names: readonly string[], attributes: Attributes, entry: OtherEntry): Promise<void> {
    const place = await this.placeOf(names);
    const standing = await this.standing(place);
    if (entry.type === 'symlink.added') this.parts.counters.symlinks += 1;
    else this.parts.counters.specials += 1;
    const before = standing?.entry?.event;
    if (before !== undefined && isSameOther(before, entry)) {
      if (!attributesEqual(before.attributes, attributes)) this.changeAttributes(place, attributes);
      return;
    }
    const previous = await this.makeRoom(place, standing);
    this.add({ ...entry, ...place, attributes }, previous, 'other');
  }

  /** Another name of a member that was there before. @throws MemberRefused */
  async link(names: readonly string[], targetNames: readonly string[]): Promise<void> {
    const target = await this.find(targetNames);
    if (target === null)
      throw new MemberRefused(
        'LINK_TARGET_MISSING',
        'what it is a hard link to is missing, or comes only later',
      );
    const place = await this.placeOf(names);
    if (place.parent === target.place.parent && place.name === target.place.name) return;
    const { event } = target;
    if (event === null) return this.count({ hash: null, size: 0, origin: 'duplicate' });
    if (event.type === 'directory.added')
      throw new MemberRefused('LINK_TO_DIRECTORY', 'it is a hard link to a directory');
    if (event.type === 'file.ingested') return this.linkToFile(place, { ...target, event });
    const { type: _type, parent: _parent, name: _name, attributes, ...rest } = event;
    const entry = { type: event.type, ...rest } as OtherEntry;
    return this.other(names, attributes, entry);
  }

  private async linkToFile(
    place: Place,
    target: { place: Place; position: Position; event: FileIngested; standing: Standing },
  ): Promise<void> {
    const { event, position, standing: ofTarget } = target;
    const linkGroup = event.attributes.linkGroup ?? ([NO_DEVICE, BigInt(position)] as const);
    const attributes = { ...event.attributes, linkGroup };
    const content = { hash: event.hash, size: event.size, origin: 'duplicate' as const };
    const standing = await this.standing(place);
    const isGrouped = event.attributes.linkGroup !== undefined || ofTarget.seen?.kind === 'linked';
    if (!isGrouped) this.changeAttributes(target.place, attributes);
    if (ofTarget.seen !== undefined) this.seen.set(target.place, { position, kind: 'linked' });
    if (this.isUnchanged(place, standing?.entry, { attributes, content, keepsGroup: true })) return;
    const previous = await this.makeRoom(place, standing);
    this.count(content);
    this.add(
      { type: 'file.ingested', ...place, ...contentOf(event), attributes, source: null },
      previous,
      'linked',
    );
  }

  /** The same content as before at this place: at most its attributes change. */
  private isUnchanged(
    place: Place,
    entry: Entry | undefined,
    file: { attributes: Attributes; content: FileContent; keepsGroup: boolean },
  ): boolean {
    const event = entry?.event;
    const { content } = file;
    if (event?.type !== 'file.ingested' || event.hash !== content.hash || event.size !== content.size)
      return false;
    this.countFile(content.size);
    this.parts.counters.unchangedFiles += 1;
    const attributes = file.keepsGroup ? withKeptGroup(file.attributes, event.attributes) : file.attributes;
    if (attributesEqual(event.attributes, attributes)) return true;
    this.changeAttributes(place, attributes);
    // A hard link to it is to have them as well.
    this.recent.set(entry!.position, { ...event, attributes });
    return true;
  }

  /**
   * What a new entry replaces: undefined where that has to be looked up. A directory goes, but not one
   * that this tar has put something into.
   */
  private async makeRoom(place: Place, standing: Standing | null): Promise<Entry | null | undefined> {
    if (standing === null) return null;
    const { seen, entry } = standing;
    if (seen === undefined && entry.directoryId === null) return entry;
    if (seen !== undefined && seen.kind !== 'directory') {
      this.parts.committer.keepOrder();
      return undefined;
    }
    if (seen !== undefined && !(await this.isEmpty(seen.position)))
      throw new MemberRefused('EISDIR', 'a directory that is not empty stands there');
    if (seen === undefined) this.parts.counters.removed += 1;
    this.remove(place);
    return null;
  }

  private async isEmpty(directory: DirectoryId): Promise<boolean> {
    if (this.parts.dryRun) return false;
    await this.parts.committer.flush();
    for await (const _entries of this.parts.archive.namespace().list(directory)) return false;
    return true;
  }

  private async placeOf(names: readonly string[]): Promise<Place> {
    const name = names.at(-1);
    if (name === undefined) throw new MemberRefused('EISDIR', 'its name is that of the whole tree');
    const parents = names.slice(0, -1);
    const path = parents.join('/');
    if (this.lastParent?.path === path) return { parent: this.lastParent.id, name };
    let parent = this.parts.root.id;
    for (const [depth, part] of parents.entries())
      parent = await this.descend({ parent, name: part }, parents.slice(0, depth + 1));
    this.lastParent = { path, id: parent };
    return { parent, name };
  }

  /** The directory at a place; one that no member spoke of is made. */
  private async descend(place: Place, names: readonly string[]): Promise<DirectoryId> {
    const standing = await this.standing(place);
    if (standing?.seen?.kind === 'directory') return standing.seen.position;
    if (standing?.entry?.directoryId != null) return standing.entry.directoryId;
    if (standing?.seen !== undefined)
      throw new MemberRefused(
        'ENOTDIR',
        `${names.join('/')} is no directory in this tar; nothing goes through it`,
      );
    if (standing !== null) this.remove(place);
    return this.addDirectory(place, this.parts.implied, names);
  }

  /** A place that is there, without making anything. */
  private async find(
    names: readonly string[],
  ): Promise<{ place: Place; position: Position; event: EntryEvent | null; standing: Standing } | null> {
    let parent = this.parts.root.id;
    for (const [depth, name] of names.entries()) {
      const place = { parent, name };
      const standing = await this.standing(place);
      if (standing === null) return null;
      const position = positionOf(standing);
      if (depth === names.length - 1)
        return { place, position, standing, event: await this.eventOf(standing) };
      const id = standing.seen?.kind === 'directory' ? position : standing.entry?.directoryId;
      if (id == null) return null;
      parent = id;
    }
    return null;
  }

  private async standing(place: Place): Promise<Standing | null> {
    const seen = this.seen.get(place);
    if (seen !== undefined) return { seen, entry: undefined };
    // A directory that this run made holds nothing else.
    if (place.parent >= this.first) return null;
    const entry = await this.existing.get(place);
    return entry === undefined ? null : { seen: undefined, entry };
  }

  /** Null only in a dry run, which has no log. */
  private async eventOf(standing: Standing): Promise<EntryEvent | null> {
    const position = positionOf(standing);
    const known = this.recent.get(position) ?? standing.entry?.event;
    if (known !== undefined) return known;
    if (this.parts.dryRun) return null;
    const { event } = await this.parts.archive.log.get(position);
    return event as EntryEvent;
  }

  private async addDirectory(
    place: Place,
    attributes: Attributes,
    names: readonly string[],
  ): Promise<DirectoryId> {
    const position = this.add({ type: 'directory.added', ...place, attributes }, null, 'directory');
    let length = 0;
    for (const name of names) length += name.length + 1;
    this.parts.committer.weigh(length * PATH_COPIES);
    if (!this.parts.dryRun) await this.parts.committer.maybeCommit();
    return position;
  }

  private add(event: EntryEvent, previous: Entry | null | undefined, kind: Seen['kind']): Position {
    const position = this.push(event, previous);
    this.seen.set(event, { position, kind });
    this.recent.set(position, event);
    if (this.recent.size > RECENT) this.forgetCommitted();
    return position;
  }

  /** What the log has can be read from it; a dry run forgets the oldest half. */
  private forgetCommitted(): void {
    const { dryRun, archive } = this.parts;
    const until = dryRun ? this.dryPosition - RECENT / 2 : archive.log.size;
    for (const position of this.recent.keys()) {
      if (position >= until) return;
      this.recent.delete(position);
    }
  }

  private remove(place: Place): void {
    this.lastParent = null;
    this.push({ type: 'path.removed', ...place });
  }

  private changeAttributes({ parent, name }: Place, attributes: Attributes): void {
    this.push({ type: 'attributes.changed', parent, name, attributes, source: null });
  }

  private rootAttributes(attributes: Attributes): void {
    const { place, attributes: before } = this.parts.root;
    if (place === null || (before !== null && attributesEqual(before, attributes))) return;
    this.changeAttributes(place, attributes);
  }

  private get next(): Position {
    return this.parts.dryRun ? this.dryPosition : this.parts.committer.upcoming;
  }

  private push(event: HkfsEvent, previous?: Entry | null): Position {
    return this.parts.dryRun ? this.dryPosition++ : this.parts.committer.push(event, previous);
  }

  private count({ size, origin }: FileContent): void {
    const { counters } = this.parts;
    this.countFile(size);
    if (origin === 'new') {
      counters.newObjects += 1;
      counters.newBytes += size;
    } else if (origin === 'duplicate') {
      counters.duplicateFiles += 1;
      counters.duplicateBytes += size;
    }
  }

  private countFile(size: number): void {
    this.parts.counters.file(size);
    this.parts.counters.tarBytes += size;
  }
}
