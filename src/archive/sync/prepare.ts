/** From a comparison to all that is to be done, with what had to be read for it. Nothing is changed yet. */
import { lstatSync } from 'node:fs';
import type { Attributes, Hash } from '../../events/types.js';
import { attributesOf } from '../../fs/attributes.js';
import { joinPath, readDirectoryNames } from '../../fs/names.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import type { DamagedRow, Failure, SyncStep } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { changedAttributes, hashTreeFiles, isOnlyMoved, type Suspect } from './check-contents.js';
import type { TreeComparison } from './compare-tree.js';
import type { Plan, PlaceRef, Step } from './differences.js';
import { directoryAttributes, emptyAttributes } from './entry-attributes.js';
import type { FoundEntry, MissingEntry } from './nodes.js';
import { isAsSealed } from './object-lookup.js';
import { planSync } from './plan.js';

const MAX_PATHS = 1000;

export interface Relink {
  readonly found: FoundEntry;
  readonly hash: Hash;
}

export interface AttributeStep {
  readonly place: PlaceRef;
  readonly attributes: Attributes;
}

/** What a sync is about to do; failures of doing it are added later. */
export class Changes {
  readonly plan: Plan<MissingEntry, FoundEntry>;
  readonly attributes: AttributeStep[] = [];
  readonly relinks: Relink[] = [];
  /** Objects' inodes that were moved or checked: read-only again, and sealed as they are now. */
  readonly seals: Suspect[] = [];
  readonly damaged: DamagedRow[] = [];
  /** Damaged objects that no event tells of yet. */
  readonly damagedNews: Hash[] = [];
  readonly failed: Failure[];
  /** Paths whose attributes were changed for all names of their content. */
  readonly shared: string[] = [];
  readonly lines: SyncStep[] = [];
  renamed = 0;
  added = 0;
  removed = 0;
  changed = 0;

  constructor(plan: Plan<MissingEntry, FoundEntry>, failed: readonly Failure[]) {
    this.plan = plan;
    this.failed = [...failed];
  }

  get relinked(): number {
    return this.relinks.length;
  }

  /** Seals are rows of this disk and no events. */
  get isEmpty(): boolean {
    const { plan, attributes, relinks, damagedNews } = this;
    return plan.steps.length + attributes.length + relinks.length + damagedNews.length === 0;
  }
}

export async function prepare(archive: OpenArchive, comparison: TreeComparison): Promise<Changes> {
  const { missing, found, relinks, own } = await withoutRelinks(archive, comparison);
  const taken = missing.length === 0 ? new Set<string>() : await temporaryNames(archive);
  const plan = planSync({ missing, found }, (name) => taken.has(name));
  const changes = new Changes(plan, comparison.failed);
  countSteps(changes, missing, found);
  const moved = new Set(missing.map(({ directoryId }) => directoryId));
  for (const { path, entry, attributes } of comparison.attributes) {
    if (entry.directoryId !== null && moved.has(entry.directoryId)) continue;
    changes.attributes.push({ place: { parent: entry.parent, name: entry.name }, attributes });
    changes.lines.push({ change: 'attributes', path });
  }
  for (const relink of relinks) takeRelink(archive, changes, relink);
  changes.seals.push(...own);
  takeOwnAttributes(changes);
  await settleSuspects(archive, comparison, changes);
  changes.changed += changes.attributes.length;
  return changes;
}

/** Names at the root, of the disk and of the namespace, that a temporary one might meet. */
async function temporaryNames(archive: OpenArchive): Promise<Set<string>> {
  const names = new Set(readDirectoryNames(archive.layout.root));
  for await (const entries of archive.namespace().list(0)) for (const { name } of entries) names.add(name);
  return names;
}

interface Broken {
  readonly found: FoundEntry;
  readonly entry: MissingEntry;
}

