/** After a commit: sources go, or become links to their objects; where an object turns out wrong, it is healed. */
import { unlinkSync } from 'node:fs';
import { hashToHex } from '../fs/hash.js';
import { lstatOrNull } from '../fs/scan.js';
import { hashOfObjectPath } from '../fs/stage.js';
import { StatTable } from '../fs/stats.js';
import { STAGE, type ReleaseItem } from '../fs/tasks.js';
import { together } from '../fs/together.js';
import type { Failure } from './api.js';
import type { Committer } from './committer.js';
import type { OpenArchive } from './open-archive.js';
import { SealChain } from './seal-chain.js';
import { chunksByObject } from './tree-tasks.js';

interface Parts {
  readonly committer: Committer;
  /** Of a source that stays although it was to go. */
  readonly onKept: (failure: Failure) => void;
}

/** Threads share the reading: what is given up is compared with its object. */
export async function releaseAll(
  archive: OpenArchive,
  items: readonly ReleaseItem[],
  { committer, onKept }: Parts,
): Promise<void> {
  if (items.length === 0) return;
  const { staging } = archive.layout;
  const chain = new SealChain(committer.index);
  const wrong: ReleaseItem[] = [];
  const release = async (part: readonly ReleaseItem[]): Promise<void> => {
    const result = await archive.pool.run({ task: 'release', items: part, staging });
    await chain.touched(result);
    for (const [index, { code, message }] of result.failures)
      // Stopped by the user: the next run compares it.
      if (code !== 'ECANCELED') onKept({ path: part[index]!.path, code, message: `stays: ${message}` });
    for (const index of result.wrong) wrong.push(part[index]!);
  };
  await together(chunksByObject(items).map(release));
  await archive.views.level.batch(chain.rows());
  for (const item of wrong) await healFrom(archive, item, committer);
}

/** The source has the bytes of the object's name and the object has others: a copy of it takes its place. */
async function healFrom(archive: OpenArchive, item: ReleaseItem, committer: Committer): Promise<void> {
  const { path } = item;
  const object = item.object!;
  const hash = hashOfObjectPath(object);
  const there = lstatOrNull(object);
  if (there === null || committer.index.isPending(hash)) return;
  // A further inode of it may be the wrong one, which `verify` finds.
  const { hashes } = await archive.pool.run({ task: 'hash', files: [object] });
  if (hashToHex(hashes) === hash) return;
  const copy = await stageCopy(archive, item, committer.reserveStagedIds(1));
  if (copy === null) return;
  const { staged, stat } = copy;
  const from = { device: there.dev, inode: there.ino };
  if (copy.hash !== hash) unlinkSync(staged);
  else await committer.replace({ staged, hash, stat, size: Number(stat.size), from, healedFrom: path });
}

async function stageCopy(
  archive: OpenArchive,
  { path, expected }: ReleaseItem,
  firstId: number,
): Promise<{ staged: string; hash: string; stat: ReturnType<StatTable['get']> } | null> {
  const { objects, staging } = archive.layout;
  const task = { task: 'stage', files: [path], expected, method: 'copy', objects, staging } as const;
  const { status, hashes, objects: stats } = await archive.pool.run({ ...task, firstId, force: true });
  if (status[0] !== STAGE.staged) return null;
  return { staged: `${staging}/${firstId}`, hash: hashToHex(hashes), stat: new StatTable(stats).get(0) };
}
