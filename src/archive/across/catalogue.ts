/**
 * The cached catalogue of one archive of a remote: its log and views, up to a head that was checked against
 * a signed checkpoint. The head and the key are pinned beside them (`head.json`), so that the next ones have
 * to follow from them, also where the log was lost and is fetched again.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { errnoOf, HkfsError, isHkfsError, type ErrorCode } from '../../errors.js';
import { EventLog } from '../../events/log.js';
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import type { Head, Position } from '../../events/types.js';
import { writeFileDurably } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import { joinPath, toFsPath } from '../../fs/names.js';
import { isRefusal } from '../../projections/judge/log-judge.js';
import type { Progress } from '../api.js';
import { FORMAT_VERSION, layoutIn, type Layout } from '../layout.js';
import { OpenArchive } from '../open-archive.js';
import { cutLog } from '../remote/cut-log.js';
import { importLog } from '../remote/import-log.js';
import { keyName } from '../remote/names.js';
import { diverged } from '../remote/parting.js';
import type { RemoteArchive } from '../remote/remote-archive.js';
import { patiently, type Patience } from './patience.js';

/** New events from which on flushing pays for the next open. */
const FLUSH_EVENTS = 1000;
/** What happens to a cache: it is made again. */
const DAMAGE: readonly ErrorCode[] = ['LOG_DAMAGED', 'LOG_GAP', 'LOG_SHORTER', 'VIEWS_DAMAGED'];
/** After these nothing is wrong with what came before. */
const WENT_AWAY: readonly ErrorCode[] = ['INTERRUPTED', 'REMOTE_UNREACHABLE', 'REMOTE_DENIED'];

export interface Pin extends Head {
  /** The public key that signed, as text. */
  readonly key: string;
}

export interface FollowOptions extends Patience {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export class Catalogue {
  readonly id: string;
  private readonly directory: string;
  private readonly layout: Layout;

  constructor(directory: string, id: string) {
    this.id = id;
    this.directory = directory;
    this.layout = layoutIn(directory);
  }

