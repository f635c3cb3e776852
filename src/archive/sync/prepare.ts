/** From a comparison to all that is to be done, with what had to be read for it. Nothing is changed yet. */
import { lstatSync } from 'node:fs';
import type { Attributes, Hash } from '../../events/types.js';
import { attributesOf } from '../../fs/attributes.js';
import { treePath } from '../../fs/confined-path.js';
import { readDirectoryNames } from '../../fs/names.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import type { DamagedRow, Failure, SyncStep } from '../api.js';
import { isHere } from '../absent-names.js';
import type { OpenArchive } from '../open-archive.js';
import { changedAttributes, type Suspect, type Verdict } from './check-contents.js';
import type { TreeComparison } from './compare-tree.js';
import type { Differences, Plan, PlaceRef, Step } from './differences.js';
import { directoryAttributes, emptyAttributes } from './entry-attributes.js';
import { planWithoutHeld } from './held-names.js';
import type { FoundEntry, MissingEntry } from './nodes.js';
import { planSync } from './plan.js';
import { mayBeRecorded, readFiles, wrongCandidates, wrongObjects, type ReadFiles } from './read-files.js';

const MAX_PATHS = 1000;

export interface Relink {
  readonly found: FoundEntry;
  readonly hash: Hash;
}

export interface DamageNews {
  readonly hash: Hash;
  readonly finding: 'missing' | 'content' | 'unreadable';
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
  readonly damagedNews: DamageNews[] = [];
  readonly failed: Failure[];
  /** Paths whose attributes were changed for all names of their content. */
  readonly shared: string[] = [];
  readonly lines: SyncStep[] = [];
  renamed = 0;
  added = 0;
  removed = 0;
  changed = 0;
  /** Names that are not in the tree because their contents are not here. */
  absent = 0;

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
  const read = await readFiles(archive, comparison);
  const { relinks, own, ...different } = withoutRelinks(archive, comparison.missing, read);
  const taken = different.missing.length === 0 ? new Set<string>() : await temporaryNames(archive);
  const planOf = (lists: Differences<MissingEntry, FoundEntry>): SyncPlan =>
    withNewFiles(planSync(lists, (name) => taken.has(name)));
  const planned = await planWithoutHeld(archive.refused, different, planOf);
  const { found, missing: gone } = planned.lists;
  const absent = absentEntries(archive, planned.plan, gone);
  const missing = absent.size === 0 ? gone : gone.filter((entry) => !absent.has(entry));
  const plan = absent.size === 0 ? planned.plan : planOf({ missing, found });
  const changes = new Changes(plan, [...comparison.failed, ...planned.failed]);
  changes.absent = absent.size;
  countSteps(changes, missing, found);
  const moved = new Set(missing.map(({ directoryId }) => directoryId));
  for (const { path, entry, attributes } of comparison.attributes) {
    if (entry.directoryId !== null && moved.has(entry.directoryId)) continue;
    changes.attributes.push({ place: { parent: entry.parent, name: entry.name }, attributes });
    changes.lines.push({ change: 'attributes', path });
  }
  await takeRelinks(archive, changes, [...relinks, ...lostElsewhere(plan, found)]);
  changes.seals.push(...own);
  takeOwnAttributes(changes);
  await settleSuspects(archive, { comparison, verdicts: read.verdicts }, changes);
  changes.changed += changes.attributes.length;
  return changes;
}

/**
 * What the tree cannot show, nobody has removed: the content is not here, as in a clone whose origin had lost
 * it. With a directory that was removed it goes all the same.
 */
function absentEntries(
  archive: OpenArchive,
  { steps }: SyncPlan,
  missing: readonly MissingEntry[],
): Set<MissingEntry> {
  const directories = new Set(missing.map(({ directoryId }) => directoryId));
  const here = new Map<Hash, boolean>();
  const absent = new Set<MissingEntry>();
  for (const step of steps) {
    if (step.do !== 'remove' || step.entry.hash === null || directories.has(step.entry.parent)) continue;
    const { hash } = step.entry;
    if (!here.has(hash)) here.set(hash, isHere(archive, hash));
    if (!here.get(hash)) absent.add(step.entry);
  }
  return absent;
}

/** Names at the root, of the disk and of the namespace, that a temporary one might meet. */
async function temporaryNames(archive: OpenArchive): Promise<Set<string>> {
  const names = new Set(readDirectoryNames(archive.layout.root));
  for await (const entries of archive.namespace().list(0)) for (const { name } of entries) names.add(name);
  return names;
}

interface Broken {
  readonly found: FoundEntry;
  readonly hash: Hash;
  /** Of the name where it is recorded; null: it was found elsewhere. */
  readonly entry: MissingEntry | null;
}

/** Files with the recorded size on an inode of their own: with the recorded bytes they are put right. */
function withoutRelinks(
  archive: OpenArchive,
  missing: readonly MissingEntry[],
  { found, verdicts }: ReadFiles,
): { missing: MissingEntry[]; found: FoundEntry[]; relinks: Broken[]; own: Suspect[] } {
  const byPath = new Map(missing.map((entry) => [entry.path, entry]));
  const right: (Broken & { readonly entry: MissingEntry })[] = [];
  for (const one of found) {
    const entry = byPath.get(one.path);
    if (entry === undefined || entry.hash === null) continue;
    const verdict = mayBeRecorded(one, entry) ? verdicts.get(one.path) : undefined;
    const hasBytes = verdict !== undefined && 'hash' in verdict && verdict.hash === entry.hash;
    if (hasBytes || (one.relink !== undefined && one.hash === entry.hash))
      right.push({ found: one, hash: entry.hash, entry });
  }
  const done = new Set<unknown>(right.flatMap(({ found: one, entry }) => [one, entry]));
  const isOwn = ({ found: { stat }, hash }: Broken): boolean => {
    const object = lstatOrNull(objectPath(archive.layout.objects, Buffer.from(hash, 'hex')));
    return object?.ino === stat.ino && object.dev === stat.dev;
  };
  return {
    missing: missing.filter((entry) => !done.has(entry)),
    found: found.filter((one) => !done.has(one)),
    relinks: right.filter((one) => !isOwn(one)),
    // It became the object's file while it was looked at.
    own: right
      .filter(isOwn)
      .map(({ found: { path, stat }, hash }) => ({ path, stat, hash, seal: undefined })),
  };
}

