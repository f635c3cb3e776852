/**
 * The log to a remote. Whoever creates the claim of a position is the one who may go on from there: of
 * two writers at once, one wins and the other is told.
 */
import { commitHeadAt, requireRecord } from '../../events/commit-head.js';
import { encodeCheckpoint } from '../../events/checkpoint.js';
import type { EventLog } from '../../events/log.js';
import { endOf } from '../../events/segment.js';
import { formatVerifierKey, type SignerKey } from '../../events/signed-note.js';
import type { Head, Position } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { archiveKey } from '../keys.js';
import type { OpenArchive } from '../open-archive.js';
import { cutSegments, type CutSegment } from './cut-segments.js';
import { expectBlob } from './expect-blob.js';
import { checkpointName, claimName, keyName, segmentName, type SegmentSpan } from './names.js';
import { diverged, partingPosition } from './parting.js';
import { gapsOf } from './plan.js';
import { claimText, type RemoteArchive } from './remote-archive.js';
import { refuseOtherKey } from './remote-base.js';
import { requireSameSegment } from './same-commits.js';

export interface LogOutcome extends Head {
  /** Sent now. */
  readonly events: number;
  readonly segments: number;
}

/**
 * @param options.base what the remote has
 * @param options.ahead segments from `base` on that were cut already
 * @param options.mend also fill what it lacks before that
 * @throws HkfsError REMOTE_DIVERGED, KEY_MISMATCH, REMOTE_DAMAGED
 */
export async function sendLog(
  archive: OpenArchive,
  remote: RemoteArchive,
  options: { base: Head; mend: boolean; ahead: readonly CutSegment[] },
): Promise<LogOutcome> {
  const sender = new LogSender(archive.log, remote, { key: archiveKey(archive), ahead: options.ahead });
  if (options.base.size === 0 || options.mend) await sender.sendKey();
  if (options.mend) await sender.fillGaps(options.base.size);
  await sender.sendFrom(options.base);
  const { segments } = sender;
  const { size, root } = archive.log.head();
  return { size, root, events: size - options.base.size, segments };
}

/**
 * What a remote has lost of all that is no content, made again from our log. Claims are of no use any more.
 *
 * @param lost.size what the remote is to have
 * @param lost.checkpoints sizes of those that are to be there again
 */
export async function sendLostLog(
  archive: OpenArchive,
  remote: RemoteArchive,
  lost: { size: Position; checkpoints: readonly Position[] },
): Promise<void> {
  const sender = new LogSender(archive.log, remote, { key: archiveKey(archive) });
  await sender.sendKey();
  await sender.fillGaps(lost.size);
  failpoint('mend.log');
  for (const size of lost.checkpoints) await sender.sendCheckpoint(await archive.log.headAt(size));
  await remote.store.flush();
}

/** All from `base` on into a bundle, which nobody else writes. */
export async function sendBundleLog(
  archive: OpenArchive,
  remote: RemoteArchive,
  base: Head,
): Promise<LogOutcome> {
  const sender = new LogSender(archive.log, remote, { key: archiveKey(archive) });
  await sender.sendKey();
  const head = archive.log.head();
  if (head.size > base.size) await sender.sendSpan({ first: base.size, last: head.size - 1 });
  await sender.sendCheckpoint(head);
  return { ...head, events: head.size - base.size, segments: sender.segments };
}

class LogSender {
  segments = 0;
  private readonly log: EventLog;
  private readonly remote: RemoteArchive;
  private readonly key: SignerKey;
  private readonly ahead: readonly CutSegment[];

  constructor(
    log: EventLog,
    remote: RemoteArchive,
    { key, ahead = [] }: { key: SignerKey; ahead?: readonly CutSegment[] },
  ) {
    this.log = log;
    this.remote = remote;
    this.key = key;
    this.ahead = ahead;
  }

