/**
 * Somebody who may write where hkfs works, as root, exchanges directories for symlinks that lead outside, as fast as
 * the kernel does it: nothing outside is changed, and nothing of it comes in.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { hashBytes } from '../../src/fs/hash.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';
import { HEAVY } from '../projections/property.js';
import { walkAttributes } from './attribute-walk.js';
import { Box, sh, testWhere } from './hkfs.js';

const scratch = scratchDirectory();
const racerTest = testWhere(isRoot && hasTool('gcc'), 'the racer needs root and gcc');
const ROUNDS = HEAVY ? 25 : 2;
const DIRECTORIES = 48;
const FILES = 12;
let swapper = '';
let box: Box;
let racer: ChildProcess | null = null;

beforeAll(() => {
  if (!isRoot || !hasTool('gcc')) return;
  swapper = join(scratch.path, 'swapper');
  sh(`gcc -O1 -w -o '${swapper}' '${join(import.meta.dirname, 'swapper.c')}'`);
});

/** `outside` is what the symlinks lead to: names of its own, and the same ones as inside. */
beforeEach(() => {
  if (!isRoot) return;
  box = Box.make(scratch.path);
  const outside = join(box.path, 'outside');
  const spare = join(box.path, 'spare');
  for (const directory of [outside, join(outside, 'sub'), spare]) fs.mkdirSync(directory);
  for (let at = 0; at < FILES; at += 1) {
    fs.writeFileSync(join(outside, `secret${at}`), `secret ${at}`, { mode: 0o640 });
    if (at % 2 === 0) fs.writeFileSync(join(outside, `f${at}`), `other ${at}`, { mode: 0o755 });
    fs.writeFileSync(join(outside, `sub/f${at}`), `below ${at}`, { mode: 0o600 });
  }
  sh(`find '${outside}' -exec chown 1234:5678 {} + -exec touch -hd 2001-01-01 {} +; chmod 711 '${outside}'`);
  for (let at = 0; at < DIRECTORIES; at += 1) fs.symlinkSync(outside, join(spare, `l${at}`));
});

afterEach(() => {
  stopRacing();
  if (isRoot) fs.rmSync(box.path, { recursive: true, force: true });
});

function race(directories: string): void {
  racer = spawn(swapper, [join(directories, 'd%d'), join(box.path, 'spare/l%d'), String(DIRECTORIES)]);
}

/** Whatever was exchanged last is put back. */
function stopRacing(): void {
  racer?.kill('SIGKILL');
  racer = null;
}

/** Directories `d0`, `d1`, … with files that are all different. */
function fill(directory: string): void {
  for (let at = 0; at < DIRECTORIES; at += 1) {
    const inner = join(directory, `d${at}/sub`);
    fs.mkdirSync(inner, { recursive: true });
    for (let file = 0; file < FILES; file += 1) {
      fs.writeFileSync(join(directory, `d${at}/f${file}`), `inside ${at} ${file}`, { mode: 0o644 });
      fs.writeFileSync(join(inner, `f${file}`), `inside below ${at} ${file}`, { mode: 0o644 });
    }
  }
  sh(
    `find '${directory}' -name f1 -exec chown 1000:1000 {} + -exec chmod 4755 {} +
     find '${directory}' -exec touch -hd 2010-01-01 {} +`,
  );
}

function outsideNow(): unknown {
  const outside = join(box.path, 'outside');
  const inodes = Object.keys(walkAttributes(outside)).map((path) => {
    const { ino, nlink, ctimeNs } = fs.lstatSync(join(outside, path), { bigint: true });
    return [path, ino, nlink, ctimeNs];
  });
  return { walked: walkAttributes(outside), inodes };
}

function expectNothingCameIn(): void {
  const contents = Array.from({ length: FILES }, (_, at) => [
    `secret ${at}`,
    `other ${at}`,
    `below ${at}`,
  ]).flat();
  const stored = contents.filter((content) => {
    const hash = hashBytes(Buffer.from(content)).toString('hex');
    return fs.existsSync(join(box.root, '.hkfs/objects', hash.slice(0, 2), hash.slice(2)));
  });
  expect(stored).toEqual([]);
  expect(box.paths().filter((path) => path.includes('secret'))).toEqual([]);
}

