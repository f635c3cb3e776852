/** An archive that comes to be on other inodes: copied, restored, cloned, on a disk that was made anew or another one. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from '@jest/globals';
import { sh } from '../../e2e/hkfs.js';
import { hkfs, row } from '../hkfs.js';
import { below } from '../random.js';
import { newFile } from './hands.js';
import { describe } from './case.js';
import { report } from './report.js';
import { contentsOf, goodObjects } from './picture.js';
import type { World } from './world.js';

type Move = (world: World) => string | Promise<string>;

export async function moveArchive(world: World): Promise<string> {
  const moves: Move[] = [
    byRsync,
    byRsync,
    byTar,
    byCopyBeside,
    withoutViews,
    lostAndCloned,
    lostAndCloned,
    keptOrRolledBack,
  ];
  if (world.kept !== null) moves.push(keptOrRolledBack, keptOrRolledBack);
  // Two btrfs of one identity confuse the kernel, and xfs refuses the second.
  if (world.disk.kind.startsWith('ext4')) moves.push(byBlocks);
  return world.pick(moves)(world);
}

/** Out, a new file system on the same device, and back: all is as before but the inodes. */
export function byRsync(world: World): string {
  return madeAnew(world, (from, to) => sh(`rsync -aHX --delete '${from}/' '${to}/'`), 'by rsync -aH');
}

/** Files come back in any order, so their inodes are the old ones in another order. */
function byTar(world: World): string {
  const archive = join(world.directory, 'all.tar');
  let isOut = false;
  const copy = (from: string, to: string): void => {
    if (!isOut) {
      const directories = sh('find . -type d | sort', from).trim().split('\n');
      const others = sh('find . ! -type d ! -type s | sort', from).trim().split('\n');
      const names = [...directories, ...shuffled(world, others)].join('\n');
      sh(`tar --format=posix --xattrs --no-recursion -cf '${archive}' -T - <<'END'\n${names}\nEND`, from);
      isOut = true;
    } else sh(`tar --xattrs -xpf '${archive}' -C '${to}'`);
  };
  return madeAnew(world, copy, 'by tar, in another order');
}

function madeAnew(world: World, copy: (from: string, to: string) => void, how: string): string {
  const { disk } = world;
  const before = contentsOf(world.look());
  const stash = join(world.directory, 'stash');
  mkdirSync(stash, { recursive: true });
  copy(disk.at, stash);
  disk.format();
  copy(stash, disk.at);
  rmSync(stash, { recursive: true });
  world.forgetInodes();
  expect(contentsOf(world.look())).toEqual(before);
  return `restored on the same device ${how}`;
}

/** On the same file system, whose old inodes are free then. */
function byCopyBeside(world: World): string {
  sh(
    `cp -a '${world.root}' '${world.root}.copy'; rm -rf '${world.root}'; mv '${world.root}.copy' '${world.root}'`,
  );
  world.forgetInodes();
  world.look();
  return 'replaced by a copy with cp -a';
}

function byBlocks(world: World): string {
  world.disk.moveToOtherDevice();
  world.forgetInodes();
  world.look();
  return 'block by block on another device';
}

/** A copy of an earlier state over the present one: what rsync takes for unchanged keeps its inode, the log does not. */
function keptOrRolledBack(world: World): string {
  const [archive, copy] = [`'${world.root}/'`, `'${join(world.directory, 'kept')}/'`];
  if (world.kept === null) {
    sh(`rsync -aHX ${archive} ${copy}`);
    world.kept = { log: world.log, pending: [...world.pending] };
    return 'a copy kept aside';
  }
  sh(`rsync -aHX --delete ${copy} ${archive}`);
  world.remain(world.kept.log);
  world.pending.clear();
  for (const path of world.kept.pending) world.pending.add(path);
  world.look();
  return 'rolled back to the copy, by rsync over what is there';
}

function withoutViews(world: World): string {
  rmSync(join(world.root, '.hkfs/views'), { recursive: true, force: true });
  return 'views removed';
}

/** All is lost but the backup. Then come new files, on the inodes that the old ones had. */
export async function lostAndCloned(world: World, files = 12): Promise<string> {
  const without = await world.backUp();
  if (without === null) return 'no backup, so nothing is lost';
  const log = await world.readLog();
  const good = goodObjects(world.look());
  world.disk.format();
  await clone(world);
  cpSync(join(world.directory, 'keys'), join(world.root, '.hkfs/keys'), { recursive: true });
  mkdirSync(world.sources, { recursive: true });
  world.forgetInodes();
  world.pending.clear();
  const { tree } = world.look();
  expect(await world.readLog()).toEqual(log);
  const wrong = [...log].filter(([path, hash]) =>
    hash === null || (good.has(hash) && !without.has(hash)) ? tree.get(path)?.hash !== hash : false,
  );
  if (wrong.length > 0)
    throw new Error(
      report(
        world,
        wrong.map(([path, hash]) => `the clone has not ${path}: ${describe(world, hash)}`),
      ),
    );
  for (let i = 0; i < files; i += 1) newFile(world);
  return `lost, cloned, and ${files} new files by hand`;
}

async function clone({ root, remote, random }: World): Promise<void> {
  const step = ['clone.log', 'clone.objects', 'clone.views', 'clone.tree'][below(random, 4)]!;
  const args = ['clone', remote, root];
  if (random() < 0.3) await hkfs(args, { failpoint: `${step}=kill` });
  await row(args, [0, 4]);
}

function shuffled<T>(world: World, from: readonly T[]): T[] {
  const left = [...from];
  return from.map(() => left.splice(below(world.random, left.length), 1)[0]!);
}