  async sendKey(): Promise<void> {
    const { verifier } = this.key;
    const text = Buffer.from(`${formatVerifierKey(verifier)}\n`);
    const outcome = await this.remote.store.create(keyName(this.remote.id), text);
    if (outcome === 'exists') await refuseOtherKey(this.remote, verifier);
    failpoint('backup.key');
  }

  /** A killed backup may have claimed a smaller size: what it said is finished first. */
  async sendFrom(base: Head): Promise<void> {
    for (let from = base; from.size < this.log.size;) {
      const target = await this.claim(from);
      failpoint('backup.claimed');
      await this.sendSpan({ first: from.size, last: target.size - 1 });
      await this.remote.store.flush();
      failpoint('backup.log');
      await this.sendCheckpoint(target);
      await this.remote.store.flush();
      from = target;
    }
  }

  /** Segments that the remote had and has no more. */
  async fillGaps(size: number): Promise<void> {
    const segments = await this.remote.listSegments();
    for (const gap of gapsOf(segments, size)) await this.sendSpan(await this.wholeCommits(gap));
    await this.remote.store.flush();
  }

  /** @returns what is to be reached from here */
  private async claim(from: Head): Promise<Head> {
    const head = this.log.head();
    const name = claimName(this.remote.id, from.size);
    const outcome = await this.remote.store.create(name, Buffer.from(claimText(head)));
    if (outcome === 'created') return head;
    const claimed = await this.remote.claim(from.size);
    if (claimed === null) return head;
    const isOurs =
      claimed.size > from.size &&
      claimed.size <= this.log.size &&
      (await this.log.headAt(claimed.size)).root === claimed.root;
    if (isOurs) return claimed;
    throw await this.claimedByAnother(from, claimed);
  }

  /** Its log may not have arrived yet. */
  private async claimedByAnother(from: Head, claimed: Head): Promise<Error> {
    const { size } = claimed;
    const parted = await partingPosition(this.remote, this.log, { key: this.key.verifier, size });
    return diverged(this.remote, {
      reason: 'another writer with the key of this archive goes on from there',
      position: Math.max(parted, from.size),
    });
  }

  async sendSpan({ first, last }: SegmentSpan): Promise<void> {
    let next = first;
    for (const segment of this.ahead) {
      if (segment.first !== next || segment.last > last) break;
      await this.sendSegment(segment);
      next = segment.last + 1;
    }
    if (next > last) return;
    for await (const segment of cutSegments(this.log, { first: next, last })) await this.sendSegment(segment);
  }

  private async sendSegment(segment: CutSegment): Promise<void> {
    const { store, id } = this.remote;
    const name = segmentName(id, segment);
    const outcome = await store.create(name, segment.bytes);
    if (outcome === 'exists' && (await expectBlob(store, name, segment.bytes)) === 'other') {
      await requireSameSegment(this.log, this.remote, name);
      throw this.remote.damaged(name, 'it has other bytes than the log of this archive');
    }
    this.segments += 1;
    failpoint('backup.segment');
  }

  async sendCheckpoint(head: Head): Promise<void> {
    const { store, id } = this.remote;
    const name = checkpointName(id, head.size);
    const signed = await commitHeadAt(this.log, head.size);
    const outcome = await store.create(name, Buffer.from(encodeCheckpoint(signed, this.key)));
    if (outcome === 'created') return;
    const there = await this.remote.checkpoint(head.size, this.key.verifier);
    if (there.root === head.root) return requireRecord(this.log, there, this.remote.describe(name));
    throw diverged(this.remote, {
      reason: 'another writer was first',
      position: await partingPosition(this.remote, this.log, { key: this.key.verifier, size: head.size }),
    });
  }

  /** A gap widened to the ends of our commits: readers take what overlaps. */
  private async wholeCommits({ first, last }: SegmentSpan): Promise<SegmentSpan> {
    const from = await this.log.commitAt(first);
    const to = await this.log.commitAt(last);
    return { first: from.first, last: endOf(to) - 1 };
  }
}
