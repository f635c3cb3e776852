/**
 * The human-readable tree as a projection: each event becomes operations on the disk that are safe
 * to apply again. Specials are kept in the log only: a fifo or a device in the tree would make the
 * tools that people browse it with hang, or act on hardware.
 */
import type { Level } from '../events/level.js';
import type {
  DirectoryId,
  EventRecord,
  FileIngested,
  Hash,
  ObjectRemoved,
  PathRemoved,
  PathRenamed,
  Place,
  Position,
  SourceIdentity,
} from '../events/types.js';
import { treePath } from '../fs/confined-path.js';
import { joinPath, parentPath } from '../fs/names.js';
import { StatTable } from '../fs/stats.js';
import type { Moved, Previous, TreeOperation } from '../fs/tasks.js';
import { Contents } from './contents.js';
import type { InodeId } from './keys.js';
import { Namespace, type Entry, type NamedEntry } from './namespace.js';

/** What a place held just before a position, where the caller knows; undefined: look it up. */
export type KnownPrevious = (position: Position) => Entry | null | undefined;

/** What an object had before it was healed. */
export interface LostInodes {
  readonly inodes: readonly InodeId[];
  /** Its file was gone: so may be names of it in the tree. */
  readonly mayMake: boolean;
  /** They were told damaged: other bytes on them are kept aside, and not left alone. */
  readonly wereDamaged: boolean;
}

const MAX_CACHED_PATHS = 50_000;

export class TreeProjection {
  private readonly level: Level;
  private readonly root: string;
  private readonly objects: string;
  private readonly since: Position;
  private readonly paths = new Map<DirectoryId, string | null>();

  /**
   * @param root the archive's directory
   * @param objects the hash tree's directory
   * @param since events before it speak of inodes of another disk
   */
  constructor(level: Level, root: string, objects: string, since: Position) {
    this.level = level;
    this.root = root;
    this.objects = objects;
    this.since = since;
  }

  /**
   * What is left to do for events that say what was found on the disk: files whose bytes are objects now
   * become links to them, and so do names of an object that such a file healed. Everything else is there
   * already, and may have gone on changing since.
   */
  async adoptions(records: readonly EventRecord[]): Promise<TreeOperation[]> {
    const operations: TreeOperation[] = [];
    for (const { event, position } of records) {
      if (event.type === 'object.healed') {
        const lost = await this.lostInodes(event.hash, position);
        const names = records.at(-1)!.position;
        operations.push(...(await this.relinks(event.hash, names, { ...lost, mayMake: false })));
      }
      if (event.type !== 'file.ingested' && event.type !== 'attributes.changed') continue;
      const { source } = event;
      const file = event.type === 'file.ingested' ? event : await this.fileAt(event, position);
      if (source === null || file === null || file.hash === null) continue;
      const path = await this.pathOf(event, position);
      if (path === null) continue;
      const previous = adopted({ ...file, attributes: event.attributes }, source);
      operations.push({ op: 'link', path: this.onDisk(path), object: this.objectPath(file.hash), previous });
    }
    return operations;
  }

  /** The operations of events in order; the views must have folded them. */
  async operations(records: readonly EventRecord[], known?: KnownPrevious): Promise<TreeOperation[]> {
    const operations: TreeOperation[] = [];
    for (const record of records) await this.project(record, known, operations);
    return operations;
  }

  private async project(
    record: EventRecord,
    known: KnownPrevious | undefined,
    into: TreeOperation[],
  ): Promise<void> {
    const { event, position } = record;
    switch (event.type) {
      case 'directory.added': {
        const path = await this.pathOf(event, position);
        if (path === null) return;
        this.remember(position, path);
        into.push({ op: 'mkdir', path: this.onDisk(path) });
        return;
      }
      case 'file.ingested':
      case 'symlink.added':
      case 'special.added': {
        const path = await this.pathOf(event, position);
        if (path === null) return;
        const hint = known?.(position);
        const before = hint === undefined ? await this.before(event, position) : hint;
        const operation = this.place({ ...event, position }, this.onDisk(path), before);
        if (operation) into.push(operation);
        return;
      }
      case 'path.removed':
        return this.remove(event, position, into);
      case 'path.restored':
        return this.restore(event, position, into);
      case 'path.renamed':
        return this.rename(event, position, into);
      case 'object.removed':
        return position < this.since ? undefined : this.discard(event, into);
      case 'object.healed':
        into.push(...(await this.relinks(event.hash, position, await this.lostInodes(event.hash, position))));
        return;
      default:
        return;
    }
  }

