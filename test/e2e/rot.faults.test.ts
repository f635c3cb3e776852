/**
 * One byte of an object changes, and nothing else that is easily seen. Every command that hands out contents
 * must not give out what is wrong as if it were whole; and where another copy is good, it must give out that.
 * A further way of giving out contents, or a further kind of place for them, is a further row of the tables.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Archive } from 'hkfs';
import { Box, sh, type Run } from './hkfs.js';

/** Below the pieces of every reader, above those that are read whole, above what `cat` has in memory. */
const SIZES = { small: 1000, middle: 3 << 20, large: 9 << 20 } as const;
type Name = keyof typeof SIZES;
const NAMES = Object.keys(SIZES) as Name[];

let scratch = '';
let runs = 0;

beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-rot-'));
});

afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function right(name: Name): Buffer {
  const seed = Buffer.from(`${name} bytes. `);
  return Buffer.alloc(SIZES[name], seed);
}

/** What a command gave out: by name, the bytes of what is complete; others are not there, or not whole. */
interface Given {
  readonly run: Run;
  readonly complete: ReadonlyMap<Name, Buffer>;
}

/** @param out a path where nothing is yet */
type GiveOut = (box: Box, out: string) => Given | Promise<Given>;

interface Way {
  readonly give: GiveOut;
  /** What it gives of a content, where that is not all. */
  readonly gives?: (name: Name) => Buffer;
  /** The newest twin is what it tries first: a good one is no reason to look at the others. */
  readonly newestFirst?: boolean;
}

function inDirectory(directory: string, run: Run): Given {
  const complete = new Map<Name, Buffer>();
  for (const name of NAMES) {
    const file = join(directory, name);
    if (fs.existsSync(file)) complete.set(name, fs.readFileSync(file));
  }
  return { run, complete };
}

/** A tar that `tar` takes for whole; one that is broken off holds nothing that counts. */
function inTar(tar: string, out: string, run: Run): Given {
  fs.mkdirSync(out);
  try {
    sh(`tar -xf '${tar}' -C '${out}'`);
  } catch {
    return { run, complete: new Map() };
  }
  return inDirectory(join(out, 'source'), run);
}

/** What whoever clones gets of it. */
function inRemote(box: Box, url: string, run: Run): Given {
  if (fs.existsSync(url)) box.run('clone', url, `${url}.clone`);
  return inDirectory(join(`${url}.clone`, 'source'), run);
}

function backup(box: Box, out: string, ...args: string[]): Given {
  const name = `disk-${runs}`;
  box.run('remote', 'add', name, out);
  return inRemote(box, out, box.run('backup', name, ...args));
}

function restore(box: Box, out: string, ...args: string[]): Given {
  const run = box.run('restore', 'source', '--to', out, '--json', '--progress', 'none', ...args);
  return inDirectory(join(out, 'source'), run);
}

function cats(box: Box, expected: (name: Name) => Buffer, ...args: string[]): Given {
  const complete = new Map<Name, Buffer>();
  const runs = NAMES.map((name) => {
    const run = box.run('cat', `source/${name}`, ...args);
    if (run.bytes.length >= expected(name).length) complete.set(name, run.bytes);
    return run;
  });
  return { run: together(runs), complete };
}

/** As one run: the worst status, and all that was said. */
function together(runs: readonly Run[]): Run {
  const status = Math.max(...runs.map((run) => run.status ?? 99));
  return { ...runs[0]!, status, stderr: runs.map(({ stderr }) => stderr).join('') };
}

const OFFSET = 500;
const LENGTH = 400;

function part(name: Name): Buffer {
  return right(name).subarray(OFFSET, OFFSET + LENGTH);
}

const WAYS: Readonly<Record<string, Way>> = {
  cat: { give: (box) => cats(box, right) },
  'cat --offset --length': {
    give: (box) => cats(box, part, '--offset', String(OFFSET), '--length', String(LENGTH)),
    gives: part,
  },
  'cat while a writer holds the archive': {
    give: async (box) => {
      const archive = await Archive.open(box.root, { mode: 'write' });
      try {
        const runs: Run[] = [];
        for (const name of NAMES) runs.push(await box.start(['cat', `source/${name}`]).ended);
        const complete = new Map(NAMES.map((name, at) => [name, runs[at]!.bytes] as const));
        for (const name of NAMES) if (complete.get(name)!.length < SIZES[name]) complete.delete(name);
        return { run: together(runs), complete };
      } finally {
        await archive.close();
      }
    },
  },
  restore: { give: restore },
  'restore --verify': { give: (box, out) => restore(box, out, '--verify') },
  'restore --link': { give: (box, out) => restore(box, out, '--link'), newestFirst: true },
  'replay --into': {
    give: (box, out) => inDirectory(join(out, 'source'), box.run('replay', '--to', 'op:1', '--into', out)),
    newestFirst: true,
  },
  'export to a pipe': {
    give: (box, out) => {
      const run = box.run('export', 'source');
      fs.writeFileSync(`${out}.tar`, run.bytes);
      return inTar(`${out}.tar`, out, run);
    },
  },
  'export -o': {
    give: (box, out) => inTar(`${out}.tgz`, out, box.run('export', 'source', '-o', `${out}.tgz`)),
  },
  'backup to a directory': { give: (box, out) => backup(box, out) },
  'backup --compress': { give: (box, out) => backup(box, out, '--compress') },
  'bundle create': { give: (box, out) => inRemote(box, out, box.run('bundle', 'create', out)) },
};

