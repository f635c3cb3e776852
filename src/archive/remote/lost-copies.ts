/**
 * What the log knows that a remote lacks of the contents that backups have covered: a check found it gone or
 * damaged there, or it was damaged here when it was to be sent. No later span of the log brings it again.
 */
import type { HkfsEvent, Hash, Position } from '../../events/types.js';
import { RemoteCopies } from '../../projections/copies.js';
import type { DamagedRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { together } from '../../fs/together.js';
import { damagedRow } from './damaged-row.js';
import { ObjectList } from './object-list.js';
import type { RegisteredRemote } from './registered.js';

export interface LostCopies {
  /** They are not there: what lacks is created again, and nothing has to be removed for it. */
  readonly missing: ObjectList;
  /** They are there with other bytes, which a backup never removes. */
  readonly damaged: readonly Hash[];
}

export const NOTHING_LOST: LostCopies = { missing: new ObjectList(), damaged: [] };

/** @param size what the remote's newest checkpoint covers */
export async function lostCopies(
  archive: OpenArchive,
  { name, since }: RegisteredRemote,
  size: Position,
): Promise<LostCopies> {
  const copies = await RemoteCopies.load(archive.views.level, name, { since, at: archive.now });
  const missing = new ObjectList();
  const damaged: Hash[] = [];
  for (const hash of copies.suspects()) {
    const object = await archive.contents().object(hash);
    if (object === null || object.inodes.length === 0 || object.firstStored >= size) continue;
    if (await isGivenUp(archive, hash)) continue;
    const state = copies.of(hash, object.firstStored)?.state ?? 'missing';
    if (state === 'damaged') damaged.push(hash);
    else if (state === 'missing') missing.add(Buffer.from(hash, 'hex'), object.size);
  }
  return { missing, damaged };
}

/** Damaged here as well, and nothing names it any more: told once, and not by each backup for ever. */
async function isGivenUp(archive: OpenArchive, hash: Hash): Promise<boolean> {
  const contents = archive.contents();
  if ((await contents.finding(hash)) === null) return false;
  for await (const _path of contents.livePaths(hash, archive.namespace())) return false;
  return true;
}

/** What is to be sent, each content once. */
export function withLost(objects: ObjectList, { missing }: LostCopies): ObjectList {
  if (missing.length === 0) return objects;
  const listed = new Set([...objects].map(({ hash }) => hash));
  const all = objects.filter(() => true);
  for (const { hash, size } of missing) if (!listed.has(hash)) all.add(Buffer.from(hash, 'hex'), size);
  return all;
}

/** From now on the log says that they are there: of what lacked all that did not fail. */
export function sentAgain(
  { missing }: LostCopies,
  remote: string,
  failed: readonly { readonly hash: Hash }[],
): HkfsEvent[] {
  const lost = new Set(failed.map(({ hash }) => hash));
  const healed = [...missing].map(({ hash }) => hash).filter((hash) => !lost.has(hash));
  if (healed.length === 0) return [];
  const nothingRead = { quick: true, objects: 0, bytes: 0, before: 0, after: null, upTo: null, size: 0 };
  return [{ type: 'copies.verified', remote, ...nothingRead, damaged: [], missing: healed, healed }];
}

/** What stays damaged there is told by each backup until it was mended. */
export function damagedThere(
  archive: OpenArchive,
  { damaged }: LostCopies,
  remote: string,
): Promise<DamagedRow[]> {
  const reason = `it is damaged at the remote; \`hkfs verify --remote ${remote} --heal\` sends it again`;
  return together(damaged.map((hash) => damagedRow(archive, hash, reason)));
}
