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
  const judged: FoundEntry[] = [];
  for (const one of found) {
    const verdict = one.candidate === null ? undefined : verdicts.get(one.path);
    const hash = recorded.get(one.path)?.hash ?? null;
    judged.push(verdict ? await contentOf(archive, { found: one, verdict, recorded: hash }) : one);
  }
  return { found: judged, verdicts };
}

/** A file at its place, of the recorded size, on an inode of its own. */
export function mayBeRecorded(found: FoundEntry, recorded: MissingEntry | undefined): boolean {
  if (found.kind !== 'file' || (found.hash !== null && found.relink === undefined)) return false;
  const event = recorded?.entry.event;
  return event?.type === 'file.ingested' && event.hash !== null && BigInt(event.size) === found.stat.size;
}

interface Read {
  readonly found: FoundEntry;
  readonly verdict: Verdict;
  /** What the log says is at the file's place. */
  readonly recorded: Hash | null;
}

/**
 * The bytes decide which content a file is, wherever they are a content of the archive. The name that its
 * inode has in the hash tree decides only where they are none: then they are that content, damaged.
 */
async function contentOf(archive: OpenArchive, { found, verdict, recorded }: Read): Promise<FoundEntry> {
  const { hash, is } = found.candidate!;
  const wasDamaged = found.candidate!.is === 'lost' && found.candidate!.wasDamaged;
  const actual = 'hash' in verdict ? verdict.hash : null;
  if (actual === hash) return knownFile(found, hash, is === 'object' ? undefined : { isDamaged: false });
  // What the log told damaged here is no edit, whatever the bytes are.
  if (wasDamaged && recorded === hash) return knownFile(found, hash, { isDamaged: true });
  if (actual !== null && (actual === recorded || (await isStored(archive, actual))))
    return knownFile(found, actual, { isDamaged: false });
  if (is === 'lost') return wasDamaged ? knownFile(found, hash, { isDamaged: true }) : found;
  if (await wasItsInode(archive, found, hash)) return knownFile(found, hash);
  return { ...knownFile(found, hash), isGuess: true };
}

async function isStored(archive: OpenArchive, hash: Hash): Promise<boolean> {
  const object = await archive.contents().object(hash);
  return object !== null && object.inodes.length > 0;
}

/** Whether we knew the inode as the object's: somebody may have put another file under its name. */
async function wasItsInode(archive: OpenArchive, { stat, seal }: FoundEntry, hash: Hash): Promise<boolean> {
  if (seal?.hash === hash) return true;
  return (await archive.contents().hashOfInode({ device: stat.dev, inode: stat.ino })) === hash;
}

/** Objects whose file in the hash tree, as a name in the tree shows, has other bytes: with what it has. */
export function wrongCandidates(
  found: readonly FoundEntry[],
  verdicts: ReadonlyMap<string, Verdict>,
): Map<Hash, Hash> {
  const wrong = new Map<Hash, Hash>();
  for (const { candidate, path } of found) {
    const verdict = verdicts.get(path);
    if (candidate?.is !== 'object' || verdict === undefined || !('hash' in verdict)) continue;
    if (verdict.hash !== candidate.hash) wrong.set(candidate.hash, verdict.hash);
  }
  return wrong;
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
