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
import { openBlobStore } from '../../store/remote/open.js';
import type { BackupOptions, BackupSummary } from '../api.js';
import { archiveKey } from '../keys.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { collectObjects } from './collect.js';
import { cutAhead } from './cut-segments.js';
import { damagedRow } from './damaged-row.js';
import { ensureRemote, isRemote } from './format.js';
import { FORMAT_NAME } from './names.js';
import type { BackupPlan } from './plan.js';
import { RateLimiter } from './rate-limiter.js';
import { lastBackup, registeredRemote, type RegisteredRemote } from './registered.js';
import { remoteBase } from './remote-base.js';
import { RemoteArchive } from './remote-archive.js';
import { listObjects, sendObjects, type LocalDamage, type SendOutcome } from './send-objects.js';
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
  const store = await openBlobStore(registered.url, { env: options.env ?? process.env });
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
    if (this.parts.dryRun) return planned(plan);
    if (plan.upToDate) return this.nothingNew(plan);
    if (plan.base.size === 0) await ensureRemote(this.parts.store);
    const span = { first: plan.base.size, last: plan.target.size - 1 };
    const stopped = new AbortController();
    const [sent, ahead] = await together(
      [this.sendObjects(plan, stopped.signal), cutAhead(this.archive.log, span)],
      () => stopped.abort(),
    );
    failpoint('backup.objects');
    await this.parts.store.flush();
    await this.recordDamage(sent.damaged);
    const mend = this.parts.mend === true;
    const log = await sendLog(this.archive, this.remote, { base: plan.base, mend, ahead });
    failpoint('backup.checkpoint');
    const operation = await this.recordBackup(sent, log);
    this.forgetUnfinished();
    const { objects, bytes, damaged } = sent;
    const { size, root, events, segments } = log;
    return {
      operation,
      size,
      root,
      events,
      objects,
      bytes,
      segments,
      damaged: await together(damaged.map(({ hash, reason }) => damagedRow(this.archive, hash, reason))),
      upToDate: false,
    };
  }

  /** A backup that was killed after its checkpoint is told now. */
  private async nothingNew({ base }: BackupPlan): Promise<Done> {
    const isTold = ((await this.known()) ?? 0) >= base.size;
    const nothing = { objects: 0, bytes: 0, events: 0, segments: 0, damaged: [] };
    const operation = isTold ? null : await this.recordBackup(nothing, { ...nothing, ...base });
    this.forgetUnfinished();
    return { ...nothing, operation, size: base.size, root: base.root, upToDate: true };
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
    const { objects, hasNews } = await collectObjects(archive.log, archive.contents(), span);
    const target = archive.log.head();
    if (!hasNews) return { base, target, objects, upToDate: true };
    const isResumed = this.isUnfinished() || base.size === 0 || mend;
    if (!isKnown || !isResumed || objects.length < LIST_FROM)
      return { base, target, objects, upToDate: false };
    const arrived = await listObjects(parts.store);
    const left = objects.filter(({ hash }) => !arrived.has(hash));
    return { base, target, objects: left, upToDate: false };
  }

  /** @param stopped a log that cannot be sent makes contents useless there */
  private async sendObjects({ objects }: BackupPlan, stopped: AbortSignal): Promise<SendOutcome> {
    const { limitRate = Infinity, onProgress, onMessage, store, compress } = this.parts;
    const signal = this.parts.signal ? AbortSignal.any([this.parts.signal, stopped]) : stopped;
    const packer = compress === true ? (await import('../../store/remote/zstd.js')).compressor() : null;
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

  /** From now on the log says so, and what the remote gets says that these are missing. */
  private async recordDamage(damaged: readonly LocalDamage[]): Promise<void> {
    const events: HkfsEvent[] = [];
    for (const { hash, finding } of damaged)
      if ((await this.archive.contents().finding(hash)) !== finding)
        events.push({ type: 'object.damaged', hash, finding });
    if (events.length > 0) await this.record(events, { damaged: events.length });
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

function planned({ base, target, objects, upToDate }: BackupPlan): Done {
  const { size, root } = target;
  return {
    operation: null,
    size,
    root,
    events: size - base.size,
    objects: objects.length,
    bytes: objects.bytes,
    segments: 0,
    damaged: [],
    upToDate,
    dryRun: true,
  };
}
