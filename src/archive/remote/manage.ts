/** `remote add`, `remote ls`, `remote rm`: which places for backups the archive knows. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { HkfsError, withoutSecrets } from '../../errors.js';
import { isRemoteName } from '../../events/chosen-names.js';
import type { BackupCompleted, HkfsEvent, RemoteAdded } from '../../events/types.js';
import { joinPath, parentPath, readDirectoryNames, realPath, toFsPath } from '../../fs/names.js';
import { parseTimeAndEvent } from '../../projections/evolve.js';
import * as keys from '../../projections/keys.js';
import { readRows } from '../../projections/views.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import { parseRemoteUrl, storedUrl, type PathRemote } from '../../store/remote/remote-url.js';
import type { AddRemoteOptions, AddRemoteSummary, RemoteRow, RemoveRemoteSummary } from '../api.js';
import type { ChangeOptions } from '../history/change.js';
import type { OpenArchive } from '../open-archive.js';
import { OwnPlaces } from '../own-places.js';
import { Operation } from '../operation.js';
import { ensureRemote, isRemote } from './format.js';
import { ARCHIVES, FORMAT_NAME, OBJECTS } from './names.js';
import { openRemoteStore } from './open-remote.js';
import { registeredRemote } from './registered.js';

/**
 * Nothing is added before the place was reached, and found or made to be a remote.
 * @throws HkfsError USAGE, BAD_URL, REMOTE_EXISTS, REMOTE_INSIDE, REMOTE_FOREIGN, REMOTE_NEWER,
 *   REMOTE_UNREACHABLE, REMOTE_DENIED, NO_BUCKET
 */
export async function addRemote(
  archive: OpenArchive,
  options: AddRemoteOptions,
  change: ChangeOptions,
): Promise<AddRemoteSummary> {
  const { name, env = process.env } = options;
  checkName(name);
  if (await isRegistered(archive, name))
    throw new HkfsError('REMOTE_EXISTS', `there is a remote ${name} already`, {
      hint: 'choose another name, or take that one away with `hkfs remote rm`',
    });
  const remote = parseRemoteUrl(options.url);
  if (remote.kind === 'path') {
    refuseInside(remote, archive.layout.root);
    refuseOthersFiles(remote);
  }
  const url = storedUrl(options.url, remote, env);
  const store = await openRemoteStore(url, { env, onMessage: change.onMessage, create: true });
  try {
    const guarded = await prepare(store);
    if (guarded === false)
      change.onMessage?.({
        level: 'warning',
        code: 'NO_CONDITIONAL_WRITES',
        text: 'this server overwrites what is there although it was asked not to (If-None-Match): do not back up to it from two machines at once',
      });
    const { kind } = store;
    const operation = await record(archive, { command: 'remote add', args: [name, url] }, change, [
      { type: 'remote.added', name, url, kind },
    ]);
    return { operation, name, kind, url, conditionalWrites: guarded };
  } finally {
    await store.close();
  }
}

/** What is at the remote stays there. @throws HkfsError REMOTE_NOT_FOUND */
export async function removeRemote(
  archive: OpenArchive,
  name: string,
  change: ChangeOptions,
): Promise<RemoveRemoteSummary> {
  const { url } = await registeredRemote(archive, name);
  const operation = await record(archive, { command: 'remote rm', args: [name] }, change, [
    { type: 'remote.removed', name },
  ]);
  rmSync(toFsPath(joinPath(archive.layout.remotes, name)), { recursive: true, force: true });
  return { operation, name, url };
}

/** In the order of their names. */
export async function* remotes(archive: OpenArchive): AsyncGenerator<RemoteRow> {
  const added = await newestRows(archive, keys.PREFIX.remote);
  const backups = await newestRows(archive, keys.PREFIX.backup);
  for (const [name, { event, timeMs, position }] of added) {
    if (event === null) continue;
    const { kind, url } = event as RemoteAdded;
    const backup = backups.get(name);
    // A remote that had the name before is another one.
    const isOwn = backup !== undefined && backup.position > position;
    const lastBackup = isOwn ? backupOf(backup.event as BackupCompleted, backup.timeMs) : null;
    yield { name, kind, url: withoutSecrets(url), added: new Date(timeMs).toISOString(), lastBackup };
  }
}

