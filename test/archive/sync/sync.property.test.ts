/** Random changes by hand, then sync: the namespace is the disk, nothing is left, and the past is as it was. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from 'hkfs';
import { HEAVY, runs } from '../../projections/property.js';
import { collect, withScratch } from '../scratch.js';

const KINDS = [
  'move',
  'remove',
  'write',
  'save',
  'copy',
  'link',
  'mkdir',
  'symlink',
  'swap',
  'chmod',
  'touch',
] as const;
const change = fc.record({
  kind: fc.constantFrom(...KINDS),
  from: fc.nat(),
  to: fc.nat(),
  content: fc.nat(6),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

const rounds = fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: HEAVY ? 6 : 3,
  size: 'max',
});

test(
  'after random changes by hand a sync makes the names those of the disk, and a second one finds nothing',
  () => {
    const end = Date.now() + (HEAVY ? 300_000 : 20_000);
    return fc.assert(
      fc.asyncProperty(rounds, async (changes) => {
        if (Date.now() < end) await withScratch((directory) => play(directory, changes));
      }),
      runs(12, 200),
    );
  },
  HEAVY ? 600_000 : 120_000,
);

async function play(directory: string, changes: readonly (readonly Change[])[]): Promise<void> {
  const root = join(directory, 'archive');
  const source = join(directory, 'source');
  makeSource(source);
  await Archive.init(root);
  const archive = await Archive.open(root, { mode: 'write' });
  try {
    await archive.ingest({ sources: [source], to: 't' });
    const past: string[][] = [];
    for (const round of changes) {
      past.push(await names(archive, `@${(await archive.head()).size - 1}`));
      const moment = (await archive.head()).size - 1;
      for (const one of round) apply(join(root, 't'), one);
      await archive.sync({ yes: true });
      await expectSettled(archive, root);
      expect(await names(archive, `@${moment}`)).toEqual(past.at(-1));
    }
    expect(await archive.replay({ check: true })).toMatchObject({ equal: true, differences: [] });
  } finally {
    await archive.close();
  }
}

function makeSource(source: string): void {
  for (const directory of ['a/b/c', 'd', 'e/f']) fs.mkdirSync(join(source, directory), { recursive: true });
  for (const [index, path] of ['a/1', 'a/2', 'a/b/3', 'a/b/c/4', 'd/5', 'd/6', 'e/f/7', '8'].entries())
    fs.writeFileSync(join(source, path), `content ${index % 7}`);
  fs.symlinkSync('8', join(source, 'link'));
  fs.writeFileSync(join(source, 'empty'), '');
}

async function names(archive: Archive, at?: string): Promise<string[]> {
  const rows = await collect(archive.ls('', { recursive: true, ...(at === undefined ? {} : { at }) }));
  return rows.map(({ path, kind, hash, target }) => `${path} ${kind} ${hash} ${target}`);
}

async function expectSettled(archive: Archive, root: string): Promise<void> {
  const rows = await collect(archive.ls('', { recursive: true }));
  expect(rows.map(({ path, kind }) => `${path} ${kind}`).toSorted()).toEqual(onDisk(root, ''));
  for (const { path, kind, hash, target } of rows) {
    const stat = fs.lstatSync(join(root, path));
    if (kind === 'symlink') expect(target).toBe(fs.readlinkSync(join(root, path)));
    if (hash === null) continue;
    const object = join(root, '.hkfs/objects', hash.slice(0, 2), hash.slice(2));
    const isReadOnly = (stat.mode & 0o777) === 0o444;
    expect({ path, inode: stat.ino, isReadOnly }).toEqual({
      path,
      inode: fs.lstatSync(object).ino,
      isReadOnly: true,
    });
  }
  expect(await archive.sync({ dryRun: true })).toMatchObject({ steps: [], damaged: [], failed: [] });
  expect(await archive.sync()).toMatchObject({ operation: null, damaged: [], failed: [] });
  const findings = { damaged: [], missing: [], unlinked: [], untracked: [], views: [] };
  expect(await archive.verify()).toMatchObject(findings);
}

function onDisk(root: string, path: string): string[] {
  const found: string[] = [];
  for (const { name, ...entry } of list(join(root, path))) {
    if (path === '' && name === '.hkfs') continue;
    const full = path === '' ? name : `${path}/${name}`;
    found.push(`${full} ${entry.kind}`, ...(entry.kind === 'directory' ? onDisk(root, full) : []));
  }
  return path === '' ? found.toSorted() : found;
}

function list(directory: string): { name: string; kind: string }[] {
  return fs.readdirSync(directory, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    kind: entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'file',
  }));
}

/** What a person might do; where it makes no sense, nothing. */
function apply(tree: string, { kind, from, to, content }: Change): void {
  const all = everything(tree);
  const directories = [tree, ...all.filter((path) => fs.lstatSync(path).isDirectory())];
  const files = all.filter((path) => fs.lstatSync(path).isFile());
  const target = join(directories[to % directories.length]!, `n${content}`);
  const file = files[from % files.length];
  const any = all[from % all.length];
  const isFree = fs.lstatSync(target, { throwIfNoEntry: false }) === undefined;
  if (kind === 'mkdir' && isFree) fs.mkdirSync(target);
  else if (kind === 'symlink' && isFree) fs.symlinkSync(`to ${content}`, target);
  else if (kind === 'write' && isFree) fs.writeFileSync(target, content === 0 ? '' : `content ${content}`);
  else if (any === undefined) return;
  else if (kind === 'remove') fs.rmSync(any, { recursive: true });
  else if (kind === 'move' && isFree && !`${target}/`.startsWith(`${any}/`)) fs.renameSync(any, target);
  else if (kind === 'swap') swap(tree, any, all[to % all.length]!);
  else if (file === undefined) return;
  else if (kind === 'copy' && isFree) fs.copyFileSync(file, target);
  else if (kind === 'link' && isFree) fs.linkSync(file, target);
  else if (kind === 'save') {
    fs.writeFileSync(join(tree, '.saved'), `content ${content}`);
    fs.renameSync(join(tree, '.saved'), file);
  } else if (kind === 'chmod') fs.chmodSync(file, 0o600 + content);
  else if (kind === 'touch') fs.utimesSync(file, content * 1000, content * 1000);
}

function swap(tree: string, a: string, b: string): void {
  if (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`)) return;
  fs.renameSync(a, join(tree, '.swap'));
  fs.renameSync(b, a);
  fs.renameSync(join(tree, '.swap'), b);
}

function everything(directory: string): string[] {
  return list(directory)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, kind }) => {
      const path = join(directory, name);
      return kind === 'directory' ? [path, ...everything(path)] : [path];
    });
}
