/** A content that is lost somewhere, with the names that it has now. */
import type { Hash } from '../../events/types.js';
import type { DamagedRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';

export async function damagedRow(archive: OpenArchive, hash: Hash, reason: string): Promise<DamagedRow> {
  const paths: string[] = [];
  for await (const path of archive.contents().livePaths(hash, archive.namespace())) paths.push(path);
  return { hash, reason, paths };
}
