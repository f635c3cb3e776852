/**
 * What is damaged or missing at a remote is sent again from here. What is missing needs the right to create;
 * a damaged file has to go first, which needs the right to remove: where that is refused, it stays and is told.
 */
import { errnoOf, HkfsError, isHkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { Message } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import type { FileFinding } from './check-remote-log.js';
import type { ObjectFinding } from './check-remote-objects.js';
import { otherCopies } from '../other-copies.js';
import { ensureRemote } from './format.js';
import { ObjectList } from './object-list.js';
import { RateLimiter } from './rate-limiter.js';
import type { RemoteArchive } from './remote-archive.js';
import { sendLostLog } from './send-log.js';
import { sendObjects } from './send-objects.js';
import { TransferMeter } from './transfer-meter.js';

export interface MendOptions {
  readonly signal: AbortSignal | undefined;
  readonly onMessage: (message: Message) => void;
}

/** @throws HkfsError READ_ONLY for a bundle */
export function refuseBundle({ kind, url }: BlobStore): void {
  if (kind !== 'bundle') return;
  throw new HkfsError('READ_ONLY', `${url} is a bundle, and a bundle is never changed`, {
    hint: 'make a new one with `hkfs bundle create`',
  });
}

/** @returns the contents that are there again */
export async function mendObjects(
  archive: OpenArchive,
  store: BlobStore,
  { findings, ...options }: MendOptions & { findings: readonly ObjectFinding[] },
): Promise<Hash[]> {
  const list = new ObjectList();
  for (const finding of findings)
    if (await makeRoom(archive, store, finding, options))
      list.add(Buffer.from(finding.hash, 'hex'), finding.size);
  if (list.length === 0) return [];
  failpoint('mend.room');
  const meter = new TransferMeter('sending', { files: list.length, bytes: list.bytes }, undefined);
  const { damaged } = await sendObjects(archive, store, {
    list,
    meter,
    limiter: new RateLimiter(Infinity),
    ...options,
    compress: null,
  });
  await store.flush();
  failpoint('mend.objects');
  for (const { hash, reason } of damaged) tellStays(options, hash, `it is damaged here as well: ${reason}`);
  const lost = new Set(damaged.map(({ hash }) => hash));
  return [...list].map(({ hash }) => hash).filter((hash) => !lost.has(hash));
}

/** @returns the names of the files that are right again */
export async function mendFiles(
  archive: OpenArchive,
  remote: RemoteArchive,
  { findings, size, ...options }: MendOptions & { findings: readonly FileFinding[]; size: Position },
): Promise<string[]> {
  const healed: string[] = [];
  const checkpoints: Position[] = [];
  for (const { name, isMissing, isBeyond = false, checkpoint } of findings) {
    if (isBeyond) tellStays(options, name, 'it is of a later state than this archive is in');
    if (isBeyond || (!isMissing && !(await removed(remote.store, name, options)))) continue;
    healed.push(name);
    if (checkpoint !== undefined) checkpoints.push(checkpoint);
  }
  if (healed.length === 0) return [];
  await remote.store.flush();
  failpoint('mend.removed');
  await ensureRemote(remote.store);
  await sendLostLog(archive, remote, { size, checkpoints });
  return healed;
}

/** A damaged file goes only when there are good bytes to send. */
async function makeRoom(
  archive: OpenArchive,
  store: BlobStore,
  { hash, finding, names }: ObjectFinding,
  options: MendOptions,
): Promise<boolean> {
  if (finding === 'missing') return true;
  if (!(await isHere(archive, hash))) {
    tellStays(options, hash, 'it is damaged or missing here as well');
    return false;
  }
  for (const name of names) if (!(await removed(store, name, options))) return false;
  return true;
}

/** Read, and right: in the hash tree or under a name of the tree. */
async function isHere(archive: OpenArchive, hash: Hash): Promise<boolean> {
  const others = new Map([[0, await otherCopies(archive, hash)]]);
  const { objects } = archive.layout;
  const task = { task: 'digest-objects', objects, hashes: [hash], algorithms: [], others } as const;
  return (await archive.pool.run(task)).failures.size === 0;
}

async function removed(store: BlobStore, name: string, options: MendOptions): Promise<boolean> {
  try {
    await store.remove(name);
    return true;
  } catch (error) {
    if (!isRefused(error)) throw error;
    tellStays(
      options,
      name,
      'a damaged file has to be removed before it is sent again, and that was refused',
    );
    return false;
  }
}

function isRefused(error: unknown): boolean {
  return (
    isHkfsError(error, 'REMOTE_DENIED') ||
    isHkfsError(error, 'NO_PERMISSION') ||
    isHkfsError(error, 'READ_ONLY') ||
    ['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')
  );
}

function tellStays({ onMessage }: MendOptions, what: string, text: string): void {
  onMessage({ level: 'warning', code: 'NOT_HEALED', path: what, text });
}
