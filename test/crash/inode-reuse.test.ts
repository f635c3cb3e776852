/** What once made contents vanish: inodes that came to stand for other files, and edits that no time told. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';

import { testWhere } from '../e2e/hkfs.js';
import { ingestOf } from './inode-reuse/commands.js';
import type { Disturbance } from './inode-reuse/run-command.js';
import { whyNot, type Kind } from './inode-reuse/disk.js';
import { newSource, overwrite } from './inode-reuse/hands.js';
import { byRsync, lostAndCloned } from './inode-reuse/moves.js';
import { act } from './inode-reuse/act.js';
import { withWorld } from './inode-reuse/run.js';
import { giveAwayWithinASecond } from './inode-reuse/within-a-second.js';
import type { World } from './inode-reuse/world.js';
import type { Mode } from './soundness.js';

const run = (world: World, verb: string, ...args: string[]) => act(world, { verb, args });

const rm = (world: World, from: string) => act(world, { verb: 'rm', args: [`/${from}`, '--yes'], from });

/** Each command in it is judged: no file gets other bytes, and no content is nowhere afterwards. */
function story(title: string, tell: (world: World) => Promise<void>, kind: Kind = 'ext4'): void {
  const reason = whyNot(kind);
  testWhere(reason === null, reason ?? '')(title, () => withWorld(1, tell, kind), 120_000);
}

async function expectNothingToAdopt(world: World): Promise<void> {
  const { rows } = await run(world, 'sync');
  const none = { renamed: 0, added: 0, removed: 0, changed: 0, relinked: 0, damaged: [], failed: [] };
  expect(rows).toMatchObject([none]);
}

async function takeIn(world: World, files: number, mode: Mode): Promise<void> {
  const source = newSource(world, files);
  await act(world, ingestOf(join(world.sources, source), { to: source, mode }));
}

/** The file of a source whose content is known: `a`, or a further copy of it. */
function put(world: World, name: string, bytes: Buffer): string {
  const path = join(world.sources, name);
  writeFileSync(path, bytes);
  return path;
}

const take = (world: World, source: string, how: { mode: Mode; disturbance?: Disturbance }) =>
  act(world, ingestOf(source, { to: source.slice(world.sources.length + 1), mode: how.mode }), how);

describe('a device that was made anew', () => {
  story(
    'an archive copied out and back by rsync -aH: sync adopts nothing, verify changes nothing',
    async (world) => {
      await takeIn(world, 200, 'move');
      byRsync(world);
      await expectNothingToAdopt(world);
      await run(world, 'verify', '--heal');
      await expectNothingToAdopt(world);
    },
  );

  story(
    'a clone and 150 new files by hand: sync adopts them with their bytes, and all stays',
    async (world) => {
      await takeIn(world, 200, 'copy');
      await lostAndCloned(world, 150);
      const { rows } = await run(world, 'sync');
      expect(rows).toMatchObject([{ added: 150, renamed: 0, removed: 0, damaged: [], failed: [] }]);
      await run(world, 'verify', '--heal');
      await expectNothingToAdopt(world);
    },
  );
});

describe('a stored content that was edited, and then a good copy to move', () => {
  story('edited through its link, removed, and brought back by undo: the copy is not lost', async (world) => {
    const bytes = world.makeNew(100);
    await take(world, put(world, 'a', bytes), { mode: 'move' });
    overwrite(world, join(world.root, 'a'), { isTimeKept: false });
    await rm(world, 'a');
    await run(world, 'undo', '--yes');
    await take(world, put(world, 'copy', bytes), { mode: 'move' });
  });

  story(
    'edited with its mtime set back, renamed by hand, and synced: the copy is not lost',
    async (world) => {
      const bytes = world.makeNew(100);
      await take(world, put(world, 'a', bytes), { mode: 'move' });
      overwrite(world, join(world.root, 'a'), { isTimeKept: true });
      renameSync(join(world.root, 'a'), join(world.root, 'b'));
      await run(world, 'sync', '--yes');
      await take(world, put(world, 'copy', bytes), { mode: 'move' });
    },
  );

  story(
    'edited after a kill at commit.views, before the next command: the copy is not lost',
    async (world) => {
      const bytes = world.makeNew(100);
      const source = put(world, 'a', bytes);
      await take(world, source, { mode: 'link', disturbance: { step: 'commit.views', at: 2 } });
      overwrite(world, source, { isTimeKept: true });
      await rm(world, 'nothing');
      await take(world, put(world, 'copy', bytes), { mode: 'move' });
    },
  );

  story('edited by a writer that had it open while it was linked: the copy is not lost', async (world) => {
    const bytes = world.makeNew(100);
    const source = put(world, 'a', bytes);
    const meanwhile = () => overwrite(world, source, { isTimeKept: true });
    await take(world, source, { mode: 'link', disturbance: { step: 'commit.appended', at: 2, meanwhile } });
    await take(world, put(world, 'copy', bytes), { mode: 'move' });
  });

  story('healed by an ingest: sync tells or mends the names, and adopts no damage', async (world) => {
    const bytes = world.makeNew(100);
    await take(world, put(world, 'a', bytes), { mode: 'move' });
    overwrite(world, join(world.root, 'a'), { isTimeKept: false });
    await take(world, put(world, 'copy', bytes), { mode: 'move' });
    await run(world, 'sync', '--yes');
    await run(world, 'verify');
  });

  story('its only name removed, healed by an ingest: what was edited is kept aside', async (world) => {
    const bytes = world.makeNew(100);
    await take(world, put(world, 'a', bytes), { mode: 'move' });
    overwrite(world, join(world.root, 'a'), { isTimeKept: false });
    await rm(world, 'a');
    await take(world, put(world, 'copy', bytes), { mode: 'copy' });
  });
});

describe('parts of the archive that are mounted elsewhere', () => {
  for (const part of ['.hkfs/objects', 'folder', '.hkfs'])
    for (const mode of ['copy', 'move'] as const)
      story(
        `${part} taken in by a ${mode} from a second path loses nothing, and is not taken in`,
        async (world) => {
          await act(
            world,
            ingestOf(join(world.sources, newSource(world, 9)), { to: 'folder', mode: 'copy' }),
          );
          const command = ingestOf(join(world.root, part), { to: 'again', mode });
          await act(world, command, { views: { source: true } });
        },
      );
});

describe('times in whole seconds', () => {
  const coarse = 'ext4 with times in seconds';

  for (const mode of ['copy', 'move', 'assimilate'] as const)
    for (const isStored of [false, true])
      story(
        `${isStored ? 'a stored content' : 'a source'} that was changed within the second of its ingest is no reason to lose what a ${mode} gets`,
        async (world) => {
          const wasWithin = await giveAwayWithinASecond(world, { mode, isStored, tries: 8 });
          if (!wasWithin)
            process.stderr.write('too slow here to change a file within a second of its ingest\n');
        },
        coarse,
      );
});