/** Where good bytes are besides the object that rots. */
const ELSEWHERE: Readonly<Record<string, (box: Box, name: Name) => void>> = {
  'a twin': (box, name) => {
    const object = box.object(`source/${name}`);
    fs.copyFileSync(object, `${object}.1`);
  },
  'a name in the tree that is a file of its own': (box, name) => {
    const file = box.tree(`source/${name}`);
    sh(`cp -p '${file}' '${box.path}/own' && mv '${box.path}/own' '${file}'`);
  },
};

/** As a disk does it, or root: size and times stay. */
function rot(file: string): void {
  const { atime, mtime, mode } = fs.statSync(file);
  fs.chmodSync(file, 0o644);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, Buffer.from('#'), 0, 1, 700);
  fs.closeSync(fd);
  fs.utimesSync(file, atime, mtime);
  fs.chmodSync(file, mode);
}

/** One for all ways of giving out: none of them changes what is in the hash tree. */
function rotten(elsewhere: (box: Box, name: Name) => void): { box: Box; objects: string[] } {
  const box = Box.make(scratch);
  for (const name of NAMES) box.write({ [name]: right(name) });
  box.ingest();
  const objects = NAMES.map((name) => box.object(`source/${name}`));
  for (const name of NAMES) elsewhere(box, name);
  for (const object of objects) rot(object);
  return { box, objects };
}

function give(box: Box, { give: out }: Way): Given | Promise<Given> {
  runs += 1;
  return out(box, join(box.path, `out-${runs}`));
}

describe('of rotten objects', () => {
  let box: Box;
  let objects: string[];
  beforeAll(() => {
    ({ box, objects } = rotten(() => {}));
    for (const name of NAMES) fs.rmSync(box.tree(`source/${name}`));
  });

  test.each(Object.keys(WAYS))(
    '%s gives out nothing wrong as whole, leaves with 4 and says what it is',
    async (way) => {
      const { run, complete } = await give(box, WAYS[way]!);
      expect({ status: run.status, complete: [...complete.keys()] }).toEqual({ status: 4, complete: [] });
      const said = run.stderr + run.stdout.slice(0, 100_000);
      for (const [at, name] of NAMES.entries())
        expect([said.includes(`source/${name}`), said.includes(objects[at]!.slice(-60))]).toContain(true);
    },
  );
});

describe.each(Object.keys(ELSEWHERE))('of rotten objects with %s', (from) => {
  let box: Box;
  beforeAll(() => {
    ({ box } = rotten(ELSEWHERE[from]!));
  });

  test.each(Object.keys(WAYS))('%s gives out the right bytes, with a warning', async (way) => {
    const { gives = right, newestFirst = false } = WAYS[way]!;
    const { run, complete } = await give(box, WAYS[way]!);
    expect([run.status, run.stderr]).toEqual([0, expect.any(String)]);
    if (!(newestFirst && from === 'a twin')) expect(run.stderr).toContain('[OBJECT_DAMAGED]');
    for (const name of NAMES) expect(complete.get(name)?.equals(gives(name))).toBe(true);
  });
});

test('cat in a clone takes what rotted from where the clone comes from', () => {
  const origin = Box.make(scratch);
  for (const name of NAMES) origin.write({ [name]: right(name) });
  origin.ingest();
  const remote = join(origin.path, 'remote');
  origin.run('remote', 'add', 'disk', remote);
  origin.run('backup', 'disk');
  const clone = new Box(origin.path, join(origin.path, 'clone'));
  expect(origin.run('clone', remote, clone.root).status).toBe(0);
  for (const name of NAMES) rot(clone.object(`source/${name}`));
  const { run, complete } = cats(clone, right);
  expect([run.status, run.stderr]).toEqual([0, expect.stringContaining('[OBJECT_DAMAGED]')]);
  for (const name of NAMES) expect(complete.get(name)?.equals(right(name))).toBe(true);
  expect(fs.readdirSync(join(clone.root, '.hkfs/staging'))).toEqual([]);
  fs.rmSync(remote, { recursive: true });
  expect(clone.run('cat', 'source/small')).toMatchObject({ status: 4, stdout: '' });
});

test('a manifest of sha256 is compared with what objects should be, and not with what rot made of them', () => {
  const { box, objects } = rotten(() => {});
  const lines = objects.map((object) => `${sha256(fs.readFileSync(object))}  rotten\n`);
  const run = box.runWith({ input: lines.join('') }, 'contains', '--algorithm', 'sha256', '-', '--json');
  expect(run.status).toBe(1);
  expect(JSON.parse(run.stdout.trim().split('\n').at(-1)!)).toMatchObject({ archived: 0 });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
