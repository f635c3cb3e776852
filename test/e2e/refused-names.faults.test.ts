/** What the file system refuses to put into the tree is nobody's removal, and no source is given up for it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { SyncSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, saying } from './hkfs.js';

const REFUSING = { env: { HKFS_FAILPOINT: 'tree.link=EACCES' } };
const MODES = ['copy', 'link', 'move', 'assimilate'] as const;
const scratch = scratchDirectory();
let box: Box;
let only: string;
beforeEach(() => {
  box = Box.make(scratch.path).write({ a: 'a', b: 'b', c: 'c' });
  box.ingest();
  only = join(box.path, 'only');
  fs.writeFileSync(only, 'the only copy');
});

function ingestRefused(mode: string, step = 'tree.link', to = 'source/only') {
  const options = { env: { HKFS_FAILPOINT: `${step}=EACCES` } };
  return box.ingestWith(options, only, '--to', to, '--mode', mode);
}

function sync(
  options = {},
  ...args: string[]
): { status: number | null; stderr: string; summary: SyncSummary } {
  const { status, stdout, stderr } = box.runWith(options, 'sync', '--json', ...args);
  return { status, stderr, summary: JSON.parse(stdout || '{}') as SyncSummary };
}

/** Nothing is concluded while it is refused, and the next command that writes puts it there. */
function expectHeld(path = 'source/only', content = 'the only copy'): void {
  const { status, summary } = sync(REFUSING);
  expect({ status, ...summary }).toMatchObject({ status: 3, removed: 0, added: 0, changed: 0, renamed: 0 });
  expect(summary.failed).toMatchObject([{ path, code: 'EACCES' }]);
  expect(box.run('gc', '-y', '--older-than', '0s').status).toBe(0);
  expect(fs.readFileSync(box.tree(path), 'utf8')).toBe(content);
  expect(sync()).toMatchObject({ status: 0, summary: { operation: null, failed: [] } });
  box.expectSound();
}

describe.each(['tree.link', 'tree.apply'])('a name that is refused at %s', (step) => {
  test.each(MODES)('fails the ingest in mode %s, keeps its source, and is in the tree later', (mode) => {
    const { run, summary } = ingestRefused(mode, step);
    expect(run.status).toBe(3);
    expect(summary.failed).toContainEqual(
      expect.objectContaining({ path: box.tree('source/only'), code: 'EACCES' }),
    );
    expect(fs.readFileSync(only, 'utf8')).toBe('the only copy');
    expect(box.run('cat', 'source/only').stdout).toBe('the only copy');
    expectHeld();
    box.ingest(only, '--to', 'source/only', '--mode', mode);
    expect(fs.existsSync(only)).toBe(mode !== 'move');
  });
});

test('a source that is known already stays as long as its name is refused', () => {
  ingestRefused('move');
  const { run, summary } = ingestRefused('move');
  expect(run.status).toBe(3);
  expect(summary.failed).toMatchObject([{ path: only, code: 'EACCES' }]);
  expect(fs.existsSync(only)).toBe(true);
});

test('a command that finds it refused still tells so once', () => {
  ingestRefused('copy');
  const { stderr } = box.runWith(REFUSING, 'tag', 'now');
  expect(stderr).toMatch(/^hkfs: [^\n]*source\/only: still not in the tree: [^\n]* \[EACCES\]\n$/);
});

test('a name that was refused and renamed is not removed under its next name', () => {
  ingestRefused('copy');
  expect(box.runWith(REFUSING, 'mv', 'source/only', 'source/next').status).toBe(0);
  expectHeld('source/next');
  expect(box.paths('source')).not.toContain('source/only');
});

test('a name that was refused and removed is forgotten', () => {
  ingestRefused('copy');
  expect(box.runWith(REFUSING, 'rm', 'source/only', '--yes').status).toBe(0);
  expect(sync()).toMatchObject({ status: 0, summary: { operation: null } });
  expect(fs.existsSync(box.tree('source/only'))).toBe(false);
});

test('a version that was refused is not replaced by the one that it was to replace', () => {
  for (const content of ['a second a', 'a third a, longer']) {
    box.write({ a: content });
    expect(box.ingestWith(REFUSING).run.status).toBe(3);
  }
  expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('a');
  expectHeld('source/a', 'a third a, longer');
});

