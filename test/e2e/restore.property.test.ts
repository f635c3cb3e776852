/** Restore turns any version of a tree into any other: random trees, changed at random. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { below, isHeavy, printSeed, randomFrom, seed, type Random } from '../crash/random.js';
import { scratchDirectory } from '../fs/scratch.js';
import { walkAttributes } from './attribute-walk.js';
import { Box, sh } from './hkfs.js';

const scratch = scratchDirectory();
const NAMES = ['a', 'b', 'c', 'd', 'é', 'e\u0301', '-f', 'g h', 'i\nj'];

printSeed('restore property');

/** One change of a kind that people and programs make. */
function change(root: string, random: Random): void {
  const directories = sh('find . -type d -print0', root).split('\0').filter(Boolean);
  const pick = <T>(items: readonly T[]): T => items[below(random, items.length)]!;
  const path = join(root, pick(directories), pick(NAMES));
  const there = fs.lstatSync(path, { throwIfNoEntry: false });
  const time = below(random, 2 ** 31) + random();
  const chance = below(random, 10);
  if (there && chance < 3) return fs.rmSync(path, { recursive: true });
  if (there && chance < 5) return fs.lutimesSync(path, time, time);
  if (there?.isFile() && chance < 6) return fs.chmodSync(path, below(random, 0o10000) | 0o400);
  if (there?.isFile() && chance < 8) return link(path, join(root, pick(directories), pick(NAMES)));
  if (there) return;
  if (chance < 3) fs.mkdirSync(path);
  else if (chance < 4) fs.symlinkSync(pick(NAMES), path);
  else if (chance < 5) sh(`mkfifo "$P"`.replace('$P', path.replaceAll(/["$`\\]/g, '\\$&')));
  else fs.writeFileSync(path, 'x'.repeat(below(random, 4) * below(random, 5000)));
}

function link(from: string, to: string): void {
  if (fs.lstatSync(to, { throwIfNoEntry: false }) === undefined) fs.linkSync(from, to);
}

test.each(Array.from({ length: isHeavy ? 12 : 2 }, (_, round) => seed + round))(
  'seed %d: each version comes back, and over each other version',
  (start) => {
    const random = randomFrom(start);
    const box = Box.make(scratch.path);
    const versions: string[] = [];
    for (let version = 1; version <= 3; version += 1) {
      for (let i = 0; i < 60; i += 1) change(box.source, random);
      box.ingest('--mirror', '--yes');
      versions.push(join(box.path, `version ${version}`));
      sh(`cp -a '${box.source}' '${versions.at(-1)}'`);
    }
    for (const version of [1, 2, 3, 1, 3, 2]) {
      const { run, summary } = box.restore('source/', 'out', '--at', `op:${version}`, '--delete', '--yes');
      expect({ version, status: run.status, failed: summary.failed }).toEqual({
        ...{ version, status: 0, failed: [] },
      });
      expect(walkAttributes(join(box.path, 'out'))).toEqual(walkAttributes(versions[version - 1]!));
      const again = box.restore('source/', 'out', '--at', `op:${version}`, '--delete', '--dry-run').summary;
      const { files, directories, symlinks, specials, deleted } = again;
      expect({ files, directories, symlinks, specials, deleted }).toEqual({
        ...{ files: 0, directories: 0, symlinks: 0, specials: 0, deleted: 0 },
      });
    }
    box.expectSound();
  },
  60_000,
);
