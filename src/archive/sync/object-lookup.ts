/**
 * Which object each of some inodes is: one look-up for all files of a directory. A seal that fits is
 * evidence; all else only says which object's bytes to expect there.
 */
import type { Hash } from '../../events/types.js';
import { OBJECT_MODE } from '../../fs/contents.js';
import { keptInodes } from '../../fs/keep-damaged.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import { together } from '../../fs/together.js';
import { InodeTable } from '../inode-table.js';
import { ObjectIndex, type Seal } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';

/** Inodes that are held against single files of the hash tree; of more, the hash tree is listed whole. */
const SINGLE_LOOKS = 256;
const FAN_OUT = 256;
/** Folders of the hash tree listed at a time. */
const FOLDERS_AHEAD = 8;
const TYPE_BITS = 0o170000n;
const REGULAR = 0o100000n;

/** An object whose bytes an inode may have: they are read before anything is concluded. */
export type Candidate =
  /** It is the object's file in the hash tree. */
  | { readonly hash: Hash; readonly is: 'object' }
  /** It was, until another took its place. */
  | { readonly hash: Hash; readonly is: 'lost'; readonly wasDamaged: boolean };

export interface KnownObject {
  /** Null: no seal of the inode fits. */
  readonly hash: Hash | null;
  readonly candidate: Candidate | null;
  /** Of the object that it is or may be. */
  readonly seal: Seal | undefined;
}

export class ObjectLookup {
  private readonly archive: OpenArchive;
  private readonly index: ObjectIndex;
  private looks = 0;
  private placed: Promise<InodeTable> | null = null;
  private kept: ReadonlyMap<string, Hash> | null = null;

  constructor(archive: OpenArchive) {
    this.archive = archive;
    this.index = new ObjectIndex(archive.views.level);
  }

  /** @param expected what the log says is at the file's place */
  async look(stats: readonly FileStat[], expected: readonly Hash[] = []): Promise<KnownObject[]> {
    const inodes = stats.map(({ dev, ino }) => ({ device: dev, inode: ino }));
    const seals = inodes.length === 0 ? [] : await this.index.seals(inodes);
    const known: KnownObject[] = [];
    for (const [index, stat] of stats.entries()) {
      const seal = seals[index];
      if (isAsSealed(stat, seal)) known.push({ hash: seal!.hash, candidate: null, seal });
      else known.push(await this.unsealed(stat, seal, expected[index]));
    }
    return known;
  }

  private async unsealed(stat: FileStat, seal: Seal | undefined, expected?: Hash): Promise<KnownObject> {
    if ((stat.mode & TYPE_BITS) !== REGULAR) return { hash: null, candidate: null, seal: undefined };
    const candidate = await this.candidate(stat, [expected, seal?.hash]);
    return { hash: null, candidate, seal: seal?.hash === candidate?.hash ? seal : undefined };
  }

  private async candidate(stat: FileStat, hints: readonly (Hash | undefined)[]): Promise<Candidate | null> {
    const inode = { device: stat.dev, inode: stat.ino };
    const left = await this.archive.contents().leftAt(inode);
    // An object's file has two names at least, where one of them is in the tree.
    const hash = stat.nlink < 2n ? null : await this.placedAs(stat, [...hints, await this.hint(inode)]);
    // One that was named and never committed is an object only when its file is taken in.
    if (hash !== null) return (await this.isStored(hash)) ? { hash, is: 'object' } : null;
    const kept = this.keptAs(stat);
    if (kept !== null) return { hash: kept, is: 'lost', wasDamaged: true };
    return left === null ? null : this.lost(left);
  }

  /** An inode that was kept aside when its object was healed, whether the log got to know of it or not. */
  private keptAs({ dev, ino }: FileStat): Hash | null {
    this.kept ??= new Map(
      keptInodes(this.archive.layout.damaged).map(({ device, inode, hash }) => [`${device}:${inode}`, hash]),
    );
    return this.kept.size === 0 ? null : (this.kept.get(`${dev}:${ino}`) ?? null);
  }

  private async isStored(hash: Hash): Promise<boolean> {
    const object = await this.archive.contents().object(hash);
    return object !== null && object.inodes.length > 0;
  }

  private async hint(inode: { device: bigint; inode: bigint }): Promise<Hash | undefined> {
    return (await this.archive.contents().hashOfInode(inode)) ?? undefined;
  }

  /** What the hash tree calls this inode. */
  private async placedAs(stat: FileStat, hints: readonly (Hash | undefined)[]): Promise<Hash | null> {
    if (this.placed === null && this.looks < SINGLE_LOOKS)
      for (const hash of new Set(hints)) {
        if (hash === undefined) continue;
        this.looks += 1;
        const files = twinPaths(objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex')));
        if (files.some((file) => isInode(lstatOrNull(file), stat))) return hash;
      }
    this.placed ??= this.list();
    return (await this.placed).hashOf(stat);
  }

  private async list(): Promise<InodeTable> {
    const { pool, layout } = this.archive;
    const table = new InodeTable();
    const folders = Array.from({ length: FAN_OUT }, (_, at) => at.toString(16).padStart(2, '0'));
    for (let at = 0; at < FAN_OUT; at += FOLDERS_AHEAD) {
      const some = folders.slice(at, at + FOLDERS_AHEAD);
      const listings = await together(
        some.map((folder) =>
          pool.run({
            task: 'scan',
            directory: `${layout.objects}/${folder}`,
            limit: Infinity,
            bare: true,
          }),
        ),
      );
      for (const [index, { names, stats }] of listings.entries()) {
        const rows = new StatTable(stats);
        for (const [row, name] of names.entries())
          if (/^[0-9a-f]{62}(\.\d+)?$/.test(name)) table.add(rows.get(row), some[index]! + name.slice(0, 62));
      }
    }
    return table;
  }

  /** @param position of the event that took the inode from its object */
  private async lost(position: number): Promise<Candidate | null> {
    const { event } = await this.archive.log.get(position);
    if (event.type !== 'object.relocated' && event.type !== 'object.removed') return null;
    const told = await this.archive.contents(position).told(event.hash);
    const wasDamaged = told !== null && told.what !== 'missing' && told.position >= this.archive.since;
    return { hash: event.hash, is: 'lost', wasDamaged };
  }
}

/** Its bytes need not be looked at. */
export function isAsSealed(stat: FileStat, seal: Seal | undefined): boolean {
  return (
    seal?.ctimeNs === stat.ctimeNs &&
    seal.mtimeNs === stat.mtimeNs &&
    seal.size === stat.size &&
    modeOf(stat) === OBJECT_MODE
  );
}

export function modeOf(stat: FileStat): number {
  return Number(stat.mode) & 0o7777;
}

function isInode(there: { dev: bigint; ino: bigint } | null, { dev, ino }: FileStat): boolean {
  return there?.ino === ino && there.dev === dev;
}
