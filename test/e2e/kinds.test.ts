/** A name that becomes something else: the log keeps both, and the tree on disk follows. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, sh } from './hkfs.js';

/** How each kind is made at `$1`, and what the tree has there: a fifo is kept in the log only. */
const KINDS = {
  file: { make: (at: string) => fs.writeFileSync(at, `file at ${at}`), kind: 'file', onDisk: 'file' },
  'other file': {
    make: (at: string) => fs.writeFileSync(at, `other at ${at}`),
    kind: 'file',
    onDisk: 'file',
  },
  'empty file': { make: (at: string) => fs.writeFileSync(at, ''), kind: 'file', onDisk: 'file' },
  directory: {
    make: (at: string) => {
      fs.mkdirSync(join(at, 'below'), { recursive: true });
      fs.writeFileSync(join(at, 'below/x'), `below ${at}`);
      fs.symlinkSync('below', join(at, 'link'));
    },
    kind: 'directory',
    onDisk: 'directory',
  },
  symlink: { make: (at: string) => fs.symlinkSync('target', at), kind: 'symlink', onDisk: 'symlink' },
  'other symlink': {
    make: (at: string) => fs.symlinkSync('elsewhere', at),
    kind: 'symlink',
    onDisk: 'symlink',
  },
  fifo: { make: (at: string) => void sh(`mkfifo '${at}'`), kind: 'fifo', onDisk: null },
} as const;
type Kind = keyof typeof KINDS;

const names = Object.keys(KINDS) as Kind[];
const changes = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const));
const nameOf = (from: Kind, to: Kind): string => `${from} to ${to}`;

function onDisk(path: string): string | null {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  return stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'file';
}

const scratch = scratchDirectory();

describe.each(['copy', 'link'])('in mode %s', (mode) => {
  let box: Box;
  let before: Map<string, string>;
  let after: Map<string, string>;

  beforeAll(() => {
    box = Box.make(scratch.path);
    for (const [from, to] of changes) KINDS[from].make(join(box.source, nameOf(from, to)));
    box.ingest('--mode', mode);
    for (const [from, to] of changes) {
      fs.rmSync(join(box.source, nameOf(from, to)), { recursive: true });
      KINDS[to].make(join(box.source, nameOf(from, to)));
    }
    box.ingest('--mode', mode);
    const kinds = (at: string): Map<string, string> =>
      new Map(box.rows('ls', 'source', '--at', at).map(({ path, kind }) => [path.slice(7), kind]));
    [before, after] = [kinds('op:1'), kinds('op:2')];
  });

  test.each(changes)('%s to %s: the log knows both, the tree has the new one', (from, to) => {
    const name = nameOf(from, to);
    expect([before.get(name), after.get(name)]).toEqual([KINDS[from].kind, KINDS[to].kind]);
    const path = box.tree(`source/${name}`);
    expect(onDisk(path)).toBe(KINDS[to].onDisk);
    const source = join(box.source, name);
    if (KINDS[to].onDisk === 'file') expect(fs.readFileSync(path)).toEqual(fs.readFileSync(source));
    if (KINDS[to].onDisk === 'symlink') expect(fs.readlinkSync(path)).toBe(fs.readlinkSync(source));
    if (KINDS[to].onDisk === 'directory') expect(fs.readdirSync(path)).toEqual(['below', 'link']);
  });

  test('the archive is sound, and its views are what a replay makes', () => {
    box.expectSound();
    box.expectReplayed();
  });
});
