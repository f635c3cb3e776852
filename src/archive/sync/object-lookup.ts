/** Which object each of some inodes is: one look-up for all files of a directory. */
import type { Hash } from '../../events/types.js';
import { OBJECT_MODE } from '../../fs/contents.js';
import type { FileStat } from '../../fs/stats.js';
import { ObjectIndex, type Seal } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';

export interface KnownObject {
  /** Null: the inode is none of an object. */
  readonly hash: Hash | null;
  readonly seal: Seal | undefined;
}

export class ObjectLookup {
  private readonly archive: OpenArchive;
  private readonly index: ObjectIndex;

  constructor(archive: OpenArchive) {
    this.archive = archive;
    this.index = new ObjectIndex(archive.views.level);
  }

  async look(stats: readonly FileStat[]): Promise<KnownObject[]> {
    const inodes = stats.map(({ dev, ino }) => ({ device: dev, inode: ino }));
    const seals = inodes.length === 0 ? [] : await this.index.seals(inodes);
    const known: KnownObject[] = [];
    for (const [index, inode] of inodes.entries()) {
      const seal = seals[index];
      // A seal that no longer fits may be of an inode that was an object once.
      const hash = isAsSealed(stats[index]!, seal)
        ? seal!.hash
        : await this.archive.contents().hashOfInode(inode);
      known.push({ hash, seal: seal?.hash === hash ? seal : undefined });
    }
    return known;
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
