/** A command of hkfs as a process, perhaps killed, perhaps while somebody writes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hkfs, type Ended } from '../hkfs.js';
import type { Mode } from '../soundness.js';
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
  readonly next?: { readonly step: string; readonly at: number } | undefined;
  /** What somebody does while the process stands still there; left out: it is killed. */
  readonly meanwhile?: ((time: number) => void) | undefined;
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
  const { next, meanwhile } = disturbance;
  const isOver = { is: false };
  const points = next === undefined ? [disturbance] : [disturbance, next];
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
