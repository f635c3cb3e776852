/**
 * An archive whose disk is made anew between commands, edited by hand in every way, also through links and
 * within one tick of the clock: no command leaves fewer contents on the disk than there were before it.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from 'hkfs';
import { sh, testWhere } from '../e2e/hkfs.js';
import { hashBytes } from '../../src/fs/hash.js';
import { hasTool, scratchDirectory } from '../fs/scratch.js';
import { HEAVY, runs } from '../projections/property.js';
import { Disk } from './disk.js';
import { whyNot } from './mounts.js';

const scratch = scratchDirectory();
const reason = whyNot('ext4') ?? (hasTool('rsync') ? null : 'needs rsync');
const onLoop = testWhere(reason === null, reason ?? '');
const COMMANDS = ['sync', 'verify', 'heal', 'ingest', 'move', 'remake', 'copy'] as const;
const EDITS = ['write', 'quiet', 'save', 'new', 'move', 'link', 'remove', 'swap', 'rot', 'unlink'] as const;

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ edit: fc.constantFrom(...EDITS), at: fc.nat(), to: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ command: fc.constantFrom(...COMMANDS) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

onLoop(
  'no command loses or changes a content, whatever numbers the inodes have',
  async () => {
    const end = Date.now() + (HEAVY ? 1_500_000 : 60_000);
    const disk = new Disk(fs.mkdtempSync(join(scratch.path, 'disk-')));
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24, size: 'max' }), async (steps) => {
          if (Date.now() < end) await play(disk, steps);
        }),
        runs(12, 300),
      );
    } finally {
      disk.gone();
    }
  },
  HEAVY ? 1_800_000 : 180_000,
);

async function play(on: Disk, steps: readonly Step[]): Promise<void> {
  const root = join(on.path, 'archive');
  const source = join(on.path, 'source');
  fs.rmSync(root, { recursive: true, force: true });
  fs.rmSync(source, { recursive: true, force: true });
  fs.mkdirSync(join(source, 'd'), { recursive: true });
  for (let at = 0; at < 24; at += 1) write(join(source, at % 2 ? 'd' : '', `f${at}`), `content ${at % 20}`);
  await Archive.init(root);
  await within(root, (archive) => archive.ingest({ sources: [source], to: 't' }));
  let count = 0;
  for (const one of steps)
    if ('edit' in one) edit(join(root, 't'), one, (count += 1));
    else await command(on, { root, source, name: one.command, count: (count += 1) });
  await within(root, (archive) => archive.sync({ yes: true }));
  const { damaged } = await within(root, (archive) => archive.verify());
  await expectRecorded(root, new Set(damaged.map(({ hash }) => hash)));
}

/** Files of one size and one time, so that nothing but their bytes tells them apart. */
function write(path: string, text: string): void {
  fs.writeFileSync(path, text.padEnd(16));
  fs.utimesSync(path, 1_000_000_000, 1_000_000_000);
}

async function command(
  on: Disk,
  { root, source, name, count }: { root: string; source: string; name: string; count: number },
): Promise<void> {
  const before = contentsOf(on.path);
  const tree = filesOf(join(root, 't'));
  switch (name) {
    case 'remake':
      on.restoreShuffled(join(scratch.path, 'copy'), count);
      break;
    case 'copy':
      sh(`cp -a '${root}' '${root}.new'; rm -r '${root}'; mv '${root}.new' '${root}'`);
      break;
    case 'move': {
      const moved = join(on.path, 'moved');
      fs.mkdirSync(moved);
      for (let at = 0; at < 3; at += 1) write(join(moved, `m${at}`), `content ${(count + at) % 24}`);
      await within(root, (archive) => archive.ingest({ sources: [moved], to: 't/moved', mode: 'move' }));
      fs.rmSync(moved, { recursive: true, force: true });
      break;
    }
    case 'ingest':
      await within(root, (archive) => archive.ingest({ sources: [source], to: 't', checksum: true }));
      break;
    default:
      await within(root, (archive) => run(archive, name));
  }
  const after = contentsOf(on.path);
  expect({ name, lost: [...before].filter((hash) => !after.has(hash)) }).toEqual({ name, lost: [] });
  if (name !== 'ingest' && name !== 'move') expectUnchanged(root, tree);
}

