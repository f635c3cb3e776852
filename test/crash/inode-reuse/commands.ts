/** One command of hkfs, chosen at random and run, perhaps killed, perhaps while somebody writes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { hkfs, type Ended } from '../hkfs.js';
import { below } from '../random.js';
import type { Mode } from '../soundness.js';
import { pickSource } from './hands.js';
import type { World } from './world.js';

export interface Command {
  readonly verb: string;
  readonly args: readonly string[];
  /** What is taken in, by its path on the disk, and under which name. */
  readonly source?: string;
  readonly to?: string;
  readonly from?: string;
  readonly mode?: Mode;
  readonly mirror?: boolean;
}

const COMMIT = ['commit.append', 'commit.appended', 'commit.views', 'commit.tree', 'commit.done'];
const TREE = ['tree.apply', 'tree.link', 'tree.protect', 'tree.replace', 'tree.unlink', 'tree.rename'];
const STAGE = ['stage.open', 'stage.written', 'stage.link', 'stage.linked', 'commit.sync', 'commit.named'];
const OBJECT = ['object.name', 'object.named'];

/** Where each command can be stopped. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  ingest: [
    ...['source.read', 'source.release', 'source.released', 'source.relink', 'ingest.closed'],
    ...[...STAGE, ...OBJECT, ...COMMIT, ...TREE],
  ],
  sync: [
    ...['sync.start', 'sync.moved', 'sync.added', 'sync.relinked', 'sync.sealed'],
    ...[...STAGE, ...OBJECT, ...COMMIT, ...TREE],
  ],
  verify: ['heal.told', 'heal.staged', 'heal.named', ...OBJECT, ...COMMIT, ...TREE],
  heal: ['heal.told', 'heal.staged', 'heal.named', ...OBJECT, ...COMMIT, ...TREE],
  gc: ['object.discard', 'object.discarded', ...COMMIT],
  replay: ['replay.fold', 'replay.folded', 'replay.switched'],
};

export function chooseCommand(world: World): Command {
  const choices: (readonly [number, (world: World) => Command | undefined])[] = [
    ...[[8, ingest] as const, [5, sync] as const, [3, undo] as const],
    ...[[4, verify] as const, [2, heal] as const, [2, gc] as const],
    ...[[2, rm] as const, [2, mv] as const, [1, prune] as const],
    [1, () => ({ verb: 'replay', args: [] })],
    [1, () => ({ verb: 'backup', args: ['usb'] })],
  ];
  const bag = choices.flatMap(([weight, choose]) => Array<typeof choose>(weight).fill(choose));
  return world.pick(bag)(world) ?? sync();
}

const sync = (): Command => ({ verb: 'sync', args: ['--yes'] });
const undo = (): Command => ({ verb: 'undo', args: ['--yes'] });
const gc = (): Command => ({ verb: 'gc', args: ['--older-than', '0s', '--yes'] });

function verify(world: World): Command {
  return { verb: 'verify', args: world.pick([[], [], ['--heal'], ['--heal'], ['--quick']]) };
}

function heal(world: World): Command {
  return { verb: 'heal', args: world.chance(0.5) ? [] : ['/'] };
}

function rm(world: World): Command | undefined {
  const from = world.pickPath([...world.log.keys()]);
  return from === undefined ? undefined : { verb: 'rm', args: [`/${from}`, '--yes'], from };
}

function prune(world: World): Command | undefined {
  const from = world.pickPath([...world.log.keys()]);
  if (from === undefined) return undefined;
  const extra = world.pick([[], ['--keep-unique'], ['--to-history']]);
  return { verb: 'prune', args: [`/${from}`, ...extra, '--yes'], from };
}

function mv(world: World): Command | undefined {
  const from = world.pickPath([...world.log.keys()]);
  if (from === undefined) return undefined;
  const to = world.chance(0.3) ? world.pick([...world.log.keys()]) : `moved ${below(world.random, 1000)}`;
  return { verb: 'mv', args: [`/${from}`, `/${to}`, '--force'], from, to };
}

function ingest(world: World): Command | undefined {
  const source = pickSource(world);
  if (source === undefined) return undefined;
  const name = source.slice(world.sources.length + 1);
  return ingestOf(source, {
    to: world.chance(0.8) ? name : `d${below(world.random, 2)}/${name}`,
    mode: world.pick(['copy', 'link', 'move', 'move', 'assimilate']),
    mirror: world.chance(0.1),
    extra: world.chance(0.1) ? ['--checksum'] : [],
  });
}

export function ingestOf(
  source: string,
  how: { to: string; mode: Mode; mirror?: boolean; extra?: readonly string[] },
): Command {
  const { to, mode, mirror = false, extra = [] } = how;
  const flags = ['--to', to, '--mode', mode, ...(mirror ? ['--mirror'] : []), ...extra];
  return { verb: 'ingest', args: [source, ...flags], source, to, mode, mirror };
}

export interface Outcome {
  readonly ended: Ended;
  readonly killed: boolean;
  /** Somebody wrote while it stood still. */
  readonly raced: boolean;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface Disturbance {
  readonly step: string;
  readonly at: number;
  /** A second step where it stands still. */
  readonly then?: { readonly step: string; readonly at: number } | undefined;
  /** What somebody does while the process stands still there; left out: it is killed. */
  readonly meanwhile?: ((time: number) => void) | undefined;
}

