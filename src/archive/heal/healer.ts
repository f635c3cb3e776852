/**
 * A damaged or missing object gets good bytes: that it is damaged is in the log first, then they are staged
 * and hashed, and only then does their file take the place of the damaged one (docs/windows.md).
 */
import { lstatSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { keepDamaged, keptInodesOf } from '../../fs/keep-damaged.js';
import { treePath } from '../../fs/confined-path.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import type { NameItem } from '../../fs/tasks.js';
import type { InodeId } from '../../projections/keys.js';
import { TreeProjection } from '../../projections/tree.js';
import type { DamagedRow, HealOptions } from '../api.js';
import { makeAbsentNames, rememberAbsent } from '../absent-names.js';
import { Committer } from '../committer.js';
import type { OpenArchive } from '../open-archive.js';
import { damagedRow } from '../remote/damaged-row.js';
import { findMisplaced } from './misplaced.js';
import { examine, findingOf, reasonOf, type Examined, type ObjectFile } from './examine.js';
import { HealSources } from './sources.js';

/** The operation's committer; null: a clone that only follows, in which nothing is recorded. */
export type BeginHealing = () => Promise<Committer | null>;

interface Copies {
  readonly from: string;
  readonly copies: readonly Staged[];
}

interface Staged {
  readonly file: ObjectFile;
  readonly staged: string;
  readonly inode: InodeId;
}

export class Healer {
  objects = 0;
  readonly healed: DamagedRow[] = [];
  readonly lost: DamagedRow[] = [];
  private readonly archive: OpenArchive;
  private readonly options: HealOptions;
  private readonly begin: BeginHealing;
  private readonly sources: HealSources;
  /** Of which neither the tree nor a remote has good bytes. */
  private open: Examined[] = [];
  private nextStaged = 0;

  constructor(archive: OpenArchive, options: HealOptions, begin: BeginHealing) {
    this.archive = archive;
    this.options = options;
    this.begin = begin;
    this.sources = new HealSources(archive, options);
  }

  /** Looks at each, and brings back what is wrong. @throws HkfsError INTERRUPTED */
  async heal(hashes: Iterable<Hash>): Promise<void> {
    try {
      for await (const batch of examine(this.archive, hashes)) {
        this.objects += batch.length;
        const wrong = batch.filter(({ files }) => files.some(({ isGood }) => !isGood));
        for (const examined of batch)
          if (examined.told !== null && !wrong.includes(examined)) await this.tellGood(examined);
        await this.tellDamage(wrong);
        await rememberAbsent(
          this.archive,
          wrong.filter(({ files }) => files[0]!.inode === null).map(({ object }) => object.hash),
        );
        for (const examined of wrong) {
          this.throwIfStopped();
          await this.healOne(examined);
        }
        await (await this.committer(wrong.length > 0))?.flush();
        this.options.onProgress?.({
          phase: 'healing',
          files: this.objects,
          bytes: 0,
          totalFiles: null,
          totalBytes: null,
        });
      }
      await this.healMisplaced();
      await makeAbsentNames(this.archive, this.options.onMessage ?? (() => {}));
    } finally {
      await this.sources.close();
    }
  }

  /** Names of what was healed that are links to it: all but those in whose place something else stands. */
  linkedNames(): Set<string> {
    const { layout } = this.archive;
    const isLink = ({ hash }: DamagedRow, path: string): boolean => {
      const objects = twinPaths(objectPath(layout.objects, Buffer.from(hash, 'hex')));
      const there = lstatOrNull(treePath(layout.root, path));
      return there !== null && objects.some((object) => lstatOrNull(object)?.ino === there.ino);
    };
    return new Set(this.healed.flatMap((row) => row.paths.filter((path) => isLink(row, path))));
  }

  /** An operation begins when there is something to tell. */
  private async committer(isNeeded: boolean): Promise<Committer | null> {
    return isNeeded ? this.begin() : null;
  }

  /** Found wrong by an earlier check, and right now: by a heal that was killed, or by hand. */
  private async tellGood({ object, files, gone }: Examined): Promise<void> {
    const committer = await this.begin();
    if (committer === null) return;
    // What a heal that was killed replaced: the log may not know its inode, which was kept aside.
    const left = [...gone, ...keptInodesOf(this.archive.layout.damaged, object.hash)];
    for (const { inode } of files)
      if (inode && !isRecorded(this.archive, object, inode))
        tellInode(committer, object, left.shift() ?? null, inode);
    committer.push({ type: 'object.healed', hash: object.hash, from: 'verify' });
    await committer.flush();
  }

  /** Before anything is replaced: who finds good bytes on an unknown inode after a kill knows why. */
  private async tellDamage(wrong: readonly Examined[]): Promise<void> {
    const committer = await this.committer(wrong.length > 0);
    if (committer === null) return;
    for (const examined of wrong) {
      const finding = findingOf(examined);
      const { hash } = examined.object;
      const told = await this.archive.contents().told(hash);
      // What was told of another disk says nothing of the names that are here.
      if (told?.what === finding && told.position >= this.archive.since) continue;
      committer.push({ type: 'object.damaged', hash, finding });
    }
    await committer.flush();
    failpoint('heal.told');
  }

  private async healOne(examined: Examined): Promise<void> {
    const staged = await this.stageAll(examined, (path) => this.sources.stage(examined, path));
    if (staged === null) this.open.push(examined);
    else await this.replace(examined, staged);
  }

  /**
   * What is left is looked for under other names of the hash tree. All is staged before any of it is
   * replaced: of two objects that were exchanged, each is where the other's bytes are.
   */
  private async healMisplaced(): Promise<void> {
    const { open } = this;
    const misplaced = await findMisplaced(
      this.archive,
      open.map(({ object }) => object),
    );
    const healable: { examined: Examined; staged: Copies }[] = [];
    for (const examined of open) {
      this.throwIfStopped();
      const { hash } = examined.object;
      const source = misplaced.get(hash);
      const carry = async (staged: string): Promise<string | null> =>
        (await this.sources.carry(examined.object, source!, staged)) ? 'misplaced' : null;
      const staged = source === undefined ? null : await this.stageAll(examined, carry);
      if (staged !== null) healable.push({ examined, staged });
      else this.lost.push(await damagedRow(this.archive, hash, reasonOf(examined)));
    }
    for (const { examined, staged } of healable) await this.replace(examined, staged);
    await (await this.committer(healable.length > 0))?.flush();
  }

  private async replace(examined: Examined, staged: Copies): Promise<void> {
    const { hash } = examined.object;
    const row = await damagedRow(this.archive, hash, reasonOf(examined));
    failpoint('heal.staged');
    for (const { file } of staged.copies)
      if (file.inode) keepDamaged(this.archive.layout.damaged, file.path, hash);
    const committer = await this.begin();
    if (committer) this.commit(committer, examined, staged);
    else await this.replaceUntold(examined, staged.copies);
    await committer?.maybeCommit();
    this.healed.push({ ...row, healedFrom: staged.from });
  }

  /** Good bytes for each file that is wrong; null where nobody has them. */
  private async stageAll(
    examined: Examined,
    stage: (staged: string) => Promise<string | null>,
  ): Promise<Copies | null> {
    const copies: Staged[] = [];
    let from: string | null = null;
    for (const file of examined.files.filter(({ isGood }) => !isGood)) {
      const staged = this.newStaged();
      const [first] = copies;
      if (first === undefined) from = await stage(staged);
      else if (!(await this.sources.carry(examined.object, first.staged, staged))) return null;
      if (from === null) return null;
      const { dev: device, ino: inode } = lstatSync(staged, { bigint: true });
      copies.push({ file, staged, inode: { device, inode } });
    }
    return { from: from!, copies };
  }

  private commit(committer: Committer, { object, gone }: Examined, { from, copies }: Copies): void {
    const left = [...gone];
    for (const { file, staged, inode } of copies) {
      const item = namingOf(file, staged);
      // The inode that is there, whether the log knew it or not: names of it are to follow.
      const before = file.inode ?? left.shift() ?? null;
      committer.heal(item, { hash: object.hash, size: object.size, from: before, to: inode });
    }
    for (const { device, inode } of left)
      committer.push({ type: 'object.removed', hash: object.hash, size: object.size, device, inode });
    committer.push({ type: 'object.healed', hash: object.hash, from });
  }

  /** The same without a word in the log. */
  private async replaceUntold(examined: Examined, copies: readonly Staged[]): Promise<void> {
    const { archive } = this;
    await archive.sync();
    const items = copies.map(({ file, staged }) => namingOf(file, staged));
    const { failures } = await archive.pool.run({ task: 'name', items });
    for (const [, { code, message }] of failures) throw Object.assign(new Error(message), { code });
    await archive.sync();
    failpoint('heal.named');
    const tree = new TreeProjection(
      archive.views.level,
      archive.layout.root,
      archive.layout.objects,
      archive.since,
    );
    const operations = await tree.relinks(examined.object.hash, archive.now, {
      inodes: copies.flatMap(({ file }) => file.inode ?? []),
      mayMake: copies.some(({ file }) => file.inode === null),
      wereDamaged: true,
    });
    const { onMessage = () => {} } = this.options;
    await new Committer(archive, { operation: 0, clock: Date.now, onMessage }).applyAgain(operations);
  }

  private newStaged(): string {
    return `${this.archive.layout.staging}/heal-${this.nextStaged++}`;
  }

  private throwIfStopped(): void {
    if (!this.options.signal?.aborted) return;
    throw new HkfsError('INTERRUPTED', 'stopped; what was healed stays', {
      hint: 'run the same command again to go on',
    });
  }
}

function namingOf(file: ObjectFile, staged: string): NameItem {
  return { from: staged, to: file.path, replace: file.inode !== null };
}

function isRecorded(archive: OpenArchive, object: Examined['object'], { device, inode }: InodeId): boolean {
  const here = archive.contents().inodesHere(object);
  return here.some((known) => known.inode === inode && known.device === device);
}

function tellInode(
  committer: Committer,
  { hash, size }: Examined['object'],
  from: InodeId | null,
  to: InodeId,
): void {
  if (from === null) committer.push({ type: 'object.stored', hash, size, ...to });
  else
    committer.push({
      ...{ type: 'object.relocated' as const, hash, size, to },
      from: { device: from.device, inode: from.inode },
    });
}