/** What is exchanged is refused entry by entry, or changed while it was looked at: told, and never a bug. */
function expectOrderly({ status, stderr }: { status: number | null; stderr: string }): void {
  expect([0, 3]).toContain(status);
  expect(stderr).not.toContain('a bug in hkfs');
  expect(stderr).not.toContain('/proc/self/fd');
}

/** @param prepare of each round @param directory whose `d0`, `d1`, … are exchanged */
function underRace(directory: () => string, prepare: () => void, args: () => string[]): void {
  for (let round = 0; round < ROUNDS; round += 1) {
    prepare();
    const before = outsideNow();
    race(directory());
    const run = box.run(...args(), '--progress', 'none');
    stopRacing();
    expect(outsideNow()).toEqual(before);
    expectOrderly(run);
  }
}

function cleared(name: string): string {
  const path = join(box.path, name);
  fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(path);
  return path;
}

/** Of an earlier round, some are directories now. */
function respare(): void {
  const spare = cleared('spare');
  for (let at = 0; at < DIRECTORIES; at += 1)
    fs.symlinkSync(join(box.path, 'outside'), join(spare, `l${at}`));
}

racerTest.each(['copy', 'move', 'assimilate', 'link'])(
  'ingest --mode %s of a directory whose directories are exchanged for symlinks takes in nothing from outside and changes nothing there',
  (mode) => {
    let round = 0;
    underRace(
      () => box.source,
      () => {
        respare();
        fill(cleared('source'));
      },
      () => ['ingest', box.source, '--to', `round${(round += 1)}`, '--mode', mode],
    );
    expectNothingCameIn();
  },
  60_000,
);

racerTest.each([
  ['restore', []],
  ['restore --overwrite', ['--overwrite', 'always', '--yes']],
  ['restore --link', ['--link']],
])(
  '%s into a directory whose directories are exchanged for symlinks changes nothing outside',
  (_name, flags) => {
    fill(box.source);
    box.ingest(box.source, '--to', 'p');
    underRace(
      () => join(box.path, 'target'),
      () => {
        respare();
        const target = cleared('target');
        if (flags.includes('--overwrite')) fill(target);
      },
      () => ['restore', 'p/', '--to', join(box.path, 'target'), ...flags],
    );
  },
  60_000,
);

racerTest(
  'restore --delete in a directory whose directories are exchanged for symlinks removes nothing outside',
  () => {
    box.write({ 'kept/f0': 'kept' });
    box.ingest(box.source, '--to', 'p');
    underRace(
      () => join(box.path, 'target'),
      () => {
        respare();
        fill(cleared('target'));
      },
      () => ['restore', 'p/', '--to', join(box.path, 'target'), '--delete', '--yes'],
    );
  },
  60_000,
);

racerTest(
  'replay --into a directory whose directories are exchanged for symlinks changes nothing outside',
  () => {
    fill(box.source);
    box.ingest(`${box.source}/`, '--to', '/');
    underRace(
      () => join(box.path, 'target'),
      () => {
        respare();
        cleared('target');
      },
      () => ['replay', '--to', 'now', '--into', join(box.path, 'target')],
    );
  },
  60_000,
);

racerTest(
  'names that an ingest makes in a tree whose directories are exchanged for symlinks stay in the tree',
  () => {
    let round = 0;
    underRace(
      () => box.tree(`round${round}`),
      () => {
        respare();
        fs.rmSync(box.source, { recursive: true, force: true });
        fill(box.source);
        round += 1;
      },
      () => ['ingest', box.source, '--to', `round${round}`],
    );
  },
  60_000,
);

racerTest(
  'sync of a tree whose directories are exchanged for symlinks takes in nothing from outside and changes nothing there',
  () => {
    fill(box.source);
    let round = 0;
    underRace(
      () => box.tree(`round${round}`),
      () => {
        respare();
        round += 1;
        box.ingest(box.source, '--to', `round${round}`);
      },
      () => ['sync', '--yes'],
    );
    expectNothingCameIn();
  },
  60_000,
);
