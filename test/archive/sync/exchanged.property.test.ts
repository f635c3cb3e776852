/**
 * Files of the hash tree exchanged among their names by hand, files of the tree as well: what inodes and
 * names say of contents is wrong in every way, and only the bytes are right.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from 'hkfs';
import { hashBytes } from '../../../src/fs/hash.js';
import { scratchDirectory } from '../../fs/scratch.js';
import { HEAVY, runs } from '../../projections/property.js';

const scratch = scratchDirectory();
const CONTENTS = 5;
const NAMES = 7;
const COMMANDS = ['sync', 'verify', 'heal'] as const;

const pair = { at: fc.nat(), to: fc.nat() };
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('objects' as const), ...pair }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tree' as const), ...pair }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('move' as const, 'link' as const, 'copy' as const), ...pair }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom(...COMMANDS), ...pair }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test(
  'no command records a content that the bytes are not, and all contents are found again by heal',
  async () => {
    const scenario = fc.record({
      steps: fc.array(step, { minLength: 2, maxLength: 14, size: 'max' }),
      isCopy: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, ({ steps, isCopy }) => play(steps, isCopy)),
      // Else making a failure smaller takes longer than the test may.
      { ...runs(14, 300), interruptAfterTimeLimit: HEAVY ? 1_500_000 : 120_000 },
    );
  },
  HEAVY ? 1_800_000 : 180_000,
);

async function play(steps: readonly Step[], isCopy: boolean): Promise<void> {
  const path = fs.mkdtempSync(join(scratch.path, 'exchanged-'));
  const made = join(path, isCopy ? 'original' : 'archive');
  const contents = await makeArchive(path, made);
  const root = join(path, 'archive');
  // With its hard links, but with other inodes than the log says.
  if (isCopy) execFileSync('cp', ['-a', made, root]);
  let count = 0;
  for (const one of steps)
    if (one.do === 'sync' || one.do === 'verify' || one.do === 'heal') await command(root, one.do);
    else edit(root, one, (count += 1));
  await command(root, 'sync');
  await command(root, 'verify');
  await command(root, 'heal');
  await command(root, 'sync');
  const { damaged } = await within(root, (archive) => archive.verify());
  expect(damaged).toEqual([]);
  for (const hash of contents) expect(hashOf(objectOf(root, hash))).toBe(hash);
  for (const [name, hash] of await recordedIn(root))
    expect([name, hashOf(join(root, name))]).toEqual([name, hash]);
  fs.rmSync(path, { recursive: true, force: true });
}

/** Some contents have two names, and the last has none any more. @returns their hashes */
async function makeArchive(path: string, root: string): Promise<string[]> {
  const source = join(path, 'source');
  fs.mkdirSync(source);
  for (let at = 0; at < NAMES; at += 1) {
    fs.writeFileSync(join(source, `f${at}`), `content ${at % CONTENTS}`);
    fs.utimesSync(join(source, `f${at}`), 1_000_000_000, 1_000_000_000);
  }
  const hashes = Array.from({ length: CONTENTS }, (_, at) => hashOf(join(source, `f${at}`)));
  await Archive.init(root);
  await within(root, (archive) => archive.ingest({ sources: [source], to: 't' }));
  fs.rmSync(join(root, 't', `f${CONTENTS - 1}`));
  await within(root, (archive) => archive.sync({ yes: true }));
  return hashes;
}

async function command(root: string, name: (typeof COMMANDS)[number]): Promise<void> {
  const before = await recordedIn(root);
  const onDisk = filesOf(join(root, 't')).map(
    (file) => [join('t', file), hashOf(join(root, 't', file))] as const,
  );
  await within(root, (archive): Promise<unknown> => {
    if (name === 'sync') return archive.sync({ yes: true });
    return name === 'verify' ? archive.verify() : archive.heal({});
  });
  const bytes = new Map(onDisk);
  const wrong = [...(await recordedIn(root))].filter(
    ([path, hash]) => before.get(path) !== hash && bytes.get(path) !== hash,
  );
  expect({ name, wrong }).toEqual({ name, wrong: [] });
}

function edit(root: string, { do: what, at, to }: Step, count: number): void {
  const tree = join(root, 't');
  const directory = what === 'objects' ? join(root, '.hkfs/objects') : tree;
  const files = filesOf(directory);
  const from = join(directory, files[at % files.length]!);
  const other = join(directory, files[to % files.length]!);
  const fresh = join(tree, `x${count}`);
  if (what === 'move') fs.renameSync(from, fresh);
  else if (what === 'link') fs.linkSync(from, fresh);
  else if (what === 'copy') fs.copyFileSync(from, fresh);
  else if (from !== other) {
    fs.renameSync(from, join(root, '.hkfs/exchanged'));
    fs.renameSync(other, from);
    fs.renameSync(join(root, '.hkfs/exchanged'), other);
  }
}

async function within<T>(root: string, use: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await Archive.open(root, { mode: 'write' });
  try {
    return await use(archive);
  } finally {
    await archive.close();
  }
}

async function recordedIn(root: string): Promise<Map<string, string>> {
  return within(root, async (archive) => {
    const rows = new Map<string, string>();
    for await (const { path, kind, hash } of archive.ls('', { recursive: true }))
      if (kind === 'file' && hash !== null) rows.set(path, hash);
    return rows;
  });
}

function filesOf(directory: string): string[] {
  const entries = fs.readdirSync(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).toSorted();
}

function hashOf(path: string): string {
  return hashBytes(fs.readFileSync(path)).toString('hex');
}

function objectOf(root: string, hash: string): string {
  return join(root, '.hkfs/objects', hash.slice(0, 2), hash.slice(2));
}
