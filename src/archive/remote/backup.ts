/**
 * The use case: what the log has beyond the remote's newest checkpoint goes there, objects first, then
 * the log, then the checkpoint that covers both. Nothing at the remote is overwritten or removed.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import type { HkfsEvent, Position } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import { parentPath, toFsPath } from '../../fs/names.js';
import { together } from '../../fs/together.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { BackupOptions, BackupSummary, DamagedRow } from '../api.js';
import { archiveKey } from '../keys.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { collectObjects } from './collect.js';
import { cutAhead } from './cut-segments.js';
import { damagedRow } from './damaged-row.js';
import { ensureRemote, isRemote } from './format.js';
import { damagedThere, lostCopies, NOTHING_LOST, sentAgain, withLost } from './lost-copies.js';
import { FORMAT_NAME } from './names.js';
import { openRemoteStore } from './open-remote.js';
import type { BackupPlan } from './plan.js';
import { RateLimiter } from './rate-limiter.js';
import { lastBackup, registeredRemote, type RegisteredRemote } from './registered.js';
import { remoteBase } from './remote-base.js';
import { RemoteArchive } from './remote-archive.js';
import { listObjects, sendObjects, type SendOutcome } from './send-objects.js';
import { sendLog, type LogOutcome } from './send-log.js';
import { TransferMeter } from './transfer-meter.js';

/** From so many objects on, a listing of what a killed backup sent is cheaper than asking for each. */
const LIST_FROM = 64;

/** @throws HkfsError REMOTE_*, KEY_MISMATCH, BAD_SIGNATURE, INTERRUPTED */
export async function backup(
  archive: OpenArchive,
  options: BackupOptions,
  clock: () => number,
): Promise<BackupSummary> {
  const started = clock();
  const registered = await registeredRemote(archive, options.remote);
  const store = await openRemoteStore(registered.url, options);
  try {
    const done = await new Backup(archive, { ...options, registered, store, clock }).run();
    return { ...done, remote: registered.name, url: registered.url, seconds: (clock() - started) / 1000 };
  } finally {
    await store.close();
  }
}

interface Parts extends BackupOptions {
  readonly registered: RegisteredRemote;
  readonly store: BlobStore;
  readonly clock: () => number;
}

type Done = Omit<BackupSummary, 'remote' | 'url' | 'seconds'>;

class Backup {
  private readonly archive: OpenArchive;
  private readonly parts: Parts;
  private readonly remote: RemoteArchive;

  constructor(archive: OpenArchive, parts: Parts) {
    this.archive = archive;
    this.parts = parts;
    this.remote = new RemoteArchive(parts.store, archive.file.id);
  }

  async run(): Promise<Done> {
    const plan = await this.plan();
    if (this.parts.dryRun) return { ...planned(plan), damaged: await this.damagedThere(plan) };
    if (plan.upToDate) return this.nothingNew(plan);
    if (plan.base.size === 0) await ensureRemote(this.parts.store);
    const span = { first: plan.base.size, last: plan.target.size - 1 };
    const stopped = new AbortController();
    const [sent, ahead] = await together(
      [this.sendObjects(plan, stopped), cutAhead(this.archive.log, span)],
      () => stopped.abort(),
    );
    failpoint('backup.objects');
    await this.parts.store.flush();
    await this.recordSent(plan, sent);
    const mend = this.parts.mend === true;
    const log = await sendLog(this.archive, this.remote, { base: plan.base, mend, ahead });
    failpoint('backup.checkpoint');
    const operation = await this.recordBackup(sent, log);
    this.forgetUnfinished();
    const { objects, bytes } = sent;
    const { size, root, events, segments } = log;
    const damaged = await this.damagedRows(plan, sent);
    return { operation, size, root, events, objects, bytes, segments, damaged, upToDate: false };
  }

  /** A backup that was killed after its checkpoint is told now; and what the remote has lost goes again. */
  private async nothingNew(plan: BackupPlan): Promise<Done> {
    const { base } = plan;
    const isTold = ((await this.known()) ?? 0) >= base.size;
    const sent = await this.sendLost(plan);
    const nothing = { events: 0, segments: 0 };
    const mended = await this.recordSent(plan, sent);
    const operation = isTold ? mended : await this.recordBackup(sent, { ...nothing, ...base });
    this.forgetUnfinished();
    const { objects, bytes } = sent;
    const damaged = await this.damagedRows(plan, sent);
    const upToDate = plan.objects.length === 0;
    return { ...nothing, objects, bytes, operation, size: base.size, root: base.root, damaged, upToDate };
  }

  private async sendLost(plan: BackupPlan): Promise<SendOutcome> {
    if (plan.objects.length === 0) return { objects: 0, bytes: 0, damaged: [] };
    const sent = await this.sendObjects(plan);
    failpoint('backup.objects');
    await this.parts.store.flush();
    return sent;
  }

  /** How far the log says that backups to this remote have come. */
  private async known(): Promise<Position | null> {
    return (await lastBackup(this.archive, this.parts.registered))?.size ?? null;
  }

