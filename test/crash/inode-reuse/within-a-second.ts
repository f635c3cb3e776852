/** Files that change within one tick of the clock that their times are told by. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Mode } from '../soundness.js';
import { act } from './act.js';
import { ingestOf } from './commands.js';
import { newSource, overwrite } from './hands.js';
import type { World } from './world.js';

/**
 * A source is written, read by an ingest, and then changed, itself or what was stored of it, all within one
 * second; and then the source is given away. The ingest stands still for both, so that a slow machine
 * needs no more than a few tries.
 * @returns whether a change was within the second
 */
export async function giveAwayWithinASecond(
  world: World,
  { mode = world.pick<Mode>(['copy', 'move', 'assimilate']), isStored = world.chance(0.5), tries = 1 } = {},
): Promise<boolean> {
  for (let i = 0; i < tries; i += 1) {
    const source = join(world.sources, newSource(world, 1));
    const isWithin = await changeWithin(world, source, isStored);
    const to = source.slice(world.sources.length + 1);
    world.trace.push(
      `${isStored ? 'stored content' : 'source'} of ${to} changed within the second: ${isWithin}`,
    );
    await act(world, ingestOf(source, { to, mode }));
    if (isWithin) return true;
  }
  return false;
}

async function changeWithin(world: World, source: string, isStored: boolean): Promise<boolean> {
  const to = source.slice(world.sources.length + 1);
  const file = join(source, 'f0');
  const changed = isStored ? join(world.root, to, 'f0') : file;
  let isWithin = false;
  const meanwhile = (time: number): void => {
    if (time === 0) {
      // Busy, as whoever stands still must not be left alone before the second begins.
      while (Date.now() % 1000 > 100);
      writeFileSync(file, world.makeNew(100));
    } else if (existsSync(changed)) isWithin = editWithin(world, changed);
  };
  const [first, last] = [
    { step: 'commit.appended', at: 1 },
    { step: 'commit.done', at: 2 },
  ];
  const disturbance = { ...first, next: isStored ? last : { step: 'commit.named', at: 1 }, meanwhile };
  await act(world, ingestOf(source, { to, mode: 'copy' }), { disturbance });
  return isWithin;
}

function editWithin(world: World, path: string): boolean {
  const { ctimeMs } = statSync(path);
  overwrite(world, path, { size: 100, isTimeKept: false });
  return statSync(path).ctimeMs === ctimeMs;
}
