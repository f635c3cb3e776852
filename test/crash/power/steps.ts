/**
 * What is done to an archive on the disk that will lose its power: every command that changes something,
 * one after the other. Names that are not told otherwise are below the mounted disk.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { bytesOf } from '../source-tree.js';
import type { Random } from '../random.js';

export interface Step {
  readonly name: string;
  readonly args: (root: string) => string[];
  /** What `ops` calls the operation that it appends to the log of the archive `a`; null: none. */
  readonly logged: string | null;
  /** What a person does to the disk just before; it is not acknowledged by anybody. */
  readonly byHand?: (root: string) => void;
  /** Contents are wrong by purpose until it has ended. */
  readonly isHurt?: boolean;
  /** When it ends. */
  readonly status?: number;
}

const inArchive = (root: string): string[] => ['-a', `${root}/a`];
const ingest = (mode: string, source: string, ...more: string[]): Step => ({
  name: `ingest --mode ${mode} ${source}`,
  args: (root) => ['ingest', `${root}/src/${source}`, '--mode', mode, ...more, ...inArchive(root)],
  logged: 'ingest',
});
const change = (name: string, logged: string | null, ...args: string[]): Step => ({
  name,
  args: (root) => [...args.map((arg) => arg.replace('ROOT', root)), ...inArchive(root)],
  logged,
});

export const STEPS: readonly Step[] = [
  { name: 'init', args: (root) => ['init', `${root}/a`], logged: null },
  ingest('copy', 'copied'),
  ingest('link', 'linked'),
  ingest('move', 'moved'),
  ingest('assimilate', 'assimilated'),
  change('mv', 'mv', 'mv', 'copied/deep', 'linked/deeper'),
  change('rm', 'rm', 'rm', 'moved/deep', 'copied/file 1', '--yes'),
  change('undo of rm', 'undo', 'undo', '6', '--yes'),
  change('undo of mv', 'undo', 'undo', '5', '--yes'),
  change('tag', 'tag', 'tag', 'kept'),
  {
    ...change('sync', 'sync', 'sync', '--yes'),
    byHand: (root) => {
      fs.renameSync(`${root}/a/linked/deep`, `${root}/a/moved by hand`);
      fs.renameSync(`${root}/a/copied/file 4`, `${root}/a/copied/renamed by hand`);
      fs.rmSync(`${root}/a/moved/file 2`, { force: true });
      fs.writeFileSync(`${root}/a/assimilated/new by hand`, 'made by hand');
    },
  },
  change('undo of sync', 'undo', 'undo', '10', '--yes'),
  ingest('move', 'again'),
  change('prune', 'prune', 'prune', 'again', '--yes'),
  change('rm of contents', 'rm', 'rm', 'assimilated/deep', '--yes'),
  ingest('copy', 'small'),
  change('gc', 'gc', 'gc', '--older-than', '0s', '--yes'),
  change('remote add', 'remote add', 'remote', 'add', 'disk', 'ROOT/remote'),
  change('backup', 'backup', 'backup', 'disk'),
  {
    ...change('verify of damage', 'verify', 'verify'),
    byHand: (root) => hurt(root),
    isHurt: true,
    status: 4,
  },
  { ...change('heal', 'heal', 'heal'), isHurt: true },
  { name: 'clone', args: (root) => ['clone', `${root}/remote`, `${root}/clone`], logged: null },
  change('mv of a directory', 'mv', 'mv', 'moved', 'elsewhere'),
  ingest('move', 'late'),
  change('backup of what is new', 'backup', 'backup', 'disk'),
  { name: 'pull', args: (root) => ['pull', '-a', `${root}/clone`], logged: null },
  change('replay', null, 'replay'),
  change('restore', null, 'restore', '/', '--to', 'ROOT/restored', '--overwrite', 'if-different'),
  change('last mv', 'mv', 'mv', 'late', 'latest'),
];

/** Contents of a few bytes up to some blocks; what `again` has, `copied` has as well. */
export function makeSources(root: string, random: Random): void {
  for (const name of ['copied', 'linked', 'moved', 'assimilated', 'late', 'small'])
    for (let index = 0; index < (name === 'small' ? 3 : 24); index += 1) {
      const directory = index % 3 === 0 ? 'deep' : '.';
      write(
        join(root, 'src', name, directory, `file ${index}`),
        contentOf(`${name} ${index}`, index, random),
      );
    }
  fs.cpSync(`${root}/src/copied/.`, `${root}/src/again`, { recursive: true });
}

function write(path: string, content: Uint8Array): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, content);
}

function contentOf(name: string, index: number, random: Random): Buffer {
  if (index % 8 === 7) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from(name), bytesOf(random() * (index % 5 === 0 ? 200_000 : 5000), random)]);
}

/** One object gone, and one with other bytes, which its names in the tree have as well. */
function hurt(root: string): void {
  const objects = objectsOf(`${root}/a`);
  const [gone, wrong] = [objects[3]!, objects[9]!];
  fs.rmSync(gone);
  fs.chmodSync(wrong, 0o644);
  fs.writeFileSync(wrong, 'damage');
}

function objectsOf(archive: string): string[] {
  const objects = join(archive, '.hkfs/objects');
  return fs
    .readdirSync(objects)
    .sort()
    .flatMap((prefix) => fs.readdirSync(join(objects, prefix)).map((name) => join(objects, prefix, name)));
}
