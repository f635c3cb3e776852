/** What a verification found: the numbers and lists of its summary, and the events they become. */
import type { Hash } from '../../events/types.js';
import type { FileStat } from '../../fs/stats.js';
import { sealKey, type InodeId } from '../../projections/keys.js';
import type { DamagedRow, VerifySummary } from '../api.js';
import type { Committer } from '../committer.js';
import type { OpenArchive } from '../open-archive.js';

/** Hashes of one `objects.verified` event: 128 KiB of log. */
const HASHES_PER_EVENT = 4096;
/** Paths named for one damaged object; more are counted. */
const MAX_PATHS = 1000;

/** Where findings go as events. */
export type EventSink = Pick<Committer, 'push' | 'maybeCommit'>;

export class Findings {
  objects = 0;
  bytes = 0;
  remaining = 0;
  readonly damaged: DamagedRow[] = [];
  readonly missing: DamagedRow[] = [];
  readonly unlinked: { path: string; reason: string }[] = [];
  readonly untracked: { path: string; reason: string }[] = [];
  readonly views: string[] = [];
  private verified: Hash[] = [];
  private readonly archive: OpenArchive;
  private readonly begin: () => Promise<EventSink>;

  /** @param begin the operation's committer; the operation starts when the first event is due */
  constructor(archive: OpenArchive, begin: () => Promise<EventSink>) {
    this.archive = archive;
    this.begin = begin;
  }

  /** The object's bytes were read and are right. @returns whether a `flush` is due */
  good(hash: Hash, size: number): boolean {
    this.objects += 1;
    this.bytes += size;
    this.verified.push(hash);
    return this.verified.length >= HASHES_PER_EVENT;
  }

  /** An earlier run found it wrong, and this one right. */
  async healed(hash: Hash): Promise<void> {
    (await this.begin()).push({ type: 'object.healed', hash, from: 'verify' });
  }

  async bad(hash: Hash, finding: 'missing' | 'content' | 'unreadable', reason: string): Promise<void> {
    const paths: string[] = [];
    let more = 0;
    for await (const path of this.archive.contents().livePaths(hash, this.archive.namespace()))
      if (paths.length < MAX_PATHS) paths.push(path);
      else more += 1;
    const text = more === 0 ? reason : `${reason} (and ${more} more paths)`;
    (finding === 'missing' ? this.missing : this.damaged).push({ hash, reason: text, paths });
    const known = await this.archive.contents().finding(hash);
    if (known !== finding) (await this.begin()).push({ type: 'object.damaged', hash, finding });
  }

  /** The object's bytes are right, on an inode that the log does not know: the archive was copied, say. */
  async inodeMoved(
    object: { hash: Hash; size: number },
    from: InodeId | null,
    stat: FileStat,
  ): Promise<void> {
    const { hash, size } = object;
    const to = { device: stat.dev, inode: stat.ino };
    const committer = await this.begin();
    if (from === null) committer.push({ type: 'object.stored', hash, size, ...to });
    else committer.push({ type: 'object.relocated', hash, size, from: idOf(from), to });
    if (from !== null) await this.forgetSeal(from);
  }

  /** The content is there, but this inode of it left the hash tree: names of it are no links any more. */
  async inodeGone(object: { hash: Hash; size: number }, inode: InodeId): Promise<void> {
    const { hash, size } = object;
    (await this.begin()).push({ type: 'object.removed', hash, size, ...idOf(inode) });
    await this.forgetSeal(inode);
  }

  private async forgetSeal(inode: InodeId): Promise<void> {
    await this.archive.views.level.del(sealKey(inode));
  }

  /** @param from by hash, from where what was found came back */
  healedFrom(from: ReadonlyMap<Hash, string>): void {
    for (const rows of [this.damaged, this.missing])
      for (const [index, row] of rows.entries()) {
        const healedFrom = from.get(row.hash);
        if (healedFrom !== undefined) rows[index] = { ...row, healedFrom };
      }
  }

  /** Names that were found broken, and are links now. */
  linkedAgain(paths: ReadonlySet<string>): void {
    const left = this.unlinked.filter(({ path }) => !paths.has(path));
    this.unlinked.splice(0, this.unlinked.length, ...left);
  }

  /** What was verified so far becomes an event. */
  async flush(): Promise<void> {
    if (this.verified.length === 0) return;
    const hashes = this.verified;
    this.verified = [];
    const committer = await this.begin();
    committer.push({ type: 'objects.verified', hashes });
    await committer.maybeCommit();
  }

  counts(): Record<string, number> {
    const { objects, bytes, remaining } = this;
    return {
      objects,
      bytes,
      damaged: this.damaged.length,
      missing: this.missing.length,
      unlinked: this.unlinked.length,
      untracked: this.untracked.length,
      views: this.views.length,
      remaining,
    };
  }

  summary(operation: number | null, seconds: number): VerifySummary {
    const { objects, bytes, damaged, missing, views, remaining } = this;
    const unlinked = this.unlinked.toSorted(byPath);
    const untracked = this.untracked.toSorted(byPath);
    return { operation, objects, bytes, damaged, missing, unlinked, untracked, views, remaining, seconds };
  }
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

function idOf({ device, inode }: InodeId): InodeId {
  return { device, inode };
}
