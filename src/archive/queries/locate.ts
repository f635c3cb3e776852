/** Where the bytes of a target are. */
import { HkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import type { ContentLocation } from '../api.js';
import { sealText } from '../content-copy.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import { otherCopies, pathOfObject } from '../other-copies.js';
import { collectedObject } from './collected.js';
import { resolveTargetAt } from './past-paths.js';

interface Asked {
  readonly at: Position;
  /** Also outside of the hash tree. */
  readonly everywhere: boolean;
}

/** @throws HkfsError NOT_FOUND, NOT_A_FILE */
export async function locate(archive: OpenArchive, text: string, asked: Asked): Promise<ContentLocation> {
  const { at, everywhere } = asked;
  const target = await resolveTargetAt(archive, text, at);
  if (target.is === 'content') {
    const object = await archive.contents(at).object(target.hash);
    return located(archive, { hash: target.hash, size: object?.size ?? 0 }, everywhere);
  }
  const { event, kind } = target.named.entry;
  if (event.type !== 'file.ingested')
    throw new HkfsError('NOT_A_FILE', `/${target.named.path} is a ${kind}`, { hint: 'name a file' });
  const { hash, size } = event;
  if (hash === null) return { hash: null, size: 0, files: [], seals: [] };
  return located(archive, { hash, size }, everywhere);
}

async function located(
  archive: OpenArchive,
  { hash, size }: { hash: Hash; size: number },
  everywhere: boolean,
): Promise<ContentLocation> {
  const copies = await sealedFiles(archive, hash);
  const others = everywhere ? await otherCopies(archive, hash) : [];
  const files = [...copies.map(({ file }) => file), ...others];
  const seals = [...copies.map(({ seal }) => seal), ...others.map(() => null)];
  const collected = files.length > 0 ? null : await collectedObject(archive, hash);
  return { hash, size, files, seals, ...(collected && { collected }) };
}

/** The first inode first: twins were made from it. */
async function sealedFiles(
  archive: OpenArchive,
  hash: Hash,
): Promise<{ file: string; seal: string | null }[]> {
  const files = twinPaths(pathOfObject(archive.layout.objects, hash)).reverse();
  const found = files.flatMap((file) => {
    const stat = lstatOrNull(file);
    return stat === null ? [] : [{ file, stat }];
  });
  const index = new ObjectIndex(archive.views.level);
  const finding = await archive.contents().finding(hash);
  if (finding !== null) index.suspects = new Map([[hash, finding]]);
  const seals = await index.seals(found.map(({ stat }) => ({ device: stat.dev, inode: stat.ino })));
  return found.map(({ file, stat }, at) => {
    const isGood = index.judge(hash, stat, seals[at]) === 'good';
    return { file, seal: isGood ? sealText(stat) : null };
  });
}