test('of a directory that is refused nothing is given up, and all of it is in the tree later', () => {
  const more = join(box.path, 'more');
  fs.mkdirSync(join(more, 'empty'), { recursive: true });
  fs.writeFileSync(join(more, 'x'), 'x');
  const env = { HKFS_FAILPOINT: 'tree.apply=EACCES' };
  const { run } = box.ingestWith({ env }, more, '--mode', 'move');
  expect(run.status).toBe(3);
  expect(fs.readdirSync(more)).toEqual(['empty', 'x']);
  box.ingest(more, '--mode', 'move');
  expect(fs.existsSync(more)).toBe(false);
  expect(fs.readdirSync(box.tree('more'))).toEqual(['empty', 'x']);
  box.expectSound();
});

test('a person who removes a directory does not remove what was never in it', () => {
  ingestRefused('copy');
  fs.rmSync(box.tree('source'), { recursive: true });
  const { status, summary } = sync({}, '--yes');
  expect({ status, ...summary }).toMatchObject({ status: 3, removed: 3, failed: [{ path: 'source/only' }] });
  expect(box.paths('source')).toEqual(['source/only']);
  expect(box.run('cat', 'source/only').stdout).toBe('the only copy');
  fs.mkdirSync(box.tree('source'));
  expect(sync().status).toBe(0);
  expect(fs.readFileSync(box.tree('source/only'), 'utf8')).toBe('the only copy');
});

test('a person who renames a directory renames what was never in it', () => {
  ingestRefused('copy');
  fs.renameSync(box.tree('source'), box.tree('renamed'));
  const { summary } = sync();
  expect(summary).toMatchObject({ renamed: 1, removed: 0, added: 0 });
  expect(box.paths()).toContain('renamed/only');
  expectHeld('renamed/only');
});

test('a copy of the archive knows what is refused', () => {
  ingestRefused('copy');
  const copy = join(box.path, 'copy');
  fs.cpSync(box.root, copy, { recursive: true, preserveTimestamps: true });
  box = new Box(box.path, copy);
  expectHeld();
});

test('a file that somebody put there is theirs: a move keeps its source, and sync adopts what is there', () => {
  fs.writeFileSync(box.tree('source/only'), 'mine');
  const { run } = box.ingestWith({}, only, '--to', 'source/only', '--mode', 'move');
  expect(run.status).toBe(3);
  expect(fs.readFileSync(only, 'utf8')).toBe('the only copy');
  expect(sync()).toMatchObject({ status: 0, summary: { changed: 1, removed: 0 } });
  expect(box.run('cat', 'source/only').stdout).toBe('mine');
  box.expectSound();
});

test('where the views were lost no absence is a removal unasked', () => {
  ingestRefused('copy');
  const before = box.head();
  fs.rmSync(join(box.root, '.hkfs/views'), { recursive: true });
  const refused = box.run('sync');
  expect(refused.stderr).toMatch(saying('TOO_MANY_REMOVED'));
  expect(box.head()).toBe(before);
  expect(box.run('cat', 'source/only').stdout).toBe('the only copy');
  expect(sync({}, '--yes')).toMatchObject({ status: 0, summary: { removed: 1 } });
  fs.rmSync(box.tree('source/a'));
  expect(sync()).toMatchObject({ status: 0, summary: { removed: 1 } });
});

test('verify says that it was refused, and heal puts it there', () => {
  ingestRefused('copy');
  const { stdout } = box.runWith(REFUSING, 'verify', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    unlinked: [{ path: 'source/only', reason: expect.stringContaining('refused with EACCES') }],
  });
  expect(box.run('heal').status).toBe(0);
  expect(fs.readFileSync(box.tree('source/only'), 'utf8')).toBe('the only copy');
});

test('a name that cannot be linked to the healed object is told, and is linked by the next writer', () => {
  expect(box.run('remote', 'add', 'disk', join(box.path, 'remote')).status).toBe(0);
  expect(box.run('backup', 'disk').status).toBe(0);
  fs.chmodSync(box.object('source/a'), 0o644);
  fs.writeFileSync(box.object('source/a'), 'x');
  expect(box.run('verify').status).toBe(4);
  const refusing = { env: { HKFS_FAILPOINT: 'tree.replace=EPERM' } };
  const healed = box.runWith(refusing, 'heal');
  expect(healed).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/not put into the tree: .*\[EPERM\]/),
  });
  expect(box.run('tag', 'any').status).toBe(0);
  expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('a');
  box.expectSound();
});

test.each([
  ['tree.rename', 'mv', 'source/a', 'source/d'],
  ['tree.unlink', 'rm', 'source/a', '--yes'],
])('what is refused at %s leaves the command with exit code 3', (step, ...words) => {
  const refusing = { env: { HKFS_FAILPOINT: `${step}=EACCES` } };
  const { status, stderr } = box.runWith(refusing, ...words);
  expect({ status, stderr }).toMatchObject({ status: 3, stderr: expect.stringContaining('[EACCES]') });
  expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('a');
});
