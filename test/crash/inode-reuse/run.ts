/** One random run: people, disks and hkfs at work on one archive, judged after each command. */
import { closeSync, existsSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { withScratch } from '../hkfs.js';
import type { Mode } from '../soundness.js';
import {
  chooseCommand,
  chooseDisturbance,
  ingestOf,
  runCommand,
  type Command,
  type Disturbance,
  type Outcome,
  type Views,
} from './commands.js';
import type { Kind } from './disk.js';
import { doByHand, editBesides, newSource } from './hands.js';
import { judge } from './judge.js';
import { moveArchive } from './moves.js';
import { World } from './world.js';

/** What the runs did: a run that does nothing proves nothing. */
export const totals = { runs: 0, commands: 0, succeeded: 0, killed: 0, raced: 0, byHand: 0, moved: 0 };

export async function withWorld(start: number, use: (world: World) => Promise<void>, kind?: Kind): Promise<void> {
  await withScratch(async (directory) => {
    using world = new World(directory, start, kind);
    await world.begin();
    await use(world);
  });
}

export async function runOnce(start: number, steps: number): Promise<void> {
  await withWorld(start, async (world) => {
    await takeIn(world, 12, 'copy');
    for (let i = 0; i < steps; i += 1) await step(world);
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
  if (kind < 0.06) {
    world.trace.push(await moveArchive(world));
    totals.moved += 1;
  } else if (kind < 0.12 && world.disk.kind === 'ext4 with times in seconds') await editWithinASecond(world);
  else if (kind < 0.45) {
    world.trace.push(doByHand(world));
    totals.byHand += 1;
  } else await actDisturbed(world, chooseCommand(world));
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

/**
 * A file is taken in and changed within one tick of the clock that its times are told by, and then given
 * away. In the tree it is the stored content that is changed so, and the good copy that is given away.
 */
async function editWithinASecond(world: World): Promise<void> {
  const source = join(world.sources, newSource(world, 3));
  const to = source.slice(world.sources.length + 1);
  const isInTree = world.chance(0.5);
  await sleep(1000 - (Date.now() % 1000));
  const [file, bytes] = [join(source, 'f0'), world.makeNew(100)];
  writeFileSync(file, bytes);
  await act(world, ingestOf(source, { to, mode: 'copy' }));
  overwrite(isInTree ? join(world.root, to, 'f0') : file, world.makeNew(100));
  world.trace.push(`within the second: ${isInTree ? 'stored content' : 'source'} of ${to}/f0 changed`);
  await act(world, ingestOf(source, { to, mode: world.pick(['copy', 'move', 'assimilate']) }));
}

function overwrite(path: string, bytes: Buffer): void {
  if (!existsSync(path) || statSync(path).size !== bytes.length) return;
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
}

/** @throws when anything that must hold does not, with all that was done until then */
export async function act(
  world: World,
  command: Command,
  how: { disturbance?: Disturbance | undefined; views?: Views } = {},
): Promise<Outcome> {
  const logBefore = world.log;
  let before = world.look();
  const meanwhile = how.disturbance?.meanwhile;
  world.trace.push(`hkfs ${command.verb} ${command.args.join(' ')} ${JSON.stringify(how, shortly)}`);
  const disturbance = how.disturbance && {
    ...how.disturbance,
    ...(meanwhile && { meanwhile: () => (meanwhile(), (before = world.look())) }),
  };
  const outcome = await runCommand(world, command, { ...how, disturbance });
  const after = world.look();
  const logAfter = await world.readLog();
  const { status, signal, stderr } = outcome.ended;
  world.trace.push(`  ${status ?? signal} ${stderr.slice(0, 500).trim()}`);
  count(outcome);
  const wrong = judge({ world, command, outcome, before, after, logBefore, logAfter });
  if (wrong.length > 0) throw new Error(report(world, wrong));
  remember(world, { command, outcome, logAfter });
  return outcome;
}

/** What is not so is not said. */
function shortly(_key: string, value: unknown): unknown {
  return value === false ? undefined : value;
}

function remember(
  world: World,
  { command, outcome, logAfter }: { command: Command; outcome: Outcome; logAfter: World['log'] },
): void {
  const isFinished = !outcome.killed && outcome.ended.status === 0 && command.verb !== 'backup';
  if (isFinished) world.pending.clear();
  else
    for (const path of new Set([...world.log.keys(), ...logAfter.keys()]))
      if (world.log.get(path) !== logAfter.get(path) || world.log.has(path) !== logAfter.has(path))
        world.pending.add(path);
  world.remain(logAfter);
}

function count({ ended, killed, raced }: Outcome): void {
  totals.commands += 1;
  if (ended.status === 0) totals.succeeded += 1;
  if (killed) totals.killed += 1;
  if (raced) totals.raced += 1;
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

export function report(world: World, wrong: readonly string[]): string {
  const text = [`HKFS_SEED=${world.seed} on ${world.disk.kind}:`, ...wrong, '', 'after:', ...world.trace].join('\n');
  return text.replaceAll(world.disk.at, '');
}

