/** Commands of hkfs, and where they are disturbed, chosen at random. */
import { below } from '../random.js';
import type { Mode } from '../soundness.js';
import { pickSource } from './hands.js';
import type { Command, Disturbance } from './run-command.js';
import type { World } from './world.js';

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

export function chooseDisturbance(world: World, { verb }: Command): Pick<Disturbance, 'step' | 'at'> {
  return { step: world.pick(STEPS[verb] ?? [...COMMIT, ...TREE]), at: world.pick([1, 1, 1, 2, 2, 3, 4]) };
}
