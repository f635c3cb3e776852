/** Where the bytes of a target are. */
import { existsSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { objectPath } from '../../fs/stage.js';
import { twinPaths } from '../../fs/place.js';
import type { ContentLocation } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { collectedObject } from './collected.js';
import { resolveTargetAt } from './past-paths.js';

/** @throws HkfsError NOT_FOUND, NOT_A_FILE */
export async function locate(archive: OpenArchive, text: string, at: Position): Promise<ContentLocation> {
  const contents = archive.contents(at);
  const target = await resolveTargetAt(archive, text, at);
  if (target.is === 'content') {
    const object = await contents.object(target.hash);
    return located(archive, target.hash, object?.size ?? 0);
  }
  const { event, kind } = target.named.entry;
  if (event.type !== 'file.ingested')
    throw new HkfsError('NOT_A_FILE', `/${target.named.path} is a ${kind}`, { hint: 'name a file' });
  if (event.hash === null) return { hash: null, size: 0, files: [] };
  return located(archive, event.hash, event.size);
}

async function located(archive: OpenArchive, hash: Hash, size: number): Promise<ContentLocation> {
  const files = filesOf(archive, hash);
  const collected = files.length > 0 ? null : await collectedObject(archive, hash);
  return { hash, size, files, ...(collected && { collected }) };
}

/** The first inode first: twins were made from it. */
function filesOf(archive: OpenArchive, hash: Hash): string[] {
  const object = objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
  return twinPaths(object)
    .reverse()
    .filter((path) => existsSync(path));
}