type SyncPlan = Plan<MissingEntry, FoundEntry>;

/**
 * Bytes that are no content, under a name that their object never had, were put there by somebody who wants
 * them: damaged ones that were kept aside, and files that came to stand under an object's name.
 */
function withNewFiles(plan: SyncPlan): SyncPlan {
  const isWanted = (step: SyncPlan['steps'][number]): boolean =>
    step.do === 'add' && (step.found.relink?.isDamaged === true || step.found.isGuess === true);
  if (!plan.steps.some(isWanted)) return plan;
  const steps = plan.steps.map((step) =>
    step.do === 'add' && isWanted(step) ? { ...step, found: { ...step.found, hash: null, key: null } } : step,
  );
  return { ...plan, steps };
}

/** Names of an inode that its object lost, under other names than are recorded: they are links again as well. */
function lostElsewhere({ matched }: SyncPlan, found: readonly FoundEntry[]): Broken[] {
  return found.flatMap((one) => {
    const isMeant = one.relink !== undefined && (matched.has(one) || !one.relink.isDamaged);
    return isMeant && one.hash !== null ? [{ found: one, hash: one.hash, entry: null }] : [];
  });
}

/** Only to objects that are right: what would be given up may be the last good copy. */
async function takeRelinks(archive: OpenArchive, changes: Changes, broken: readonly Broken[]): Promise<void> {
  const wrong = await wrongObjects(archive, new Set(broken.map(({ hash }) => hash)));
  for (const [hash, { finding, reason }] of wrong)
    await takeDamage(archive, changes, { hash, finding, reason });
  const kept = new Map<Hash, string[]>();
  for (const one of broken) {
    if (wrong.has(one.hash)) continue;
    takeRelink(archive, changes, one);
    if (!one.found.relink?.isDamaged) continue;
    kept.set(one.hash, [...(kept.get(one.hash) ?? []), one.found.path]);
  }
  const reason = 'names were still on an inode that was damaged; its bytes are kept in .hkfs/damaged';
  for (const [hash, paths] of kept) changes.damaged.push({ hash, reason, paths: paths.slice(0, MAX_PATHS) });
}

function takeRelink(archive: OpenArchive, changes: Changes, { found, hash, entry }: Broken): void {
  const { path, stat } = found;
  changes.relinks.push({ found, hash });
  changes.lines.push({ change: 'relinked', path });
  if (entry === null) return;
  const recorded = entry.entry.event.attributes;
  const disk = attributesOf(stat, treePath(archive.layout.root, path), archive.posix, { xattrs: false });
  // With our mode it is a file of ours, such as a name of an object that was replaced.
  if ((disk.mode & 0o222) === 0 || found.relink?.isDamaged) return;
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

/** Objects' inodes that are not as they were sealed: as good as before, changed in attributes, or damaged. */
async function settleSuspects(
  archive: OpenArchive,
  { comparison, verdicts }: { comparison: TreeComparison; verdicts: ReadonlyMap<string, Verdict> },
  changes: Changes,
): Promise<void> {
  const damaged = wrongCandidates(comparison.found, verdicts);
  for (const suspect of [...suspectsInPlace(comparison), ...suspectsFound(changes)]) {
    const verdict = verdicts.get(suspect.path)!;
    if ('failure' in verdict) changes.failed.push({ path: suspect.path, ...verdict.failure });
    else if (verdict.hash !== suspect.hash) damaged.set(suspect.hash, verdict.hash);
    else {
      changes.seals.push({ ...suspect, isSettled: verdict.isSettled });
      await takeAttributes(archive, changes, suspect);
    }
  }
  for (const [hash, actual] of damaged) {
    const reason = `its file has other bytes, as after a change through a link: they hash to ${actual}`;
    await takeDamage(archive, changes, { hash, finding: 'content', reason });
  }
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
    if (isUnsealedObject(found)) suspects.push(suspectOf(found, found.hash!, entry.event.attributes));
  for (const step of plan.steps)
    if (step.do === 'add' && isUnsealedObject(step.found))
      suspects.push(suspectOf(step.found, step.found.hash!, null));
  return suspects;
}

function isUnsealedObject({ kind, hash, candidate }: FoundEntry): boolean {
  return kind === 'file' && hash !== null && candidate?.is === 'object' && candidate.hash === hash;
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
  damage: { readonly hash: Hash; readonly finding: DamageNews['finding']; readonly reason: string },
): Promise<void> {
  const { hash, finding, reason } = damage;
  if (changes.damaged.some((row) => row.hash === hash)) return;
  const paths: string[] = [];
  for await (const path of archive.contents().livePaths(hash, archive.namespace()))
    if (paths.push(path) >= MAX_PATHS) break;
  changes.damaged.push({ hash, reason, paths });
  if ((await archive.contents().finding(hash)) !== finding) changes.damagedNews.push({ hash, finding });
}