  /** The head that was checked; null where there is none yet. */
  pin(): Pin | null {
    try {
      const pin = JSON.parse(readFileSync(toFsPath(this.pinFile), 'utf8')) as Pin;
      return Number.isSafeInteger(pin.size) && typeof pin.root === 'string' ? pin : null;
    } catch (error) {
      // One that is there and cannot be read is no leave to forget which head was checked.
      if (errnoOf(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
      return null;
    }
  }

  /**
   * Imports what the remote has more; what came before has to be the beginning of it.
   * @param newest the size of the newest checkpoint there
   * @throws HkfsError REMOTE_DIVERGED, REMOTE_DAMAGED, BAD_SIGNATURE, KEY_MISMATCH, INTERRUPTED, ARCHIVE_HELD
   */
  async follow(remote: RemoteArchive, newest: Position, options: FollowOptions): Promise<void> {
    mkdirSync(toFsPath(this.directory), { recursive: true });
    const log = await this.openLog(newest, options);
    let done = false;
    try {
      await this.import(log, remote, { ...options, newest });
      done = true;
    } catch (error) {
      done = isHkfsError(error) && WENT_AWAY.includes(error.code);
      throw error;
    } finally {
      await log.close();
      if (!done) await this.dropUnchecked(options);
    }
  }

  isThere(): boolean {
    return existsSync(toFsPath(this.layout.log));
  }

  /** With the log as it was checked; null where it has to be followed first. @throws HkfsError UNKNOWN_EVENT */
  async open(patience: Patience): Promise<OpenArchive | null> {
    if (this.pin() === null || !this.isThere()) return null;
    const size = await this.sizeOfLog(patience);
    const checked = this.pin()!.size;
    if (size < checked) return null;
    if (size > checked) await this.dropUnchecked(patience);
    return this.openOrWipe(patience);
  }

  private get pinFile(): string {
    return joinPath(this.directory, 'head.json');
  }

  private get name(): string {
    return `the catalogue of archive ${this.id}`;
  }

  private async import(
    log: EventLog,
    remote: RemoteArchive,
    { newest, signal, onProgress }: FollowOptions & { newest: Position },
  ): Promise<void> {
    // Another process may have been here since the remote was listed.
    const pin = this.pin();
    const size = Math.max(newest, pin?.size ?? 0);
    if (log.size === size && pin?.size === size) return;
    const key = await keyOf(remote, pin);
    const to = await remote.checkpoint(size, key);
    const before = log.size;
    await importLog(log, remote, { to, key, signal, onProgress });
    if (pin !== null && (await log.headAt(pin.size)).root !== pin.root)
      throw diverged(remote, {
        reason: `it has another history than it had at position ${pin.size}`,
        position: 0,
        hint: FORKED,
      });
    if (log.size - before >= FLUSH_EVENTS) await log.compactForClose();
    failpoint('catalogue.log');
    const { root } = to;
    const text = JSON.stringify({ size, root, key: formatVerifierKey(key) } satisfies Pin);
    writeFileDurably(this.pinFile, Buffer.from(`${text}\n`), 0o644);
    failpoint('catalogue.head');
  }

  /** A damaged one, and one that is ahead of what is there to check it against, is begun again. */
  private async openLog(newest: Position, patience: Patience): Promise<EventLog> {
    const open = (): Promise<EventLog> => this.patiently(patience, () => this.openLogNow());
    const log = await open();
    if (log.size <= Math.max(newest, this.pin()?.size ?? 0)) return log;
    await log.close();
    await this.dropUnchecked(patience);
    return open();
  }

  private async openLogNow(): Promise<EventLog> {
    const { layout } = this;
    try {
      return await EventLog.open(layout.log, { createIfMissing: true });
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.wipe();
      return EventLog.open(layout.log, { createIfMissing: true });
    }
  }

  private async openOrWipe(patience: Patience): Promise<OpenArchive | null> {
    const { directory, layout, id } = this;
    const file = { format: FORMAT_VERSION, id, hash: 'blake3-256', created: '' } as const;
    try {
      const options = { file, layout, judged: true };
      return await this.patiently(patience, () => OpenArchive.open(directory, options));
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.wipe();
      if (isRefusal(error)) throw error;
      return null;
    }
  }

  /** What a kill left of an import that was not checked to its end must not get into the views. */
  private async dropUnchecked(patience: Patience): Promise<void> {
    const pin = this.pin();
    if (pin !== null && (await this.patiently(patience, () => this.holds(pin))))
      await this.patiently(patience, () => cutLog(this.layout, pin.size));
    else this.wipe();
  }

  /** Whether the log is what was checked, and maybe more. */
  private async holds({ size, root }: Head): Promise<boolean> {
    const log = await this.openLogNow();
    try {
      return log.size >= size && (await log.headAt(size)).root === root;
    } finally {
      await log.close();
    }
  }

  private async sizeOfLog(patience: Patience): Promise<Position> {
    const log = await this.patiently(patience, () => this.openLogNow());
    await log.close();
    return log.size;
  }

  private wipe(): void {
    for (const path of [this.layout.views, this.layout.log])
      rmSync(toFsPath(path), { recursive: true, force: true });
  }

  private patiently<T>(patience: Patience, act: () => Promise<T>): Promise<T> {
    return patiently(this.name, patience, act);
  }
}

export const FORKED =
  'ask whoever has that archive whether it was brought back from an earlier state; `hkfs remote rm` and `remote add` forget what was seen there before';

function isDamage(error: unknown): boolean {
  return isHkfsError(error) && DAMAGE.includes(error.code);
}

/** The key that signed before; at first the one that is there. @throws HkfsError KEY_MISMATCH, REMOTE_FOREIGN */
async function keyOf(remote: RemoteArchive, pin: Pin | null): Promise<VerifierKey> {
  const theirs = await remote.key();
  if (theirs === null) throw remote.damaged(keyName(remote.id), 'it is missing');
  if (pin === null || pin.key === formatVerifierKey(theirs)) return theirs;
  throw new HkfsError(
    'KEY_MISMATCH',
    `${remote.describe(keyName(remote.id))} is another key than ${formatVerifierKey(parseVerifierKey(pin.key))}, which signed before`,
    { hint: FORKED },
  );
}