function backupOf({ size, root }: BackupCompleted, timeMs: number): RemoteRow['lastBackup'] {
  return { size, root, time: new Date(timeMs).toISOString() };
}

interface NewestRow {
  readonly position: number;
  readonly timeMs: number;
  /** Null where it says that the remote is gone. */
  readonly event: HkfsEvent | null;
}

async function newestRows(archive: OpenArchive, prefix: number): Promise<Map<string, NewestRow>> {
  const newest = new Map<string, NewestRow>();
  for await (const rows of readRows(archive.views.level, keys.remoteRange(prefix)))
    for (const { key, value } of rows) {
      const { remote, position } = keys.parseRemoteKey(key);
      const found = value.length === 0 ? { timeMs: 0, event: null } : parseTimeAndEvent(value, position);
      newest.set(remote, { position, ...found });
    }
  return newest;
}

async function isRegistered(archive: OpenArchive, name: string): Promise<boolean> {
  const known = (await newestRows(archive, keys.PREFIX.remote)).get(name);
  return known !== undefined && known.event !== null;
}

function checkName(name: string): void {
  if (isRemoteName(name)) return;
  throw new HkfsError('USAGE', `${JSON.stringify(name)} cannot be the name of a remote`, {
    hint: 'take letters, digits, dots and dashes, such as usb or office-nas',
  });
}

/** @throws HkfsError REMOTE_INSIDE: a backup in an archive is lost with it, and its next ingest would take it in */
function refuseInside({ path }: PathRemote, root: string): void {
  const target = realOf(path);
  const inside = new OwnPlaces(root).hold(target) ? root : null;
  for (let at = target; ; at = parentPath(at)) {
    if (inside !== null || existsSync(toFsPath(joinPath(at, '.hkfs/archive.json'))))
      throw new HkfsError('REMOTE_INSIDE', `${path} is inside the archive ${inside ?? at}`, {
        hint: 'name a directory outside of it, best on another disk',
      });
    if (at === '/' || at === '') return;
  }
}

/** @throws HkfsError REMOTE_FOREIGN: a remote has its directory to itself */
function refuseOthersFiles({ path }: PathRemote): void {
  if (!statSync(toFsPath(path), { throwIfNoEntry: false })?.isDirectory()) return;
  const names = readDirectoryNames(path);
  const other = names.find((name) => !name.startsWith('.') && name !== 'lost+found');
  if (other === undefined || names.includes(FORMAT_NAME)) return;
  throw foreign(`${path} has other files (${other}) and is no remote of hkfs`);
}

function foreign(message: string): HkfsError {
  return new HkfsError('REMOTE_FOREIGN', message, {
    hint: `name an empty place; or put ${FORMAT_NAME} back if it was lost`,
  });
}

/** The real path that it has or will have. */
function realOf(path: string): string {
  if (existsSync(toFsPath(path))) return realPath(path);
  return joinPath(realOf(parentPath(path)), path.slice(path.lastIndexOf('/') + 1));
}

/** @returns whether the place keeps what is there when asked to; null where nothing can be written */
async function prepare(store: BlobStore): Promise<boolean | null> {
  if (!(await isRemote(store))) {
    await refuseForeign(store);
    await ensureRemote(store);
    await store.flush();
  }
  if (store.kind === 'bundle') return null;
  const format = (await store.read(FORMAT_NAME))!;
  // With the same bytes, so that a place that does overwrite is none the worse.
  return (await store.create(FORMAT_NAME, format)) === 'exists';
}

/** @throws HkfsError REMOTE_FOREIGN where other things have the names that a remote would use */
async function refuseForeign(store: BlobStore): Promise<void> {
  if (store.kind === 'bundle') throw foreign(`${store.url} is no bundle of an archive`);
  for (const prefix of [OBJECTS, ARCHIVES])
    for await (const { name } of store.list(prefix))
      throw foreign(`${store.url} has ${name} and no ${FORMAT_NAME}: it is no remote of hkfs`);
}

function record(
  archive: OpenArchive,
  { command, args }: { command: string; args: readonly string[] },
  { clock, onMessage = () => {} }: ChangeOptions,
  events: readonly HkfsEvent[],
): Promise<number> {
  return Operation.record(archive, { command, args, sources: [], clock, onMessage }, { events, counts: {} });
}