  /**
   * The last step of a removal: asked again is whether nothing names the content, and whether the inode
   * did not become the object's again.
   */
  private async discard({ hash, device, inode }: ObjectRemoved, into: TreeOperation[]): Promise<void> {
    const contents = new Contents(this.level, Number.MAX_SAFE_INTEGER - 1);
    const known = (await contents.object(hash))?.inodes ?? [];
    const isBack = known.some(
      (other) => other.position >= this.since && other.inode === inode && other.device === device,
    );
    if (isBack) return;
    const now = new Namespace(this.level, contents.at);
    for await (const _named of contents.livePaths(hash, now)) return;
    into.push({ op: 'discard', path: this.objectPath(hash), device, inode });
  }

  /** One rename, whatever is below. A special, which the tree has not, only leaves room. */
  private async rename(event: PathRenamed, position: Position, into: TreeOperation[]): Promise<void> {
    const before = new Namespace(this.level, position - 1);
    const from = await before.pathOfPlace(event.from);
    const to = await new Namespace(this.level, position).pathOfPlace(event.to);
    this.paths.clear();
    if (from === null || to === null) return;
    const entry = await before.entryAt(event.from);
    const replaced = await before.entryAt(event.to);
    const previous = replaced ? this.previousOf(replaced) : null;
    const path = this.onDisk(to);
    if (entry?.event.type !== 'special.added')
      into.push({ op: 'rename', from: this.onDisk(from), to: path, moved: this.movedOf(entry), previous });
    else if (previous) into.push({ op: 'unlink', path, previous });
  }

  private place(
    event: Extract<EventRecord['event'], { type: 'file.ingested' | 'symlink.added' | 'special.added' }> & {
      position: Position;
    },
    path: string,
    before: Entry | null,
  ): TreeOperation | null {
    const previous = before && this.previousOf(before);
    if (event.type === 'special.added') return previous && { op: 'unlink', path, previous };
    if (event.type === 'symlink.added') return { op: 'symlink', path, target: event.target, previous };
    if (event.hash === null) return { op: 'empty', path, mtimeNs: event.attributes.mtimeNs, previous };
    return { op: 'link', path, object: this.objectPath(event.hash), previous };
  }

  /** Everything below, files first and directories from the innermost outwards. */
  private async remove(event: PathRemoved, position: Position, into: TreeOperation[]): Promise<void> {
    const before = new Namespace(this.level, position - 1);
    const path = await before.pathOfPlace(event);
    const entry = await before.entryAt(event);
    this.paths.clear();
    if (path === null || entry === undefined) return;
    const removals = [this.removal(path, entry)];
    if (entry.directoryId !== null)
      for await (const below of before.walk({ path, entry }))
        removals.push(this.removal(below.path, below.entry));
    for (const removal of removals.reverse()) if (removal) into.push(removal);
  }

  /** The entry and everything below it, as the namespace has them at the event. */
  private async restore(place: Place, position: Position, into: TreeOperation[]): Promise<void> {
    const namespace = new Namespace(this.level, position);
    const path = await namespace.pathOfPlace(place);
    const entry = await namespace.entryAt(place);
    this.paths.clear();
    if (path === null || entry === undefined) return;
    const before = await this.before(place, position);
    if (entry.directoryId !== null && before?.directoryId === entry.directoryId) {
      // Of a directory's attributes the tree has the mode at most, where a person gave it one by hand.
      const [from, to] = [before.event.attributes.mode, entry.event.attributes.mode];
      if (from !== to) into.push({ op: 'chmod', path: this.onDisk(path), from, to });
      return;
    }
    into.push(...this.materialise({ path, entry }, before));
    if (entry.directoryId !== null)
      for await (const below of namespace.walk({ path, entry })) into.push(...this.materialise(below, null));
  }

  /** All of the tree at a moment, each directory before what is in it. */
  async *whole(namespace: Namespace): AsyncGenerator<TreeOperation> {
    const entry = await namespace.resolve('');
    for await (const named of namespace.walk({ path: '', entry: entry! }))
      yield* this.materialise(named, null);
  }

