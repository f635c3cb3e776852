/** Files that change within one tick of the clock that their times are told by. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Mode } from '../soundness.js';
import { act } from './act.js';
import { ingestOf } from './commands.js';
import { newSource, overwrite } from './hands.js';
import type { World } from './world.js';

/**
 * A file is taken in, its source or its stored content is changed within the second, and then the source is
 * given away. A busy machine may be too slow for that, so it is tried some times.
 * @returns whether a change was within the second
 */
export async function giveAwayWithinASecond(
  world: World,
  { mode = world.pick<Mode>(['copy', 'move', 'assimilate']), isStored = world.chance(0.5), tries = 1 } = {},
): Promise<boolean> {
  for (let i = 0; i < tries; i += 1) {
    const source = join(world.sources, newSource(world, 1));
    const to = source.slice(world.sources.length + 1);
    await sleep(1000 - (Date.now() % 1000));
    writeFileSync(join(source, 'f0'), world.makeNew(100));
    await act(world, ingestOf(source, { to, mode: 'copy' }));
    const edited = isStored ? join(world.root, to, 'f0') : join(source, 'f0');
    if (!existsSync(edited)) return false;
    const isWithin = editWithin(world, edited);
    world.trace.push(
      `${isStored ? 'stored content' : 'source'} of ${to} changed, within the second: ${isWithin}`,
    );
    await act(world, ingestOf(source, { to, mode }));
    if (isWithin) return true;
  }
  return false;
}

function editWithin(world: World, path: string): boolean {
  const { ctimeMs } = statSync(path);
  overwrite(world, path, { size: 100, isTimeKept: false });
  return statSync(path).ctimeMs === ctimeMs;
}
