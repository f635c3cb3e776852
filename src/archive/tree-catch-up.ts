/** After a crash the tree may be behind its log: the events past its checkpoint are applied again. */
import { lstatSync, unlinkSync } from 'node:fs';
import type { EventRecord, Position } from '../events/types.js';
import { describeFsError } from '../fs/errors.js';
import { failpoint } from '../fs/failpoints.js';
import { twinPaths } from '../fs/place.js';
import { hasSameBytes } from '../fs/same-bytes.js';
import type { TreeOperation } from '../fs/tasks.js';
import { TreeProjection } from '../projections/tree.js';
import type { Message } from './api.js';
import { Committer } from './committer.js';
import type { OpenArchive } from './open-archive.js';
import { commandOf } from './queries/operations.js';
import { RenameWindow } from './rename-window.js';
import { readOrigin } from './remote/origin.js';

/**
 * Twins that links of the interrupted operation still need are committed under its number.
 * @param from the tree's checkpoint
 * @param onMessage is told what stays undone: the next open will not try it again
 */
export async function catchUpTree(
  archive: OpenArchive,
  from: Position,
  { clock, onMessage }: { clock: () => number; onMessage: (message: Message) => void },
): Promise<void> {
  const { log, views, layout } = archive;
  const tree = new TreeProjection(views.level, layout.root, layout.objects, archive.since);
  const operation = log.lastCommit?.operation ?? 0;
  const committer = new Committer(archive, { operation, clock, onMessage });
  const adopts = await adoptingOperations(archive, from);
  const follower = new TreeFollower(archive, committer);
  try {
    for await (const records of log.read({ from, to: log.size })) {
      for (const run of runsOf(records, adopts))
        if (run.adopts) await follower.take(run.records[0]!.position, await tree.adoptions(run.records));
        else
          for (const record of run.records)
            await follower.take(record.position, await tree.operations([record]));
      await archive.refused.write(await archive.refused.renamed(records));
      await follower.apply();
    }
  } catch (error) {
    throw describeFsError(error, layout.root);
  }
  await committer.flush();
  await archive.settleTree(log.size);
}

/** Applies what may be applied again; before what may not, all that was done is told on the disk. */
class TreeFollower {
  private readonly archive: OpenArchive;
  private readonly committer: Committer;
  private readonly window: RenameWindow;
  private pending: TreeOperation[] = [];

  constructor(archive: OpenArchive, committer: Committer) {
    this.archive = archive;
    this.committer = committer;
    this.window = new RenameWindow(archive.layout.root);
  }

  /** @param position of the first event that these follow */
  async take(position: Position, operations: readonly TreeOperation[]): Promise<void> {
    if (!this.window.admits(operations)) {
      await this.apply();
      await this.secure(position);
      this.window.clear();
    }
    this.window.add(operations);
    for (const operation of operations) this.pending.push(operation);
  }

  async apply(): Promise<void> {
    const operations = this.pending;
    this.pending = [];
    await removeUnknownTwins(this.archive, operations);
    await this.committer.applyAgain(operations);
  }

  private async secure(position: Position): Promise<void> {
    await this.committer.flush();
    const checkpoint = await this.archive.tree();
    checkpoint.follow(checkpoint.position, position);
    await this.archive.secureTree();
    failpoint('tree.secured');
  }
}

/** The operations past the checkpoint that told what was on the disk already: only `sync` does. */
async function adoptingOperations(archive: OpenArchive, from: Position): Promise<Set<number>> {
  const { log } = archive;
  const numbers = new Set<number>();
  // What was adopted where a clone came from is not on this disk yet.
  const own = Math.max(from, readOrigin(archive.layout)?.head.size ?? 0);
  if (own >= log.size) return numbers;
  const first = (await log.get(own)).operation;
  for (let operation = first; operation <= (log.lastCommit?.operation ?? 0); operation += 1) {
    if ((await commandOf(archive, operation)) === 'sync') numbers.add(operation);
  }
  return numbers;
}

/** Neighbouring events that are applied in the same way. */
function runsOf(
  records: readonly EventRecord[],
  adopting: ReadonlySet<number>,
): { adopts: boolean; records: EventRecord[] }[] {
  const runs: { adopts: boolean; records: EventRecord[] }[] = [];
  for (const record of records) {
    const adopts = adopting.has(record.operation);
    const last = runs.at(-1);
    if (last?.adopts === adopts) last.records.push(record);
    else runs.push({ adopts, records: [record] });
  }
  return runs;
}

/**
 * Twins that were named but not committed: no entry is a link to one yet, and none may become one. Only
 * what has no other name, and the bytes of the object, goes: the archive may be a copy, whose inodes the
 * log does not know.
 */
async function removeUnknownTwins(archive: OpenArchive, operations: readonly TreeOperation[]): Promise<void> {
  for (const operation of operations) {
    if (operation.op !== 'link') continue;
    const newest = twinPaths(operation.object)[0]!;
    if (newest === operation.object) continue;
    const { dev: device, ino: inode, nlink } = lstatSync(newest, { bigint: true });
    if (nlink > 1n || (await archive.contents().hashOfInode({ device, inode })) !== null) continue;
    if (hasSameBytes(newest, operation.object)) unlinkSync(newest);
  }
}
