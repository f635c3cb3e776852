/** Whether the files of orphans are what the log says: what has no seal that fits is read before it may go. */
import { hashToHex } from '../../fs/hash.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { sameContentStat, StatTable, type FileStat } from '../../fs/stats.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import type { Orphan } from '../queries/orphans.js';

const TOGETHER = 256;

export type WhyNot = 'linked' | 'unverified';

interface ObjectFile {
  readonly path: string;
  readonly stat: FileStat;
}

export class FileJudge {
  private readonly archive: OpenArchive;
  private readonly index: ObjectIndex;
  /** Files that were found right, by what they were then: they are not read again. */
  private readonly right = new Map<string, FileStat>();

  constructor(archive: OpenArchive) {
    this.archive = archive;
    this.index = new ObjectIndex(archive.views.level);
  }

  /** Why each has to stay; null where its files are right and have no other name. */
  async judge(orphans: readonly Orphan[]): Promise<(WhyNot | null)[]> {
    const verdicts: (WhyNot | null)[] = [];
    for (let at = 0; at < orphans.length; at += TOGETHER) {
      const some = orphans
        .slice(at, at + TOGETHER)
        .map((orphan) => ({ orphan, files: this.filesOf(orphan) }));
      await this.read(some);
      for (const { orphan, files } of some) verdicts.push(this.whyNot(orphan, files));
    }
    return verdicts;
  }

  private filesOf({ object }: Orphan): ObjectFile[] {
    const paths = twinPaths(objectPath(this.archive.layout.objects, Buffer.from(object.hash, 'hex')));
    return paths.flatMap((path) => {
      const stat = lstatOrNull(path);
      return stat === null ? [] : [{ path, stat }];
    });
  }

  private whyNot({ object }: Orphan, files: readonly ObjectFile[]): WhyNot | null {
    const isHere = ({ device, inode }: { device: bigint; inode: bigint }): boolean =>
      files.some(({ stat }) => stat.ino === inode && stat.dev === device);
    const isComplete = files.length > 0 && this.archive.contents().inodesHere(object).every(isHere);
    if (!isComplete || !files.every((file) => this.isRight(file))) return 'unverified';
    return files.some(({ stat }) => stat.nlink > 1n) ? 'linked' : null;
  }

  private isRight({ path, stat }: ObjectFile): boolean {
    const known = this.right.get(path);
    return known !== undefined && sameContentStat(known, stat);
  }

  private async read(orphans: readonly { orphan: Orphan; files: readonly ObjectFile[] }[]): Promise<void> {
    const open = orphans
      .flatMap(({ orphan, files }) => files.map((file) => ({ ...file, hash: orphan.object.hash })))
      .filter((file) => !this.isRight(file));
    if (open.length === 0) return;
    const seals = await this.index.seals(open.map(({ stat }) => ({ device: stat.dev, inode: stat.ino })));
    const unsealed = open.filter(({ hash, stat, path }, at) => {
      const isSealed = this.index.judge(hash, stat, seals[at]) === 'good';
      if (isSealed) this.right.set(path, stat);
      return !isSealed;
    });
    if (unsealed.length === 0) return;
    const files = unsealed.map(({ path }) => path);
    const { hashes, failures, stats } = await this.archive.pool.run({ task: 'hash', files });
    const after = new StatTable(stats);
    for (const [at, { path, hash, stat }] of unsealed.entries()) {
      const actual = hashToHex(hashes.subarray(at * 32, at * 32 + 32));
      if (!failures.has(at) && actual === hash && sameContentStat(stat, after.get(at)))
        this.right.set(path, stat);
    }
  }
}
