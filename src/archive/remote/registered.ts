/** The remotes that the log knows, and what it knows of their backups. */
import { HkfsError } from '../../errors.js';
import type { BackupCompleted, Position, RemoteAdded } from '../../events/types.js';
import { parseTimeAndEvent } from '../../projections/evolve.js';
import * as keys from '../../projections/keys.js';
import { readRows } from '../../projections/views.js';
import type { OpenArchive } from '../open-archive.js';

export interface RegisteredRemote {
  readonly name: string;
  readonly url: string;
  readonly kind: RemoteAdded['kind'];
  /** The position of the event that added it. */
  readonly since: Position;
}

/** @throws HkfsError REMOTE_NOT_FOUND */
export async function registeredRemote(archive: OpenArchive, name: string): Promise<RegisteredRemote> {
  const newest = await newestRow(archive, keys.PREFIX.remote, name);
  if (newest === null || newest.value.length === 0)
    throw new HkfsError('REMOTE_NOT_FOUND', `there is no remote ${name}`, {
      hint: 'see `hkfs remote ls`; add one with `hkfs remote add NAME URL`',
    });
  const { event } = parseTimeAndEvent(newest.value, newest.position);
  const { url, kind } = event as RemoteAdded;
  return { name, url, kind, since: newest.position };
}

/** The remotes of a moment, in the order of their names. */
export async function remotesAt(
  archive: OpenArchive,
  at: Position,
): Promise<{ name: string; since: Position }[]> {
  const newest = new Map<string, Position>();
  for await (const rows of readRows(archive.views.level, keys.remoteRange(keys.PREFIX.remote)))
    for (const { key, value } of rows) {
      const { remote, position } = keys.parseRemoteKey(key);
      if (position > at) continue;
      if (value.length === 0) newest.delete(remote);
      else newest.set(remote, position);
    }
  return [...newest].map(([name, since]) => ({ name, since }));
}

/** The last backup to the remote as it is now; one that had the name before does not count. */
export async function lastBackup(
  archive: OpenArchive,
  { name, since }: RegisteredRemote,
): Promise<BackupCompleted | null> {
  const newest = await newestRow(archive, keys.PREFIX.backup, name);
  if (newest === null || newest.position < since) return null;
  return parseTimeAndEvent(newest.value, newest.position).event as BackupCompleted;
}

async function newestRow(
  archive: OpenArchive,
  prefix: number,
  name: string,
): Promise<{ position: Position; value: Buffer } | null> {
  const range = {
    gte: keys.remoteKey(prefix, name, 0),
    lte: keys.remoteKey(prefix, name, Number.MAX_SAFE_INTEGER),
  };
  for await (const [key, value] of archive.views.level.iterator({ ...range, reverse: true, limit: 1 }))
    return { position: keys.parseRemoteKey(key).position, value };
  return null;
}