/** Files with the recorded size on an inode of their own: with the recorded bytes they are put right. */
async function withoutRelinks(
  archive: OpenArchive,
  { missing, found }: TreeComparison,
): Promise<{ missing: MissingEntry[]; found: FoundEntry[]; relinks: Broken[]; own: Suspect[] }> {
  const byPath = new Map(missing.map((entry) => [entry.path, entry]));
  const broken: Broken[] = [];
  for (const one of found) {
    const entry = one.kind === 'file' && one.hash === null ? byPath.get(one.path) : undefined;
    const event = entry?.entry.event;
    if (event?.type === 'file.ingested' && event.hash !== null && BigInt(event.size) === one.stat.size)
      broken.push({ found: one, entry: entry! });
  }
  const files = broken.map(({ found: { path, stat } }) => ({ path, stat }));
  const read = await hashTreeFiles(archive, files);
  const right = broken.filter(({ found: { path }, entry }) => {
    const verdict = read.get(path)!;
    return 'hash' in verdict && verdict.hash === entry.hash;
  });
  const done = new Set<unknown>(right.flatMap(({ found: one, entry }) => [one, entry]));
  const isOwn = ({ found: { stat }, entry }: Broken): boolean => {
    const object = lstatOrNull(objectPath(archive.layout.objects, Buffer.from(entry.hash!, 'hex')));
    return object?.ino === stat.ino && object.dev === stat.dev;
  };
  return {
    missing: missing.filter((entry) => !done.has(entry)),
    found: found.filter((one) => !done.has(one)),
    relinks: right.filter((one) => !isOwn(one)),
    // The archive was copied: the log does not know its inodes yet, which is for verify to mend.
    own: right
      .filter(isOwn)
      .map(({ found: { path, stat }, entry }) => ({ path, stat, hash: entry.hash!, seal: undefined })),
  };
}

function takeRelink(archive: OpenArchive, changes: Changes, { found, entry }: Broken): void {
  const { path, stat } = found;
  changes.relinks.push({ found, hash: entry.hash! });
  changes.lines.push({ change: 'relinked', path });
  const recorded = entry.entry.event.attributes;
  const disk = attributesOf(stat, joinPath(archive.layout.root, path), archive.posix, { xattrs: false });
  // With our mode it is a file of ours, such as a name of an object that was replaced.
  if ((disk.mode & 0o222) === 0) return;
  const { mode, uid, gid, user, group, mtimeNs } = disk;
  const isSame =
    mode === recorded.mode && uid === recorded.uid && gid === recorded.gid && mtimeNs === recorded.mtimeNs;
  if (isSame) return;
  const attributes = { ...recorded, mode, uid, gid, user, group, mtimeNs };
  changes.attributes.push({ place: { parent: entry.parent, name: entry.name }, attributes });
  changes.lines.push({ change: 'attributes', path });
}

function countSteps(changes: Changes, missing: readonly MissingEntry[], found: readonly FoundEntry[]): void {
  const { steps } = changes.plan;
  let replaced = 0;
  const renamed = new Set<MissingEntry>();
  for (const step of steps) {
    if (step.do === 'rename') renamed.add(step.entry);
    if (step.do === 'add' && step.replaces) replaced += 1;
    const line = lineOf(step);
    if (line) changes.lines.push(line);
  }
  const news = steps.filter((step) => step.do === 'add' || step.do === 'directory').length;
  changes.renamed = renamed.size;
  changes.changed = replaced;
  changes.added = news - replaced;
  // Of what was not found, that which another took the place of is a new version and not a removal.
  const kept = found.length - news;
  changes.removed = missing.length - kept - replaced;
}

function lineOf(step: Step<MissingEntry, FoundEntry>): SyncStep | null {
  switch (step.do) {
    case 'rename':
      return step.found && { change: 'renamed', path: step.found.path, from: step.entry.path };
    case 'remove':
      return { change: 'removed', path: step.entry.path };
    case 'directory':
      return { change: 'added', path: step.found.path };
    case 'add':
      return { change: step.replaces ? 'changed' : 'added', path: step.found.path };
  }
}

interface Owned extends Suspect {
  /** Null for a further name: it has the attributes of another. */
  readonly attributes: Attributes | null;
  /** Where the entry is once the plan is carried out. */
  readonly place: PlaceRef | null;
}

/** Objects' inodes that are not as they were sealed: only moved, changed in attributes, or damaged. */
async function settleSuspects(
  archive: OpenArchive,
  comparison: TreeComparison,
  changes: Changes,
): Promise<void> {
  const explained = explainedHashes(changes);
  const suspects = [...suspectsInPlace(comparison), ...suspectsFound(changes)];
  const doubtful: Owned[] = [];
  for (const suspect of suspects)
    if (isOnlyMoved(suspect) && explained.has(suspect.hash)) changes.seals.push(suspect);
    else doubtful.push(suspect);
  const read = await hashTreeFiles(archive, doubtful);
  const damaged = new Map<Hash, string>();
  for (const suspect of doubtful) {
    const verdict = read.get(suspect.path)!;
    if ('failure' in verdict) changes.failed.push({ path: suspect.path, ...verdict.failure });
    else if (verdict.hash !== suspect.hash) damaged.set(suspect.hash, verdict.hash);
    else {
      changes.seals.push(suspect);
      await takeAttributes(archive, changes, suspect);
    }
  }
  for (const [hash, actual] of damaged) await takeDamage(archive, changes, { hash, actual });
}

