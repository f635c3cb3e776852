/** After a crash the tree may be behind its log: the events past its checkpoint are applied again. */
import type { Position } from '../events/types.js';
import { describeFsError } from '../fs/errors.js';
import { TreeProjection } from '../projections/tree.js';
import type { OpenArchive } from './open-archive.js';

/**
 * @param position the tree's checkpoint; null where it was lost with the views: then the tree is taken
 *   to be whole, and `verify` tells what is not
 */
export async function catchUpTree(archive: OpenArchive, position: Position | null): Promise<void> {
  const { log, views, layout } = archive;
  if (position !== null) {
    const tree = new TreeProjection(views.level, layout.root, layout.objects);
    for await (const records of log.read({ from: position, to: log.size })) {
      const operations = await tree.operations(records);
      if (operations.length === 0) continue;
      const { root, staging } = layout;
      const { failures } = await archive.pool.run({ task: 'tree', root, staging, operations });
      for (const [, failure] of failures)
        if (failure.code === 'ENOSPC' || failure.code === 'EROFS')
          throw describeFsError(Object.assign(new Error(failure.message), { code: failure.code }), root);
    }
  }
  await views.setTreePosition(log.size);
}
