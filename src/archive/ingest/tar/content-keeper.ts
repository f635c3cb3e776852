/** Contents that were hashed become objects: new ones by their staged files, known ones once they are trusted. */
import type { Hash } from '../../../events/types.js';
import { lstatOrNull } from '../../../fs/scan.js';
import { objectPath } from '../../../fs/stage.js';
import type { FileStat } from '../../../fs/stats.js';
import type { InodeId } from '../../../projections/keys.js';
import { discardStaged, type Committer } from '../../committer.js';
import type { OpenArchive } from '../../open-archive.js';
import type { Seal } from '../../trusted-stat.js';
import { KnownFiles } from '../known-files.js';

export interface HashedContent {
  readonly hash: Hash;
  readonly size: number;
  /** The staged file, where there is one. */
  readonly staged: { readonly id: number; readonly stat: FileStat } | null;
  /** The object that was found under the hash's name, where nothing was staged for that. */
  readonly present: FileStat | null;
  /** Stages the bytes after all: the object has others. */
  readonly stageAgain: () => Promise<{ id: number; stat: FileStat }>;
  /** For people, where a damaged object is healed. */
  readonly from: string;
}

export class ContentKeeper {
  private readonly archive: OpenArchive;
  private readonly committer: Committer;
  private readonly known: KnownFiles;
  private readonly dryRun: boolean;
  /** In a dry run nothing is stored, so what would have been is remembered here. */
  private readonly dryHashes = new Set<Hash>();
  private seals = new Map<bigint, Seal>();

  constructor(archive: OpenArchive, committer: Committer, dryRun: boolean) {
    this.archive = archive;
    this.committer = committer;
    this.dryRun = dryRun;
    this.known = new KnownFiles(archive, committer, false);
  }

  /** Looks the seals of many objects up at once. */
  async expect(objects: readonly FileStat[]): Promise<void> {
    this.seals = new Map();
    if (objects.length === 0 || this.dryRun) return;
    const inodes = objects.map(({ dev: device, ino: inode }): InodeId => ({ device, inode }));
    for (const [at, seal] of (await this.committer.index.seals(inodes)).entries())
      if (seal !== undefined) this.seals.set(inodes[at]!.inode, seal);
  }

  async keep(content: HashedContent): Promise<'new' | 'duplicate'> {
    const { hash, staged } = content;
    const { index } = this.committer;
    if (this.dryRun) return this.keepDry(content);
    if (index.isPending(hash)) return this.discard(staged);
    // A thread found no such object: only this operation can have named one since.
    const present = content.present ?? (index.isRecent(hash) ? lstatOrNull(this.pathOf(hash)) : null);
    if (present !== null) return this.keepPresent(content, present);
    const { id, stat } = staged ?? (await content.stageAgain());
    const from = `${this.archive.layout.staging}/${id}`;
    const object = { hash, stat, size: content.size };
    this.committer.name({ from, to: this.pathOf(hash), replace: false }, object);
    return 'new';
  }

  private keepDry({ hash, present }: HashedContent): 'new' | 'duplicate' {
    if (present !== null || this.dryHashes.has(hash)) return 'duplicate';
    this.dryHashes.add(hash);
    return 'new';
  }

  private async keepPresent(content: HashedContent, stat: FileStat): Promise<'duplicate'> {
    const { hash, size, staged } = content;
    const seal = await this.sealOf(hash, stat);
    const isGood = stat.size === BigInt(size) && this.committer.index.judge(hash, stat, seal) === 'good';
    if (isGood || (await this.known.settleDoubt(hash))) return this.discard(staged);
    const healed = staged ?? (await content.stageAgain());
    await this.committer.replace({
      staged: `${this.archive.layout.staging}/${healed.id}`,
      hash,
      stat: healed.stat,
      size,
      from: { device: stat.dev, inode: stat.ino },
      healedFrom: content.from,
    });
    return 'duplicate';
  }

  private async sealOf(hash: Hash, stat: FileStat): Promise<Seal | undefined> {
    const known = this.committer.index.recentSeal(hash, stat) ?? this.seals.get(stat.ino);
    return known ?? (await this.committer.index.seals([{ device: stat.dev, inode: stat.ino }]))[0];
  }

  private discard(staged: HashedContent['staged']): 'duplicate' {
    if (staged !== null) discardStaged(this.archive.layout.staging, staged.id);
    return 'duplicate';
  }

  private pathOf(hash: Hash): string {
    return objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex'));
  }
}
