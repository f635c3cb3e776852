/** One random run: people, disks and hkfs at work on one archive, judged after each command. */
import { join } from 'node:path';

import { withScratch } from '../hkfs.js';
import type { Mode } from '../soundness.js';
import { below } from '../random.js';
import { chooseCommand, chooseDisturbance, ingestOf } from './commands.js';
import type { Command } from './run-command.js';
import { act, totals } from './act.js';
import type { Kind } from './disk.js';
import { doByHand, editBesides, newSource } from './hands.js';
import { giveAwayWithinASecond } from './within-a-second.js';
import { moveArchive } from './moves.js';
import { report } from './report.js';
import { World } from './world.js';

export async function withWorld(
  start: number,
  use: (world: World) => Promise<void>,
  kind?: Kind,
): Promise<void> {
  await withScratch(async (directory) => {
    using world = new World(directory, start, kind);
    await world.begin();
    await use(world);
  });
}

export async function runOnce(start: number, steps: number): Promise<void> {
  await withWorld(start, async (world) => {
    await takeIn(world, 12, 'copy');
    const mustMove = below(world.random, steps);
    for (let i = 0; i < steps; i += 1) await (i === mustMove ? move(world) : step(world));
    await finish(world);
    totals.runs += 1;
  });
}

async function takeIn(world: World, files: number, mode: Mode): Promise<void> {
  const source = newSource(world, files);
  await act(world, ingestOf(join(world.sources, source), { to: source, mode }));
}

async function step(world: World): Promise<void> {
  const kind = world.random();
  if (kind < 0.05) await move(world);
  else if (kind < 0.12 && world.disk.kind === 'ext4 with times in seconds')
    await giveAwayWithinASecond(world);
  else if (kind < 0.45) {
    world.trace.push(doByHand(world));
    totals.byHand += 1;
  } else await actDisturbed(world, chooseCommand(world));
}

async function move(world: World): Promise<void> {
  world.trace.push(await moveArchive(world));
  totals.moved += 1;
}

async function actDisturbed(world: World, command: Command): Promise<void> {
  const kind = world.random();
  const views = { archive: world.chance(0.1), source: world.chance(0.1) };
  if (kind < 0.2) await act(world, command, { views, disturbance: chooseDisturbance(world, command) });
  else if (kind < 0.32) {
    const meanwhile = () => world.trace.push(`  meanwhile: ${editBesides(world)}`);
    await act(world, command, { views, disturbance: { ...chooseDisturbance(world, command), meanwhile } });
  } else await act(world, command, { views });
}

/** In the end all is told or mended, and a second look finds nothing to do. */
async function finish(world: World): Promise<void> {
  for (const verb of ['verify', 'sync', 'verify'])
    await act(world, { verb, args: verb === 'sync' ? ['--yes'] : [] });
  const { rows } = await act(world, { verb: 'sync', args: ['--yes'] });
  const { renamed, added, removed, changed, relinked } = rows.at(-1) ?? {};
  const adopted = { renamed, added, removed, changed, relinked };
  if (Object.values(adopted).some((amount) => amount !== 0))
    throw new Error(report(world, [`the second sync adopted ${JSON.stringify(adopted)}`]));
}
