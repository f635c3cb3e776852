/** Names that the file system refused are tried again by every later writer. */
import type { LevelChange } from '../events/level.js';
import { lstatOrNull } from '../fs/scan.js';
import { hashOfObjectPath } from '../fs/stage.js';
import type { TreeOperation } from '../fs/tasks.js';
import { TreeProjection } from '../projections/tree.js';
import type { Message } from './api.js';
import { Committer } from './committer.js';
import type { OpenArchive } from './open-archive.js';
import { forget, type RefusedName } from './refused-names.js';

const PAGE = 4096;

interface Attempt {
  readonly name: RefusedName;
  /** Null where the log has no such entry any more, or the tree shows nothing of it. */
  readonly operation: TreeOperation | null;
}

/** @param options.onMessage is told once of all that are refused still */
export async function putAgain(
  archive: OpenArchive,
  options: { clock: () => number; onMessage: (message: Message) => void },
): Promise<void> {
  const names: RefusedName[] = [];
  for await (const name of archive.refused.all()) names.push(name);
  const operation = archive.log.lastCommit?.operation ?? 0;
  const committer = new Committer(archive, { operation, ...options });
  const still: { path: string; code: string }[] = [];
  const rows: LevelChange[] = [];
  // What is in a directory comes after it, whatever the order of their numbers.
  for (const isDirectory of [true, false]) {
    const attempts = await attemptsAt(archive, names, isDirectory);
    for (let at = 0; at < attempts.length; at += PAGE)
      rows.push(...(await attempt(archive, committer, { attempts: attempts.slice(at, at + PAGE), still })));
  }
  await committer.flush();
  // A row goes only when a power cut cannot take the name any more.
  await archive.settleTree(archive.log.size);
  await archive.refused.write(rows);
  if (still.length > 0) options.onMessage(stillRefused(still));
}

async function attemptsAt(
  archive: OpenArchive,
  names: readonly RefusedName[],
  isDirectory: boolean,
): Promise<Attempt[]> {
  const { views, layout, since } = archive;
  const tree = new TreeProjection(views.level, layout.root, layout.objects, since);
  const namespace = archive.namespace();
  const attempts: Attempt[] = [];
  for (const name of names) {
    const entry = await namespace.entryAt(name.place);
    if ((entry?.kind === 'directory') !== isDirectory) continue;
    const path = entry ? await namespace.pathOfPlace(name.place) : null;
    const before = (name.base !== null && namespace.entryFrom(name.place, name.base)) || null;
    const [operation = null] = entry && path !== null ? tree.materialise({ path, entry }, before) : [];
    attempts.push({ name, operation: operation && (await fromLostInode(archive, operation)) });
  }
  const depth = ({ operation }: Attempt): number => (operation ? pathOf(operation).length : 0);
  return isDirectory ? attempts.sort((a, b) => depth(a) - depth(b)) : attempts;
}

/** A name on an inode that its object was healed from is nobody's own file: it was to be linked anew. */
async function fromLostInode(archive: OpenArchive, operation: TreeOperation): Promise<TreeOperation> {
  if (operation.op !== 'link') return operation;
  const { path, object } = operation;
  const there = lstatOrNull(path);
  if (there === null) return operation;
  const span = { from: archive.since, to: archive.now };
  const inodes = await archive.contents().inodesGone(hashOfObjectPath(object), span);
  if (!inodes.some(({ device, inode }) => device === there.dev && inode === there.ino)) return operation;
  return { op: 'relink', path, object, inodes, mayMake: true, aside: archive.layout.damaged };
}

async function attempt(
  archive: OpenArchive,
  committer: Committer,
  { attempts, still }: { attempts: readonly Attempt[]; still: { path: string; code: string }[] },
): Promise<LevelChange[]> {
  const operations = attempts.flatMap(({ operation }) => operation ?? []);
  const { failed, waiting } = await committer.putAgain(operations);
  const rows: LevelChange[] = [];
  for (const { name, operation } of attempts) {
    const path = operation && pathOf(operation);
    const code = path === null ? undefined : failed.get(path)?.code;
    if (path === null || (code === undefined && !waiting.has(path))) rows.push(...forget([name.place]));
    else if (code !== undefined) {
      if (code !== name.code) rows.push(archive.refused.row(name.place, { ...name, code }));
      // Something of a person's own is there, which was told, and which `sync` adopts.
      if (code !== 'ECONFLICT') still.push({ path, code });
    }
  }
  return rows;
}

function pathOf(operation: TreeOperation): string {
  return 'path' in operation ? operation.path : operation.to;
}

function stillRefused(still: readonly { path: string; code: string }[]): Message {
  const { path, code } = still[0]!;
  const rest = still.length === 1 ? '' : `, and ${still.length - 1} more`;
  const text = `still not in the tree: the file system refuses it${rest}; verify lists them`;
  return { level: 'note', code, path, text };
}