function run(archive: Archive, name: string): Promise<unknown> {
  if (name === 'sync') return archive.sync({ yes: true });
  return name === 'verify' ? archive.verify() : archive.heal({});
}

async function within<T>(root: string, use: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await Archive.open(root, { mode: 'write' });
  try {
    return await use(archive);
  } finally {
    await archive.close();
  }
}

/** By hand, in the tree: nothing that is edited in place is the only file with its bytes. */
function edit(
  tree: string,
  { edit: kind, at, to }: { edit: string; at: number; to: number },
  count: number,
): void {
  const files = [...filesOf(tree).keys()].sort();
  const from = files.length === 0 ? undefined : join(tree, files[at % files.length]!);
  const other = files.length === 0 ? undefined : join(tree, files[to % files.length]!);
  if (from === undefined || other === undefined || kind === 'new')
    return write(join(tree, 'd', `new${count}`), `mine ${count}`);
  const fresh = join(tree, `x${count}`);
  if (kind === 'write') inPlace(from, `written ${count}`);
  else if (kind === 'quiet') {
    inPlace(from, `quiet ${count}`);
    fs.utimesSync(from, 1_000_000_000, 1_000_000_000);
  } else if (kind === 'rot') fs.truncateSync(from, 7);
  else if (kind === 'save') {
    write(fresh, `saved ${count}`);
    fs.renameSync(fresh, from);
  } else if (kind === 'move') fs.renameSync(from, fresh);
  else if (kind === 'link') fs.linkSync(from, fresh);
  else if (kind === 'remove') fs.rmSync(from);
  else if (kind === 'unlink') {
    fs.copyFileSync(from, fresh);
    fs.renameSync(fresh, from);
  } else if (from !== other) {
    fs.renameSync(from, fresh);
    fs.renameSync(other, from);
    fs.renameSync(fresh, other);
  }
}

function inPlace(path: string, text: string): void {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, text.padEnd(16), 0);
  fs.closeSync(fd);
}

/** Paths with the hashes of their bytes. */
function filesOf(directory: string, skip = ''): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of fs.readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || (skip !== '' && path.includes(skip))) continue;
    files.set(path.slice(directory.length + 1), sha(fs.readFileSync(path)));
  }
  return files;
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Of the tree, the objects and what was kept; not of the databases. */
function contentsOf(path: string): Set<string> {
  const found = new Set<string>();
  for (const [name, hash] of filesOf(path)) if (!/\.hkfs\/(log|views|place|keys)/.test(name)) found.add(hash);
  return found;
}

/** A name has the bytes that it had, or they were damaged and are kept. */
function expectUnchanged(root: string, before: ReadonlyMap<string, string>): void {
  const after = filesOf(join(root, 't'));
  const damaged = join(root, '.hkfs/damaged');
  const kept = new Set(fs.existsSync(damaged) ? filesOf(damaged).values() : []);
  const changed = [...before].filter(([path, hash]) => after.get(path) !== hash && !kept.has(hash));
  expect(changed).toEqual([]);
}

/** What the log has of a name are the bytes that are there, unless they are told damaged. */
async function expectRecorded(root: string, damaged: ReadonlySet<string>): Promise<void> {
  const wrong = await within(root, async (archive) => {
    const rows: string[] = [];
    for await (const { path, kind, hash } of archive.ls('', { recursive: true })) {
      if (kind !== 'file' || hash === null || damaged.has(hash)) continue;
      if (hashBytes(fs.readFileSync(join(root, path))).toString('hex') !== hash) rows.push(path);
    }
    return rows;
  });
  expect(wrong).toEqual([]);
}
