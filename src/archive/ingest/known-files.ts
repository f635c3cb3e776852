/** Files whose content is known without reading: unchanged ones, hard links, and the archive's own inodes. */
import { lstatSync } from 'node:fs';
import type { Attributes, Hash } from '../../events/types.js';
import { objectPath } from '../../fs/stage.js';
import { lstatOrNull } from '../../fs/scan.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import { attributesEqual } from '../../fs/attributes.js';
import { parseSourceValue, type KnownSource } from '../../projections/evolve.js';
import { sourceKey } from '../../projections/keys.js';
import type { Committer } from '../committer.js';
import type { OpenArchive } from '../open-archive.js';
import { sealOf, sealRow, type Seal } from '../trusted-stat.js';
import { isUnchangedFile, type SourceEntry } from './classify.js';
import type { FileToIngest } from './file-ingester.js';

export type Verdict =
  | { readonly is: 'unread' }
  | { readonly is: 'unchanged'; readonly isOwn: boolean }
  | {
      readonly is: 'known';
      readonly hash: Hash;
      readonly attributes: Attributes;
      readonly isOwn: boolean;
    };

/** Hard-linked sources of this run remembered until the views know them. */
const MAX_LINKS = 50_000;

interface SeenContent {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly hash: Hash;
}

interface Link extends SeenContent {
  readonly attributes: Attributes;
  /** It became the object itself: from then on its mode and ctime are our doing. */
  readonly isOwn: boolean;
}

const UNREAD: Verdict = { is: 'unread' };

export class KnownFiles {
  private readonly archive: OpenArchive;
  private readonly committer: Committer;
  private readonly device: bigint;
  private readonly releases: boolean;
  private readonly links = new Map<string, Link>();

  /** @param releases sources go afterwards: what is unchanged must have a trusted object as well */
  constructor(archive: OpenArchive, committer: Committer, releases: boolean) {
    this.releases = releases;
    this.archive = archive;
    this.committer = committer;
    this.device = lstatSync(archive.layout.objects, { bigint: true }).dev;
  }