export function chooseDisturbance(world: World, { verb }: Command): Pick<Disturbance, 'step' | 'at'> {
  return { step: world.pick(STEPS[verb] ?? [...COMMIT, ...TREE]), at: world.pick([1, 1, 1, 2, 2, 3, 4]) };
}

/** Runs it on the archive at its own path or at a second one; with the source at a second one as well. */
export async function runCommand(
  world: World,
  command: Command,
  { disturbance, views = {} }: { disturbance?: Disturbance | undefined; views?: Views },
): Promise<Outcome> {
  const run = async (root: string, args: readonly string[]) => {
    const words = [command.verb, ...args, '-a', root, '--json'];
    return disturbance === undefined ? hkfs(words) : disturbed(words, disturbance);
  };
  const ended = await seen(world, { command, views }, run);
  const killed = ended.signal === 'SIGKILL';
  return { ended, killed, raced: disturbance?.meanwhile !== undefined, rows: parse(ended.stdout, killed) };
}

export interface Views {
  readonly archive?: boolean;
  readonly source?: boolean;
}

async function seen(
  { disk, directory, root }: World,
  { command, views }: { command: Command; views: Views },
  run: (root: string, args: readonly string[]) => Promise<Ended>,
): Promise<Ended> {
  const { source, args } = command;
  const ofSource = (at: string): Promise<Ended> => {
    if (!views.source || source === undefined || !existsSync(source)) return run(at, args);
    const view = join(directory, 'view of source');
    const moved = args.map((arg) => (arg === source ? view : arg));
    return disk.seenAt(source, view, () => run(at, moved));
  };
  if (!views.archive) return ofSource(root);
  const view = join(directory, 'view of archive');
  return disk.seenAt(root, view, () => ofSource(view));
}

async function disturbed(words: readonly string[], disturbance: Disturbance): Promise<Ended> {
  const { then, meanwhile } = disturbance;
  const isOver = { is: false };
  const points = then === undefined ? [disturbance] : [disturbance, then];
  const action = meanwhile === undefined ? 'kill' : 'pause';
  let watch: Promise<void> | undefined;
  const ended = await hkfs(words, {
    failpoint: points.map(({ step, at }) => `${step}=${action}@${at}`).join(','),
    onStart: ({ pid }) => {
      if (meanwhile !== undefined) watch = actWhenStopped(pid!, isOver, meanwhile);
    },
  });
  isOver.is = true;
  await watch;
  return ended;
}

async function actWhenStopped(
  pid: number,
  isOver: { is: boolean },
  act: (time: number) => void,
): Promise<void> {
  for (let time = 0; ; time += 1) {
    while (!isOver.is && !isStopped(pid)) await sleep(3);
    if (isOver.is) return;
    try {
      act(time);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    while (!isOver.is && isStopped(pid)) await sleep(1);
  }
}

function isStopped(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [Tt] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function parse(text: string, killed: boolean): Record<string, unknown>[] {
  if (killed) return [];
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
