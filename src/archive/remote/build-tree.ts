/** The tree of a clone, all at once: what each entry of the present is on the disk. May be done again. */
import { renameSync } from 'node:fs';
import { WRITES_END } from '../../fs/errors.js';
import { hashOfObjectPath } from '../../fs/stage.js';
import type { TreeOperation } from '../../fs/tasks.js';
import { together } from '../../fs/together.js';
import { TreeProjection } from '../../projections/tree.js';
import type { Message } from '../api.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import { SealChain } from '../seal-chain.js';
import { chunks, chunksByObject } from '../tree-tasks.js';

const BATCH = 8192;

export interface BuildOptions {
  /** Contents that could not be had: entries of them are left out. */
  readonly lost: ReadonlySet<string>;
  readonly onMessage: (message: Message) => void;
  readonly onEntries: (count: number) => void;
}

/** @throws the errno of a file system that is full or failing */
export async function buildTree(archive: OpenArchive, options: BuildOptions): Promise<void> {
  const { views, layout } = archive;
  const tree = new TreeProjection(views.level, layout.root, layout.objects, archive.since);
  const builder = new TreeBuilder(archive, options);
  let batch: TreeOperation[] = [];
  // While one batch is put on the disk, the next is made.
  let before: Promise<void> = Promise.resolve();
  for await (const operation of tree.whole(archive.namespace())) {
    // Its name is remembered with the content (absent-names.ts).
    if (operation.op === 'link' && options.lost.has(hashOfObjectPath(operation.object))) continue;
    if (batch.push(operation) < BATCH) continue;
    await before;
    before = builder.apply(batch);
    before.catch(() => {}); // awaited before the next
    batch = [];
  }
  await before;
  await builder.apply(batch);
  await builder.remember();
  await archive.settleTree(archive.log.size);
}

/** Names of contents that came later. */
export async function linkAll(
  archive: OpenArchive,
  operations: readonly TreeOperation[],
  onMessage: (message: Message) => void,
): Promise<void> {
  const options = { lost: new Set<string>(), onMessage, onEntries: () => {} };
  await new TreeBuilder(archive, options).apply(operations);
}

class TreeBuilder {
  private readonly archive: OpenArchive;
  private readonly options: BuildOptions;
  private twins = 0;
  private readonly lacking = new Map<string, string>();

  constructor(archive: OpenArchive, options: BuildOptions) {
    this.archive = archive;
    this.options = options;
  }

  /** Directories first and in order, then everything else by all threads. */
  async apply(operations: readonly TreeOperation[]): Promise<void> {
    const chain = new SealChain(new ObjectIndex(this.archive.views.level));
    for (const chunk of chunks(operations.filter(({ op }) => op === 'mkdir'))) await this.run(chunk, chain);
    const others = operations.filter(({ op }) => op !== 'mkdir');
    await together(chunksByObject(others).map((chunk) => this.run(chunk, chain)));
    await this.archive.views.level.batch(chain.rows());
    this.options.onEntries(operations.length);
  }

  /** What the tree is without was not removed by anybody. */
  private lack(operation: TreeOperation, code: string): void {
    const path = 'path' in operation ? operation.path : operation.to;
    this.lacking.set(path.slice(this.archive.layout.root.length + 1), code);
  }

  async remember(): Promise<void> {
    const { refused, now } = this.archive;
    await refused.write((await refused.refuse(this.lacking, now)).rows);
  }

  private async run(operations: readonly TreeOperation[], chain: SealChain): Promise<void> {
    const { root, staging } = this.archive.layout;
    const result = await this.archive.pool.run({ task: 'tree', root, staging, operations });
    for (const [index, failure] of result.failures) this.tell(operations[index]!, failure);
    await chain.touched(result);
    if (result.full.length > 0)
      await this.withTwins(
        result.full.map((index) => operations[index]!),
        chain,
      );
  }

  /** At the link limit: a further inode, of which the log need not know. */
  private async withTwins(links: readonly TreeOperation[], chain: SealChain): Promise<void> {
    const objects = new Set(links.map((link) => (link as { object: string }).object));
    for (const object of objects) {
      const staged = `${this.archive.layout.staging}/twin-${this.twins++}`;
      const twin = await this.archive.pool.run({
        task: 'twin',
        object,
        hash: hashOfObjectPath(object),
        staged,
      });
      renameSync(staged, twin.path);
    }
    await this.run(links, chain);
  }

  private tell(operation: TreeOperation, { code, message }: { code: string; message: string }): void {
    const path = 'path' in operation ? operation.path : operation.to;
    if (WRITES_END.has(code)) throw Object.assign(new Error(message), { code, path });
    this.lack(operation, code);
    this.options.onMessage({ level: 'warning', code, path, text: `not put into the tree: ${message}` });
  }
}
