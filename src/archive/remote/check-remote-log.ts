/**
 * All files of a remote that are no contents, against our log: the format, the key, checkpoints, claims and
 * log segments. What they should be is known byte by byte.
 */
import { isHkfsError, counted } from '../../errors.js';
import { requireRecord } from '../../events/commit-head.js';
import type { EventLog } from '../../events/log.js';
import { encodeStoredCommit, endOf } from '../../events/segment.js';
import { formatVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import type { Position } from '../../events/types.js';
import { expectBlob } from './expect-blob.js';
import { FORMAT_TEXT, isRemote } from './format.js';
import { checkpointName, claimName, FORMAT_NAME, keyName, segmentName } from './names.js';
import { diverged, partingPosition } from './parting.js';
import { gapsOf } from './plan.js';
import type { NamedSegment, RemoteArchive } from './remote-archive.js';
import { refuseOtherKey } from './remote-base.js';
import { requireSameSegment } from './same-commits.js';

export interface FileFinding {
  /** Of the remote. */
  readonly name: string;
  readonly reason: string;
  readonly isMissing: boolean;
  /** Of a later state than our log is in: it cannot be made again from here, and so must not go. */
  readonly isBeyond?: true;
  /** Of a checkpoint: its size. */
  readonly checkpoint?: Position;
}

export interface LogCheck {
  /** What the remote is to have: the newest checkpoint that is right, or what our log knows of. */
  readonly size: Position;
  /** Where it begins: a bundle may do so later than the log. */
  readonly from: Position;
  readonly findings: readonly FileFinding[];
}

export interface LogCheckOptions {
  readonly key: VerifierKey;
  /** What the last backup covers, as our log has it. */
  readonly known: Position;
  /** Names only, and the newest checkpoint. */
  readonly quick: boolean;
}

/** @throws HkfsError REMOTE_DIVERGED, KEY_MISMATCH, REMOTE_NEWER; LOG_DAMAGED where ours is the wrong one */
export async function checkRemoteLog(
  log: EventLog,
  remote: RemoteArchive,
  options: LogCheckOptions,
): Promise<LogCheck> {
  const check = new Check(log, remote, options);
  await check.format();
  await check.key();
  await check.checkpoints();
  await check.log();
  return check;
}

class Check implements LogCheck {
  size: Position;
  from = 0;
  readonly findings: FileFinding[] = [];
  private readonly events: EventLog;
  private readonly remote: RemoteArchive;
  private readonly options: LogCheckOptions;

  constructor(events: EventLog, remote: RemoteArchive, options: LogCheckOptions) {
    this.events = events;
    this.remote = remote;
    this.options = options;
    this.size = options.known;
  }

  async format(): Promise<void> {
    const found = await expectBlob(this.remote.store, FORMAT_NAME, Buffer.from(FORMAT_TEXT));
    if (found === 'missing') return this.missing(FORMAT_NAME);
    if (found === 'same') return;
    try {
      await isRemote(this.remote.store); // of a newer format: another error
    } catch (error) {
      if (!isHkfsError(error, 'REMOTE_DAMAGED')) throw error;
    }
    this.damaged(FORMAT_NAME, 'it is not what hkfs wrote');
  }

  async key(): Promise<void> {
    const name = keyName(this.remote.id);
    const text = `${formatVerifierKey(this.options.key)}\n`;
    const found = await expectBlob(this.remote.store, name, Buffer.from(text));
    if (found === 'missing') return this.missing(name);
    if (found === 'same') return;
    try {
      await refuseOtherKey(this.remote, this.options.key);
    } catch (error) {
      if (!isHkfsError(error, 'REMOTE_DAMAGED')) throw error;
    }
    this.damaged(name, 'it is not the public key of this archive');
  }

  async checkpoints(): Promise<void> {
    const sizes = await this.remote.checkpoints();
    const looked = this.options.quick ? sizes.slice(-1) : sizes;
    for (const size of looked) await this.checkpoint(size);
    const { known } = this.options;
    if (known > 0 && !sizes.includes(known)) this.missing(checkpointName(this.remote.id, known), known);
  }

  private async checkpoint(size: Position): Promise<void> {
    const { key } = this.options;
    try {
      const head = await this.remote.checkpoint(size, key);
      if (size > this.events.size || (await this.events.headAt(size)).root !== head.root)
        throw await this.parted(size);
      await requireRecord(this.events, head, this.remote.store.url);
      this.size = Math.max(this.size, size);
    } catch (error) {
      if (!isHkfsError(error)) throw error;
      const { code } = error;
      if (code !== 'BAD_SIGNATURE' && code !== 'REMOTE_DAMAGED') throw error;
      // Another key that signs here is no damage.
      if ((await keyOf(this.remote)) !== null) await refuseOtherKey(this.remote, key);
      const name = checkpointName(this.remote.id, size);
      const reason = code === 'BAD_SIGNATURE' ? 'its signature is wrong' : error.message;
      const beyond = size > this.events.size ? ({ isBeyond: true } as const) : {};
      this.findings.push({ name, reason, isMissing: false, checkpoint: size, ...beyond });
    }
  }

  private async parted(size: Position): Promise<Error> {
    const position = await partingPosition(this.remote, this.events, { key: this.options.key, size });
    const more = size - this.events.size;
    const reason =
      more > 0 && position >= this.events.size
        ? `it has ${counted(more, 'event')} more`
        : 'both have events of their own';
    return diverged(this.remote, { reason, position });
  }

  async log(): Promise<void> {
    const segments = await this.remote.listSegments();
    if (this.remote.store.kind === 'bundle') this.from = segments[0]?.first ?? 0;
    for (const gap of gapsOf(segments, this.size))
      if (gap.last >= this.from) this.missing(segmentName(this.remote.id, gap));
    if (this.options.quick) return;
    for (const segment of segments) if (segment.first < this.size) await this.segment(segment);
    for (const first of await this.remote.listClaims()) await this.claim(first);
  }

  private async segment(segment: NamedSegment): Promise<void> {
    if (segment.last >= this.events.size) return this.beyond(segment.name);
    const expected = await segmentBytes(this.events, segment);
    if (expected === null) return this.damaged(segment.name, 'its name speaks of no whole commits');
    const found = await expectBlob(this.remote.store, segment.name, expected);
    if (found === 'missing') this.missing(segment.name);
    if (found !== 'other') return;
    await requireSameSegment(this.events, this.remote, segment.name);
    this.damaged(segment.name, 'it has other bytes than the log');
  }

  /** One that is beyond the newest checkpoint may be of a backup under way. */
  private async claim(first: Position): Promise<void> {
    const name = claimName(this.remote.id, first);
    try {
      const claimed = await this.remote.claim(first);
      if (claimed === null || first >= this.size) return;
      const isOurs =
        claimed.size <= this.events.size && (await this.events.headAt(claimed.size)).root === claimed.root;
      if (!isOurs) this.damaged(name, 'it states another root than the log has');
    } catch (error) {
      if (!isHkfsError(error, 'REMOTE_DAMAGED')) throw error;
      this.damaged(name, 'it is no size and root');
    }
  }

  private missing(name: string, checkpoint?: Position): void {
    const what = { name, reason: 'it is not there', isMissing: true };
    this.findings.push(checkpoint === undefined ? what : { ...what, checkpoint });
  }

  private damaged(name: string, reason: string): void {
    this.findings.push({ name, reason, isMissing: false });
  }

  private beyond(name: string): void {
    const reason = 'it has events that the log of this archive has not';
    this.findings.push({ name, reason, isMissing: false, isBeyond: true });
  }
}

/** Null also where the file of the key is damaged: that is told for itself. */
async function keyOf(remote: RemoteArchive): Promise<VerifierKey | null> {
  try {
    return await remote.key();
  } catch (error) {
    if (isHkfsError(error, 'REMOTE_DAMAGED')) return null;
    throw error;
  }
}

/** Null where our commits do not begin and end there. */
async function segmentBytes(
  log: EventLog,
  { first, last }: { first: Position; last: Position },
): Promise<Buffer | null> {
  const isWhole = (await log.commitAt(first)).first === first && endOf(await log.commitAt(last)) === last + 1;
  if (!isWhole) return null;
  const parts: Buffer[] = [];
  for await (const stored of log.readStored({ from: first, to: last + 1 }))
    parts.push(encodeStoredCommit(stored));
  return Buffer.concat(parts);
}
