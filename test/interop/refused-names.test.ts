/** Names that a real file system refuses: a directory that may not change, another file system above it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect } from '@jest/globals';
import type { SyncSummary } from '../../src/archive/api.js';
import { Box, type Run, sh } from '../e2e/hkfs.js';
import { mounts, testOn } from './mounts.js';

const space = mounts();
const ext4Test = testOn('ext4');
let disk: string | undefined;
let box: Box;
let only: string;
beforeEach(() => {
  disk ??= space.make('ext4', 64);
  box = new Box(fs.mkdtempSync(join(disk, 'box-')));
  fs.mkdirSync(box.source);
  box.write({ 'd/a': 'a', b: 'b', c: 'c', e: 'e' });
  expect(box.run('init', box.root).status).toBe(0);
  box.ingest();
  only = join(box.path, 'only');
  fs.writeFileSync(only, 'the only copy');
});

const MOVE = ['--to', 'source/d/only', '--mode', 'move'] as const;

/** It is where it came from, in the archive, and after all in the tree. */
function expectNothingLost(run: Run, code: string): void {
  expect(run.status).toBe(3);
  expect(run.stderr).toContain(`[${code}]`);
  expect(fs.readFileSync(only, 'utf8')).toBe('the only copy');
  expect(box.run('sync').status).toBe(0);
  expect(box.run('gc', '-y', '--older-than', '0s').status).toBe(0);
  expect(box.run('cat', 'source/d/only').stdout).toBe('the only copy');
  box.ingest(only, ...MOVE);
  expect(fs.existsSync(only)).toBe(false);
  expect(fs.readFileSync(box.tree('source/d/only'), 'utf8')).toBe('the only copy');
  box.expectSound();
}

ext4Test('a move into a directory that is immutable keeps the source, and sync removes nothing', () => {
  const directory = box.tree('source/d');
  sh(`chattr +i '${directory}'`);
  try {
    const { run } = box.ingestWith({}, only, ...MOVE);
    const synced = box.run('sync', '--json');
    expect(synced.status).toBe(3);
    expect(JSON.parse(synced.stdout) as SyncSummary).toMatchObject({
      ...{ operation: null, removed: 0 },
      failed: [{ path: 'source/d/only', code: 'EPERM' }],
    });
    sh(`chattr -i '${directory}'`);
    expectNothingLost(run, 'EPERM');
  } finally {
    sh(`chattr -i '${directory}'`);
  }
});

ext4Test('a move into a directory that is mounted over keeps the source, and sync removes nothing', () => {
  const directory = box.tree('source/d');
  const through = ['unshare', '-m', 'sh', '-ec', `mount -t tmpfs none '${directory}'; exec "$@"`, 'sh'];
  const { run } = box.ingestWith({ through }, only, ...MOVE);
  expect(box.runWith({ through }, 'sync').status).toBe(3);
  expect(fs.readdirSync(directory)).toEqual(['a']);
  expectNothingLost(run, 'EXDEV');
});
