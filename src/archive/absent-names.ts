/**
 * Contents that are not here, such as those that a clone's origin had lost: the tree has no names of them.
 * A local row for each says so, written before anybody brings the content, so that whatever does, and
 * wherever it is cut short, the names follow: when it is done, or when the next writer opens the archive.
 */
import { lstatSync } from 'node:fs';
import type { Hash } from '../events/types.js';
import { objectPath } from '../fs/stage.js';
import type { TreeOperation } from '../fs/tasks.js';
import { ABSENT_RANGE, absentKey, parseAbsentKey } from '../projections/keys.js';
import { TreeProjection } from '../projections/tree.js';
import type { Message } from './api.js';
import type { OpenArchive } from './open-archive.js';
import { ObjectList } from './remote/object-list.js';
import { readOrigin } from './remote/origin.js';

/** Names made between two rounds of memory: a content may have very many. */
const BATCH = 8192;

/** The tree of a catalogue has no names at all, and gets them when it becomes whole. */
function hasTree(archive: OpenArchive): boolean {
  return readOrigin(archive.layout)?.state !== 'catalogue';
}

/** From now on the names of these contents are made when they come. */
export async function rememberAbsent(archive: OpenArchive, hashes: Iterable<Hash>): Promise<void> {
  if (!hasTree(archive)) return;
  const rows = [...hashes].map((hash) => ({
    type: 'put' as const,
    key: absentKey(hash),
    value: Buffer.alloc(0),
  }));
  if (rows.length > 0) await archive.views.level.batch(rows, { sync: true });
}

/** Those that are known to be absent and that the log still has. */
export async function knownAbsent(archive: OpenArchive): Promise<ObjectList> {
  const list = new ObjectList();
  if (!hasTree(archive)) return list;
  for await (const key of archive.views.level.keys(ABSENT_RANGE)) {
    const object = await archive.contents().object(parseAbsentKey(key));
    if (object && object.inodes.length > 0) list.add(Buffer.from(object.hash, 'hex'), object.size);
  }
  return list;
}

/** Whatever came of them gets its names, which are on the disk before anybody forgets that they lacked. */
export async function makeAbsentNames(
  archive: OpenArchive,
  onMessage: (message: Message) => void,
): Promise<void> {
  const here: Hash[] = [];
  for await (const key of archive.views.level.keys(ABSENT_RANGE)) {
    const hash = parseAbsentKey(key);
    if (isHere(archive, hash)) here.push(hash);
  }
  if (here.length === 0 || !hasTree(archive)) return;
  const { linkAll } = await import('./remote/build-tree.js');
  let batch: TreeOperation[] = [];
  for await (const operation of namesOf(archive, here)) {
    if (batch.push(operation) < BATCH) continue;
    await linkAll(archive, batch, onMessage);
    batch = [];
  }
  await linkAll(archive, batch, onMessage);
  await archive.sync();
  await archive.views.level.batch(here.map((hash) => ({ type: 'del' as const, key: absentKey(hash) })));
}

/** Whether the hash tree has a file of it. */
export function isHere({ layout }: OpenArchive, hash: Hash): boolean {
  const path = objectPath(layout.objects, Buffer.from(hash, 'hex'));
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Only where nothing stands: what a person put in the place of a name is theirs. */
async function* namesOf(archive: OpenArchive, hashes: readonly Hash[]): AsyncGenerator<TreeOperation> {
  const { views, layout, since, now } = archive;
  const tree = new TreeProjection(views.level, layout.root, layout.objects, since);
  for (const hash of hashes)
    yield* await tree.relinks(hash, now, { inodes: [], mayMake: true, wereDamaged: false });
}