  /** What puts an entry that is no removal's into the tree, by itself. */
  materialise({ path, entry }: NamedEntry, before: Entry | null): TreeOperation[] {
    const { event, position } = entry;
    if (event.type === 'directory.added') return [{ op: 'mkdir', path: this.onDisk(path) }];
    const operation = this.place({ ...event, position }, this.onDisk(path), before);
    return operation ? [operation] : [];
  }

  private removal(path: string, entry: Entry): TreeOperation | null {
    if (entry.kind === 'directory') return { op: 'rmdir', path: this.onDisk(path) };
    const previous = this.previousOf(entry);
    return previous && { op: 'unlink', path: this.onDisk(path), previous };
  }

  /** What is to be at the old name; undefined where nobody knows. */
  private movedOf(entry: Entry | undefined): Moved | undefined {
    if (entry === undefined) return undefined;
    return entry.kind === 'directory' ? 'directory' : (this.previousOf(entry) ?? undefined);
  }

  /** How the tree shows an entry that is no directory; null for what it does not show. */
  previousOf(entry: Entry): Previous | null {
    const { event } = entry;
    if (event.type === 'symlink.added') return { kind: 'symlink', target: event.target };
    if (event.type !== 'file.ingested') return null;
    return event.hash === null ? { kind: 'empty' } : { kind: 'object', object: this.objectPath(event.hash) };
  }

  /** Every name of a content at the moment that is on a lost inode, or gone with it. */
  async relinks(hash: Hash, position: Position, lost: LostInodes): Promise<TreeOperation[]> {
    if (lost.inodes.length === 0 && !lost.mayMake) return [];
    const object = this.objectPath(hash);
    const { inodes, mayMake } = lost;
    const aside = lost.wereDamaged ? `${parentPath(this.objects)}/damaged` : null;
    const operations: TreeOperation[] = [];
    const names = new Contents(this.level, position).livePaths(hash, new Namespace(this.level, position));
    for await (const path of names)
      operations.push({ op: 'relink', path: this.onDisk(path), object, inodes, mayMake, aside });
    return operations;
  }

  private async lostInodes(hash: Hash, position: Position): Promise<LostInodes> {
    const finding = await new Contents(this.level, position - 1).told(hash);
    // What was lost before was lost elsewhere, and its inodes may be anybody's here.
    if (finding === null || finding.position < this.since)
      return { inodes: [], mayMake: false, wereDamaged: false };
    const span = { from: finding.position, to: position };
    const inodes = await new Contents(this.level, position).inodesGone(hash, span);
    const isMissing = finding.what === 'missing';
    return { inodes, mayMake: isMissing, wereDamaged: !isMissing };
  }

  private async before(place: Place, position: Position): Promise<Entry | null> {
    return (await new Namespace(this.level, position - 1).entryAt(place)) ?? null;
  }

  private async fileAt(place: Place, position: Position): Promise<FileIngested | null> {
    const entry = await new Namespace(this.level, position).entryAt(place);
    return entry?.event.type === 'file.ingested' ? entry.event : null;
  }

  private async pathOf(place: Place, position: Position): Promise<string | null> {
    if (place.parent === 0) return place.name;
    let parent = this.paths.get(place.parent);
    if (parent === undefined) {
      parent = await new Namespace(this.level, position).pathOf(place.parent);
      this.remember(place.parent, parent);
    }
    return parent === null ? null : joinPath(parent, place.name);
  }

  private remember(id: DirectoryId, path: string | null): void {
    if (this.paths.size >= MAX_CACHED_PATHS) this.paths.clear();
    this.paths.set(id, path);
  }

  private onDisk(path: string): string {
    return treePath(this.root, path);
  }

  private objectPath(hash: Hash): string {
    return `${this.objects}/${hash.slice(0, 2)}/${hash.slice(2)}`;
  }
}

/** The file as it was when its bytes were read; what matters of its stat is in the event. */
function adopted({ size, attributes }: FileIngested, source: SourceIdentity): Previous {
  const { device, inode, ctimeNs } = source;
  const rest = { mode: 0n, nlink: 0n, uid: 0n, gid: 0n, rdev: 0n, blocks: 0n };
  const stat = new StatTable(1);
  stat.set(0, { ...rest, dev: device, ino: inode, size: BigInt(size), mtimeNs: attributes.mtimeNs, ctimeNs });
  return { kind: 'adopted', stat: stat.values };
}
