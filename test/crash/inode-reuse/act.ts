/** A command of hkfs, with every byte read before and after it, and judged. */
import { runCommand, type Command, type Disturbance, type Outcome, type Views } from './run-command.js';
import { judge } from './judge.js';
import type { Picture } from './picture.js';
import { report } from './report.js';
import type { World } from './world.js';

/** What the runs did: a run that does nothing proves nothing. */
export const totals = { runs: 0, commands: 0, succeeded: 0, killed: 0, raced: 0, byHand: 0, moved: 0 };

/** @throws when anything that must hold does not, with all that was done until then */
export async function act(
  world: World,
  command: Command,
  how: { disturbance?: Disturbance | undefined; views?: Views } = {},
): Promise<Outcome> {
  const logBefore = world.log;
  const earlier: Picture[] = [];
  let before = world.look();
  const meanwhile = how.disturbance?.meanwhile;
  world.trace.push(`hkfs ${command.verb} ${command.args.join(' ')} ${JSON.stringify(how, shortly)}`);
  const disturbance = how.disturbance && {
    ...how.disturbance,
    ...(meanwhile && {
      meanwhile: (time: number) => {
        earlier.push(before, world.look());
        meanwhile(time);
        before = world.look();
      },
    }),
  };
  const outcome = await runCommand(world, command, { ...how, disturbance });
  const after = world.look();
  const logAfter = await world.readLog();
  const { status, signal, stderr } = outcome.ended;
  world.trace.push(`  ${status ?? signal} ${stderr.slice(0, 500).trim()}`);
  count(outcome);
  const wrong = judge({ world, command, outcome, earlier, before, after, logBefore, logAfter });
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
