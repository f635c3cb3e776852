/** How far the archives of a remote are, told by its names alone and with as few listings as can be. */
import type { Position } from '../../events/types.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import { ARCHIVES, checkpointName, logPrefix, parseCheckpointName } from '../remote/names.js';

const NAME = /^archives\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//;
/** As many as S3 lists at once: reading on through fewer costs less than to begin again behind them. */
const PAGE = 1000;

/**
 * The size of the newest checkpoint of each archive that is there, 0 where it has none. Where few names are
 * there, one listing tells all; where there are many, what is known already and log segments are skipped.
 *
 * @param known up to where each archive was followed before
 */
export async function newestCheckpoints(
  store: BlobStore,
  known: ReadonlyMap<string, Position>,
): Promise<Map<string, Position>> {
  const found = new Map<string, Position>();
  let after: string | null | undefined;
  while (after !== null) after = await readOn(store, { after, known, found });
  return found;
}

/** @returns after which name to begin again; null at the end */
async function readOn(
  store: BlobStore,
  parts: {
    after: string | undefined;
    known: ReadonlyMap<string, Position>;
    found: Map<string, Position>;
  },
): Promise<string | null> {
  const { after, known, found } = parts;
  let passed = 0;
  for await (const { name } of store.list(ARCHIVES, after)) {
    const id = NAME.exec(name)?.[1];
    if (id === undefined) continue;
    const size = parseCheckpointName(name);
    const before = known.get(id) ?? 0;
    found.set(id, Math.max(found.get(id) ?? 0, size ?? 0));
    const isOld = size !== null && size < before;
    const isLog = name.startsWith(logPrefix(id));
    passed = isOld || isLog ? passed + 1 : 0;
    if (passed < PAGE) continue;
    // '0' comes right after '/': behind everything of this archive.
    return isLog ? `${ARCHIVES}${id}0` : checkpointName(id, before - 1);
  }
  return null;
}