  private async plan(): Promise<BackupPlan> {
    const { archive, remote, parts } = this;
    const mend = parts.mend === true;
    const known = await this.known();
    const isKnown = await isRemote(parts.store);
    if (!isKnown && known !== null && !mend) await this.refuseEmpty();
    const { verifier } = archiveKey(archive);
    const base = isKnown
      ? await remoteBase(remote, archive.log, { key: verifier, known, mend })
      : await archive.log.headAt(0);
    const span = { from: mend ? 0 : base.size, to: archive.log.size };
    const { objects: fresh, hasNews } = await collectObjects(archive.log, archive.contents(), span);
    const lost = base.size === 0 ? NOTHING_LOST : await lostCopies(archive, parts.registered, base.size);
    const objects = withLost(fresh, lost);
    const plan = { base, target: archive.log.head(), lost, upToDate: !hasNews };
    const isResumed = this.isUnfinished() || base.size === 0 || mend;
    if (!hasNews || !isKnown || !isResumed || objects.length < LIST_FROM) return { ...plan, objects };
    const arrived = await listObjects(parts.store);
    return { ...plan, objects: objects.filter(({ hash }) => !arrived.has(hash)) };
  }

  /** @param stopped a log that cannot be sent makes contents useless there */
  private async sendObjects({ objects }: BackupPlan, stopped = new AbortController()): Promise<SendOutcome> {
    const { limitRate = Infinity, onProgress, onMessage, store, compress } = this.parts;
    const { signal } = stopped;
    // Not AbortSignal.any: on Node 20 what it makes may be collected before it fires.
    this.parts.signal?.addEventListener('abort', () => stopped.abort(), { once: true });
    if (this.parts.signal?.aborted) stopped.abort();
    const packer = compress === true ? await packerOf() : null;
    const totals = { files: objects.length, bytes: objects.bytes };
    // Its clock keeps the process alive until it is stopped.
    const meter = new TransferMeter('sending', totals, onProgress);
    if (objects.length >= LIST_FROM) this.rememberUnfinished();
    const limiter = new RateLimiter(limitRate);
    try {
      return await sendObjects(this.archive, store, {
        list: objects,
        limiter,
        meter,
        signal,
        onMessage,
        compress: packer,
      });
    } finally {
      meter.stop();
    }
  }

  /** From now on the log says so, and what the remote gets says what is missing there, and what no more. */
  private async recordSent({ lost }: BackupPlan, { damaged }: SendOutcome): Promise<number | null> {
    const events: HkfsEvent[] = [];
    for (const { hash, finding } of damaged)
      if ((await this.archive.contents().finding(hash)) !== finding)
        events.push({ type: 'object.damaged', hash, finding });
    const counts: Record<string, number> = events.length > 0 ? { damaged: events.length } : {};
    const again = sentAgain(lost, this.parts.registered.name, damaged);
    if (events.length + again.length === 0) return null;
    return this.record([...events, ...again], counts);
  }

  private async damagedRows(plan: BackupPlan, { damaged }: SendOutcome): Promise<DamagedRow[]> {
    const here = damaged.map(({ hash, reason }) => damagedRow(this.archive, hash, reason));
    return [...(await together(here)), ...(await this.damagedThere(plan))];
  }

  private damagedThere({ lost }: BackupPlan): Promise<DamagedRow[]> {
    return damagedThere(this.archive, lost, this.parts.registered.name);
  }

  private recordBackup(sent: SendOutcome, { size, root }: LogOutcome): Promise<number> {
    const { objects, bytes } = sent;
    const remote = this.parts.registered.name;
    const event: HkfsEvent = { type: 'backup.completed', remote, size, root, objects, bytes };
    return this.record([event], { objects, bytes, size });
  }

  private record(events: readonly HkfsEvent[], counts: Record<string, number>): Promise<number> {
    const { registered, clock, onMessage = () => {} } = this.parts;
    const request = { command: 'backup', args: [registered.name], sources: [], clock, onMessage };
    return Operation.record(this.archive, request, { events, counts });
  }

  private async refuseEmpty(): Promise<never> {
    throw new HkfsError(
      'REMOTE_FOREIGN',
      `${this.parts.store.url} holds no backups any more: ${FORMAT_NAME} is not there`,
      {
        hint: 'mount the disk that belongs there; if all was lost, `hkfs backup NAME --mend` begins again',
      },
    );
  }

  /** Says to the next run that this one was killed; of use only, and may be deleted. */
  private rememberUnfinished(): void {
    const path = this.unfinished();
    mkdirSync(toFsPath(parentPath(path)), { recursive: true });
    writeFileSync(toFsPath(path), '');
  }

  private forgetUnfinished(): void {
    rmSync(toFsPath(this.unfinished()), { force: true });
  }

  private isUnfinished(): boolean {
    return existsSync(toFsPath(this.unfinished()));
  }

  private unfinished(): string {
    return `${this.archive.layout.hkfs}/remotes/${encodeURIComponent(this.parts.registered.name)}/unfinished`;
  }
}

function planned({ base, target, objects, upToDate }: BackupPlan): Omit<Done, 'damaged'> {
  const { size, root } = target;
  return {
    operation: null,
    size,
    root,
    // What the remote has lost goes without the events that say so.
    events: upToDate && objects.length > 0 ? 0 : size - base.size,
    objects: objects.length,
    bytes: objects.bytes,
    segments: 0,
    upToDate: upToDate && objects.length === 0,
    dryRun: true,
  };
}

async function packerOf(): Promise<(bytes: Buffer) => Promise<Buffer>> {
  const { zstd } = await import('../../store/remote/zstd.js');
  return (await zstd()).compress;
}
