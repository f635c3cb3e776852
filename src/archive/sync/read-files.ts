/**
 * What of a comparison has to be read before anything is concluded: every file on the inode of an object
 * that no seal speaks for, and those that may have the recorded bytes on an inode of their own.
 */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { together } from '../../fs/together.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import { chunks } from '../tree-tasks.js';
import { hashTreeFiles, type Verdict } from './check-contents.js';
import type { TreeComparison } from './compare-tree.js';
import { knownFile, type FoundEntry, type MissingEntry } from './nodes.js';

export interface ReadFiles {
  /** As in the comparison, those that were read with what they are. */
  readonly found: FoundEntry[];
  /** By path. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

export async function readFiles(
  archive: OpenArchive,
  { missing, found, touched }: Pick<TreeComparison, 'missing' | 'found' | 'touched'>,
): Promise<ReadFiles> {
  const recorded = new Map(missing.map((entry) => [entry.path, entry]));
  const doubtful = found.filter(
    (one) => one.candidate !== null || mayBeRecorded(one, recorded.get(one.path)),
  );
  const verdicts = await hashTreeFiles(archive, [...touched, ...doubtful]);
  return { found: found.map((one) => judged(one, verdicts.get(one.path))), verdicts };
}

/** A file at its place, of the recorded size, on an inode of its own. */
export function mayBeRecorded(found: FoundEntry, recorded: MissingEntry | undefined): boolean {
  if (found.kind !== 'file' || (found.hash !== null && found.relink === undefined)) return false;
  const event = recorded?.entry.event;
  return event?.type === 'file.ingested' && event.hash !== null && BigInt(event.size) === found.stat.size;
}

function judged(found: FoundEntry, verdict: Verdict | undefined): FoundEntry {
  const { candidate } = found;
  if (candidate === null || verdict === undefined) return found;
  const { hash, is } = candidate;
  // A link to an object is its name, whatever became of the bytes: those are told as damage.
  if (is === 'object') return knownFile(found, hash);
  const isRight = 'hash' in verdict && verdict.hash === hash;
  // What the log told damaged is no edit; anything else with other bytes is a person's.
  return isRight || candidate.wasDamaged ? knownFile(found, hash, { isDamaged: !isRight }) : found;
}

export interface WrongObject {
  readonly finding: 'missing' | 'content' | 'unreadable';
  readonly reason: string;
}

/** Of objects that are to get names, those that are not what they should be. */
export async function wrongObjects(
  archive: OpenArchive,
  hashes: ReadonlySet<Hash>,
): Promise<Map<Hash, WrongObject>> {
  const wrong = new Map<Hash, WrongObject>();
  const files: ObjectFile[] = [];
  for (const hash of hashes) {
    const object = objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
    const paths = lstatOrNull(object) === null ? [] : twinPaths(object);
    if (paths.length === 0)
      wrong.set(hash, { finding: 'missing', reason: 'its file is not in the hash tree' });
    for (const path of paths) files.push({ hash, path });
  }
  await together(chunks(files).map((chunk) => checkObjects(archive, chunk, wrong)));
  return wrong;
}

interface ObjectFile {
  readonly hash: Hash;
  readonly path: string;
}

/** What no seal speaks for is read. */
async function checkObjects(
  archive: OpenArchive,
  files: readonly ObjectFile[],
  into: Map<Hash, WrongObject>,
): Promise<void> {
  const index = new ObjectIndex(archive.views.level);
  const stats = files.map(({ path }) => lstatOrNull(path));
  const inodes = stats.map((stat) => ({ device: stat?.dev ?? 0n, inode: stat?.ino ?? 0n }));
  const seals = await index.seals(inodes);
  const open = files.filter(({ hash }, at) => {
    const stat = stats[at];
    return !stat || index.judge(hash, stat, seals[at]) !== 'good';
  });
  if (open.length === 0) return;
  const { hashes, failures } = await archive.pool.run({ task: 'hash', files: open.map(({ path }) => path) });
  for (const [at, { hash, path }] of open.entries()) {
    const failure = failures.get(at);
    const actual = hashToHex(hashes.subarray(at * 32, at * 32 + 32));
    if (failure) into.set(hash, { finding: 'unreadable', reason: `${path}: ${failure.message}` });
    else if (actual !== hash)
      into.set(hash, {
        finding: 'content',
        reason: `${path} has other bytes than its name says (${actual})`,
      });
  }
}