  async look(files: readonly FileToIngest[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    const open: number[] = [];
    for (const [index, { source, existing }] of files.entries()) {
      const event = existing?.event;
      const isUnchanged =
        event?.type === 'file.ingested' &&
        source.stat.size > 0n && // a stat that says 0 is no evidence: procfs has such files with bytes
        isUnchangedFile(event, source.stat) &&
        !(event.hash !== null && this.committer.index.suspects.has(event.hash)) &&
        // An entry of a run that could not read all attributes lacks what only the source has.
        (!this.releases || attributesEqual(event.attributes, source.attributes)) &&
        (!this.releases || event.hash === null || (await this.isTrusted(event.hash, source.stat.size)));
      verdicts.push(isUnchanged ? { is: 'unchanged', isOwn: false } : UNREAD);
      if (!isUnchanged && source.stat.size > 0n) open.push(index);
    }
    if (open.length > 0 && !this.isFresh) await this.lookUp(files, open, verdicts);
    return verdicts;
  }

  /** A file of this run that has other names: they need not be read again. */
  remember(source: SourceEntry, hash: Hash, isOwn: boolean): void {
    if (source.stat.nlink < 2n) return;
    const key = inodeText(source.stat);
    if (this.links.get(key)?.isOwn) return;
    this.links.delete(key);
    const { size, mtimeNs, ctimeNs } = source.stat;
    this.links.set(key, { size, mtimeNs, ctimeNs, hash, attributes: source.attributes, isOwn });
    if (this.links.size <= MAX_LINKS) return;
    for (const oldest of this.links.keys()) {
      this.links.delete(oldest);
      return;
    }
  }

  /** An earlier name of this run made the inode the object. */
  ownLink({ stat }: SourceEntry): Link | null {
    const link = this.links.get(inodeText(stat));
    return link?.isOwn && link.size === stat.size && link.mtimeNs === stat.mtimeNs ? link : null;
  }

  /** Of a source that is the object's own inode: as the log has them, where it has them. */
  async ownAttributes(source: SourceEntry, hash: Hash): Promise<Attributes> {
    const link = this.ownLink(source);
    if (link !== null) return link.attributes;
    const value = await this.archive.views.level.get(sourceKey(inodeOf(source.stat)));
    const known = value === undefined ? null : parseSourceValue(value);
    const isSame = known?.hash === hash && known.mtimeNs === source.stat.mtimeNs;
    return (isSame ? await this.recorded(known) : null) ?? source.attributes;
  }

  /**
   * An object about which there is doubt is hashed; one that the log does not know yet (left by a run
   * that was killed between naming and committing) is adopted.
   * @returns whether its bytes are those of its name
   */
  async settleDoubt(hash: Hash): Promise<boolean> {
    const path = objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex'));
    const read = await this.archive.pool.run({ task: 'hash', files: [path] });
    if (read.failures.size > 0 || Buffer.from(read.hashes).toString('hex') !== hash) return false;
    if (this.committer.index.isPending(hash)) return true;
    const now = new StatTable(read.stats).get(0);
    const object = await this.archive.contents().object(hash);
    const isKnown = object?.inodes.some(({ device, inode }) => device === now.dev && inode === now.ino);
    if (!isKnown) this.committer.adopt({ hash, device: now.dev, inode: now.ino, size: Number(now.size) });
    // Of an object that is being linked at this moment the times may not tell of a change: it is trusted
    // until this operation ends, but not sealed.
    const seal = sealOf(hash, now);
    this.committer.index.touch(hash, seal);
    if (read.settled[0] === 1) await this.archive.views.level.batch([sealRow(seal, seal)]);
    return true;
  }

  /** Nothing was ever ingested, so nothing can be known. */
  private get isFresh(): boolean {
    return this.archive.now < 2 && this.links.size === 0;
  }

  private async lookUp(
    files: readonly FileToIngest[],
    open: readonly number[],
    verdicts: Verdict[],
  ): Promise<void> {
    const inodes = open.map((index) => inodeOf(files[index]!.source.stat));
    const seals = await this.committer.index.seals(inodes);
    const sources = await this.archive.views.level.getMany(inodes.map(sourceKey));
    for (const [at, index] of open.entries()) {
      const file = files[index]!;
      const value = sources[at];
      const known = value === undefined ? undefined : parseSourceValue(value);
      verdicts[index] =
        (await this.ownInode(file, seals[at], known)) ?? (await this.sameSource(file, known)) ?? UNREAD;
    }
  }

  /** The source is a name of an object: what the log has of its attributes is the truth, not our 0444. */
  private async ownInode(
    file: FileToIngest,
    seal: Seal | undefined,
    known: KnownSource | undefined,
  ): Promise<Verdict | null> {
    const { stat } = file.source;
    const link = this.ownLink(file.source);
    const isSealed = seal !== undefined && stat.dev === this.device;
    if (!link && !(isSealed && this.committer.index.judge(seal.hash, stat, seal) === 'good')) return null;
    const { hash } = link ?? seal!;
    const event = file.existing?.event;
    if (event?.type === 'file.ingested' && event.hash === hash) return { is: 'unchanged', isOwn: true };
    const recorded = link?.attributes ?? (known && (await this.recorded(known)));
    return { is: 'known', hash, attributes: recorded ?? file.source.attributes, isOwn: true };
  }

  /** Read before, under this or another name, and untouched since. */
  private async sameSource(file: FileToIngest, known: KnownSource | undefined): Promise<Verdict | null> {
    const { stat, attributes } = file.source;
    const seen: SeenContent | undefined = this.links.get(inodeText(stat)) ?? known;
    const isSame =
      seen !== undefined &&
      seen.size === stat.size &&
      seen.mtimeNs === stat.mtimeNs &&
      seen.ctimeNs === stat.ctimeNs;
    if (!isSame || !(await this.isTrusted(seen.hash, stat.size))) return null;
    return { is: 'known', hash: seen.hash, attributes, isOwn: false };
  }

  private async isTrusted(hash: Hash, size: bigint): Promise<boolean> {
    if (this.committer.index.isPending(hash)) return true;
    const stat = lstatOrNull(objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex')));
    if (stat === null || stat.size !== size) return false;
    const [seal] = await this.committer.index.seals([inodeOf(stat)]);
    return this.committer.index.judge(hash, stat, seal) === 'good';
  }

  private async recorded(known: KnownSource): Promise<Attributes | null> {
    const { event } = await this.archive.log.get(known.position);
    return event.type === 'file.ingested' ? event.attributes : null;
  }
}

function inodeOf(stat: { dev: bigint; ino: bigint }): { device: bigint; inode: bigint } {
  return { device: stat.dev, inode: stat.ino };
}

function inodeText(stat: FileStat): string {
  return `${stat.dev}:${stat.ino}`;
}
