/** Files of the hash tree under other objects' names: the tree is right, or is found so by its bytes. */
import * as fs from 'node:fs';
import { beforeEach, expect, test } from '@jest/globals';
import type { HealSummary, SyncSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, sh } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;

beforeEach(() => {
  box = Box.make(scratch.path);
  sh(`mkdir -p d; printf AAAA > d/a; printf BBBB > d/b; touch -d 2020-01-01 d/a d/b`, box.source);
  box.ingest(`${box.source}/d`, '--to', 'p');
});

function exchange(): { a: string; b: string } {
  const [a, b] = [box.object('p/a'), box.object('p/b')];
  sh(`mv '${a}' x; mv '${b}' '${a}'; mv x '${b}'`, box.source);
  return { a, b };
}

function sync(): { status: number | null; summary: SyncSummary } {
  const { status, stdout } = box.run('sync', '--json', '--progress', 'none');
  return { status, summary: JSON.parse(stdout) as SyncSummary };
}

function heal(...paths: string[]): { status: number | null; from: (string | undefined)[] } {
  const { status, stdout } = box.run('heal', ...paths, '--json', '--progress', 'none');
  return { status, from: (JSON.parse(stdout) as HealSummary).healed.map(({ healedFrom }) => healedFrom) };
}

function expectAsRecorded(names: Readonly<Record<string, string>>): void {
  for (const [path, bytes] of Object.entries(names)) {
    expect([path, box.run('cat', path).stdout]).toEqual([path, bytes]);
    expect([path, fs.readFileSync(box.tree(path), 'utf8')]).toEqual([path, bytes]);
  }
  expect(sync()).toMatchObject({ status: 0, summary: { operation: null } });
  box.expectSound();
}

const CHANGES = { renamed: 0, added: 0, removed: 0, changed: 0, relinked: 0 };

test('where two objects were exchanged, sync tells both damaged and adopts nothing; the tree heals them', () => {
  exchange();
  for (let count = 0; count < 2; count += 1) {
    const { status, summary } = sync();
    expect({ status, summary }).toMatchObject({ status: 4, summary: CHANGES });
    expect(summary.damaged.flatMap(({ paths }) => paths).toSorted()).toEqual(['p/a', 'p/b']);
  }
  expect(heal()).toEqual({ status: 0, from: ['tree', 'tree'] });
  sync();
  expectAsRecorded({ 'p/a': 'AAAA', 'p/b': 'BBBB' });
});

test('a file that was renamed as well is followed by its bytes', () => {
  exchange();
  sh('mv a z', box.tree('p'));
  expect(sync()).toMatchObject({ status: 4, summary: { ...CHANGES, renamed: 1 } });
  expect(heal().status).toBe(0);
  sync();
  expectAsRecorded({ 'p/z': 'AAAA', 'p/b': 'BBBB' });
});

test('what is nowhere but under the other name is healed from there, also where one of them is asked for', () => {
  const { a, b } = exchange();
  sh('mv a x; mv b a; mv x b', box.tree('p'));
  expect(sync()).toMatchObject({ status: 4, summary: CHANGES });
  expect(heal('p/a')).toEqual({ status: 0, from: ['misplaced'] });
  expect(heal()).toEqual({ status: 0, from: ['misplaced'] });
  expect([fs.readFileSync(a, 'utf8'), fs.readFileSync(b, 'utf8')]).toEqual(['AAAA', 'BBBB']);
  sync();
  expectAsRecorded({ 'p/a': 'AAAA', 'p/b': 'BBBB' });
});

test('of two that are healed at once, each is taken before it is replaced', () => {
  exchange();
  sh('mv a x; mv b a; mv x b', box.tree('p'));
  expect(sync().status).toBe(4);
  expect(heal()).toEqual({ status: 0, from: ['misplaced', 'misplaced'] });
  expectAsRecorded({ 'p/a': 'AAAA', 'p/b': 'BBBB' });
});

test.each([
  'heal.staged=kill@1',
  'heal.staged=kill@2',
  'object.named=kill@1',
  'commit.append=kill@2',
  'tree.apply=kill@2',
])(
  'a heal of two that was killed at %s: the same command heals what is left, and sync links the names',
  (failpoint) => {
    exchange();
    sh('mv a x; mv b a; mv x b', box.tree('p'));
    expect(sync().status).toBe(4);
    const env = { HKFS_FAILPOINT: failpoint };
    expect(box.runWith({ env }, 'heal').status).not.toBe(0);
    expect(heal().status).toBe(0);
    sync();
    expectAsRecorded({ 'p/a': 'AAAA', 'p/b': 'BBBB' });
  },
);

test('a new file that came to stand under the name of an object is no further name of it', () => {
  const object = box.object('p/a');
  sh(`printf MINE > new; chmod 444 new; cp a copy; ln -f new '${object}'`, box.tree('p'));
  const { status, summary } = sync();
  expect({ status, summary }).toMatchObject({ status: 4, summary: { added: 2, renamed: 0, changed: 0 } });
  expect(box.run('cat', 'p/new').stdout).toBe('MINE');
  expect(heal().status).toBe(0);
  sync();
  expectAsRecorded({ 'p/a': 'AAAA', 'p/copy': 'AAAA', 'p/new': 'MINE' });
});

test('the bytes of another content, written through a link, are damage and no rename', () => {
  sh('chmod u+w a; cat b > a', box.tree('p'));
  const { status, summary } = sync();
  expect({ status, summary }).toMatchObject({ status: 4, summary: CHANGES });
  expect(summary.damaged).toMatchObject([{ paths: ['p/a'] }]);
  expect(heal().status).toBe(4);
  expect(box.run('cat', 'p/a')).toMatchObject({ status: 4, stdout: '' });
});

test('in a copy of the archive the bytes decide as well', () => {
  exchange();
  sh(`cp -a '${box.root}' '${box.root}-copy'`);
  box = new Box(box.path, `${box.root}-copy`, box.source);
  expect(sync()).toMatchObject({ status: 4, summary: CHANGES });
  expect(heal('p').status).toBe(0);
  sync();
  expectAsRecorded({ 'p/a': 'AAAA', 'p/b': 'BBBB' });
});
