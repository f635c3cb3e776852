/**
 * The log of a remote, segment by segment, one being fetched while the one before is worked on. Segments
 * may overlap (after a compaction that was cut short): where one is damaged, another that has the same
 * positions is taken.
 */
import { isHkfsError } from '../../errors.js';
import { decodeSegment, endOf, type StoredCommit } from '../../events/segment.js';
import type { Position } from '../../events/types.js';
import { MAX_SEGMENT } from '../../store/remote/bounds.js';
import type { NamedSegment, RemoteArchive } from './remote-archive.js';

export interface SegmentPart {
  readonly segment: NamedSegment;
  /** Those that begin at or after what was asked for and end in bounds. */
  readonly commits: readonly StoredCommit[];
}

export class SegmentReader {
  private readonly remote: RemoteArchive;
  private readonly segments: readonly NamedSegment[];
  private readonly rejected = new Set<string>();
  private ahead: { name: string; bytes: Promise<Buffer | undefined> } | null = null;

  constructor(remote: RemoteArchive, segments: readonly NamedSegment[]) {
    this.remote = remote;
    this.segments = segments;
  }

  /** @throws HkfsError REMOTE_DAMAGED, naming what is damaged or missing */
  async read(from: Position, to: Position): Promise<SegmentPart> {
    const segment = this.covering(from);
    if (segment === undefined) throw this.absent(from);
    const bytes = await this.bytesOf(segment);
    const next = this.covering(segment.last + 1);
    if (next !== undefined && next.first < to) this.prefetch(next);
    const commits = bytes === undefined ? null : commitsOf(bytes, { from, to });
    if (commits !== null && commits.length > 0) return { segment, commits };
    this.reject(segment);
    return this.read(from, to);
  }

  /** What it said does not follow from the log before it. @throws HkfsError REMOTE_DAMAGED from the next read on */
  reject({ name }: NamedSegment): void {
    this.rejected.add(name);
  }

  /** Of several the one that reaches furthest. */
  private covering(position: Position): NamedSegment | undefined {
    let best: NamedSegment | undefined;
    for (const segment of this.segments) {
      if (segment.first > position) break;
      if (segment.last < position || this.rejected.has(segment.name)) continue;
      if (best === undefined || segment.last > best.last) best = segment;
    }
    return best;
  }

  private bytesOf({ name }: NamedSegment): Promise<Buffer | undefined> {
    const { ahead } = this;
    this.ahead = null;
    return ahead?.name === name ? ahead.bytes : this.fetch(name);
  }

  private prefetch({ name }: NamedSegment): void {
    const bytes = this.fetch(name);
    bytes.catch(() => {}); // told when its turn comes
    this.ahead = { name, bytes };
  }

  /** What is longer than a segment is none, and another may have what it should have. */
  private async fetch(name: string): Promise<Buffer | undefined> {
    try {
      return await this.remote.store.read(name, { max: MAX_SEGMENT });
    } catch (error) {
      if (isHkfsError(error, 'REMOTE_DAMAGED')) return undefined;
      throw error;
    }
  }

  private absent(position: Position): Error {
    const damaged = this.segments.find(
      ({ name, first, last }) => this.rejected.has(name) && first <= position && last >= position,
    );
    if (damaged) return this.remote.damaged(damaged.name, `it is no log from event ${position} on`);
    return this.remote.damaged(`the log segment with event ${position}`, 'it is missing');
  }
}

function commitsOf(bytes: Buffer, { from, to }: { from: Position; to: Position }): StoredCommit[] | null {
  const commits: StoredCommit[] = [];
  try {
    for (const stored of decodeSegment(bytes))
      if (stored.commit.first >= from && endOf(stored.commit) <= to) commits.push(stored);
    return commits;
  } catch (error) {
    if (isHkfsError(error, 'LOG_DAMAGED')) return commits.length > 0 ? commits : null;
    throw error;
  }
}