/** Contents of which a name came, moved or went: that moves the ctime of all its names. */
function explainedHashes({ plan, relinks }: Changes): Set<Hash> {
  const explained = new Set<Hash>(relinks.map(({ hash }) => hash));
  const note = (hash: Hash | null | undefined): void => {
    if (hash) explained.add(hash);
  };
  for (const step of plan.steps) {
    if (step.do === 'rename' || step.do === 'remove') note(step.entry.hash);
    if (step.do === 'add') {
      note(step.found.hash);
      note(step.replaces?.hash);
    }
  }
  return explained;
}

function suspectsInPlace({ touched }: TreeComparison): Owned[] {
  return touched.map(({ path, entry, hash, stat, seal }) => ({
    ...{ path, hash, stat, seal },
    attributes: entry.event.attributes,
    place: { parent: entry.parent, name: entry.name },
  }));
}

function suspectsFound({ plan }: Changes): Owned[] {
  const suspects: Owned[] = [];
  for (const [found, { entry }] of plan.matched)
    if (found.kind === 'file' && found.hash !== null && !isAsSealed(found.stat, found.seal))
      suspects.push(suspectOf(found, found.hash, entry.event.attributes));
  for (const step of plan.steps) {
    const hash = step.do === 'add' ? step.found.hash : null;
    if (step.do === 'add' && hash !== null) suspects.push(suspectOf(step.found, hash, null));
  }
  return suspects;
}

function suspectOf(found: FoundEntry, hash: Hash, attributes: Attributes | null): Owned {
  const { path, stat, seal, parent, name } = found;
  return { path, stat, seal, hash, attributes, place: attributes && { parent, name } };
}

/** Directories and empty files that were found again: their attributes are on the disk and nowhere else. */
function takeOwnAttributes(changes: Changes): void {
  for (const [found, { entry }] of changes.plan.matched) {
    const recorded = entry.event.attributes;
    const { stat, path, parent, name, kind } = found;
    const isEmpty = kind === 'file' && found.hash === null;
    const attributes =
      kind === 'directory'
        ? directoryAttributes(recorded, stat, undefined)
        : isEmpty
          ? emptyAttributes(recorded, stat)
          : null;
    if (attributes === null) continue;
    changes.attributes.push({ place: { parent, name }, attributes });
    changes.lines.push({ change: 'attributes', path });
  }
}

/** The inode is that of all names of the content: whose attributes a person meant is known of a single one. */
async function takeAttributes(archive: OpenArchive, changes: Changes, suspect: Owned): Promise<void> {
  const { attributes: recorded, place, path, hash } = suspect;
  if (recorded === null || place === null) return;
  const { uid, gid } = lstatSync(archive.layout.objects);
  const attributes = changedAttributes(recorded, suspect, { uid, gid });
  if (attributes === null) return;
  if (await hasMoreNames(archive, hash)) {
    changes.shared.push(path);
    return;
  }
  const user =
    attributes.uid === recorded.uid ? recorded.user : (archive.posix?.userName(attributes.uid) ?? null);
  const group =
    attributes.gid === recorded.gid ? recorded.group : (archive.posix?.groupName(attributes.gid) ?? null);
  changes.attributes.push({ place, attributes: { ...attributes, user, group } });
  changes.lines.push({ change: 'attributes', path });
}

async function hasMoreNames(archive: OpenArchive, hash: Hash): Promise<boolean> {
  let names = 0;
  for await (const _path of archive.contents().livePaths(hash, archive.namespace())) {
    names += 1;
    if (names > 1) return true;
  }
  return false;
}

async function takeDamage(
  archive: OpenArchive,
  changes: Changes,
  { hash, actual }: { hash: Hash; actual: Hash },
): Promise<void> {
  const paths: string[] = [];
  for await (const path of archive.contents().livePaths(hash, archive.namespace()))
    if (paths.push(path) >= MAX_PATHS) break;
  changes.damaged.push({
    hash,
    reason: `its bytes were changed through a link: they hash to ${actual}`,
    paths,
  });
  if ((await archive.contents().finding(hash)) !== 'content') changes.damagedNews.push(hash);
}
