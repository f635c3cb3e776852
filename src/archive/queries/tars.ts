/** Trees that were made from tars, found by the content of the tar. */
import type { Hash, Position } from '../../events/types.js';
import * as keys from '../../projections/keys.js';
import { ROOT, type NamedEntry } from '../../projections/namespace.js';
import type { OpenArchive } from '../open-archive.js';

export interface IngestedTar extends NamedEntry {
  readonly operation: number;
}

/** The directories that a tar became, where they are at the moment; those that are gone are left out. */
export async function* ingestedTars(
  archive: OpenArchive,
  hash: Hash,
  at: Position,
): AsyncGenerator<IngestedTar> {
  const key = (position: Position): Buffer =>
    keys.hashPositionKey(keys.PREFIX.tar, Buffer.from(hash, 'hex'), position);
  const namespace = archive.namespace(at);
  for await (const value of archive.views.level.values({ gte: key(0), lt: key(at + 1) })) {
    const path = await namespace.pathOf(keys.readPosition(value, 0));
    const entry = path === null ? undefined : path === '' ? ROOT : await namespace.resolve(path);
    if (path !== null && entry !== undefined) yield { path, entry, operation: keys.readPosition(value, 8) };
  }
}
