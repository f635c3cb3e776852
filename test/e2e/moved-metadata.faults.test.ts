/** What `move` removes beside contents: names and attributes that the archive has, and no others. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { loadPosix } from '../../src/fs/posix.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, isStopped, sh, testWhere, until } from './hkfs.js';

const scratch = scratchDirectory();
const posix = loadPosix();
const bare = { NODE_OPTIONS: `--require=${join(import.meta.dirname, 'without-koffi.cjs')}` };
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path).write({ 'd/file': 'content', other: 'another' });
});

test('a directory whose mode was changed while its files went stays, and says so', async () => {
  const running = box.start(['ingest', box.source, '--mode', 'move'], {
    HKFS_FAILPOINT: 'source.release=pause@1',
  });
  await until(() => isStopped(running.pid), 'the pause before the first source goes');
  fs.chmodSync(join(box.source, 'd'), 0o2750);
  running.child.kill('SIGCONT');
  const run = await running.ended;
  expect(run.stderr).toContain('its attributes changed since it was ingested');
  expect(fs.statSync(join(box.source, 'd')).mode & 0o7777).toBe(0o2750);
  expect(fs.readdirSync(join(box.source, 'd'))).toEqual([]);
});

test.each(['move', 'assimilate'])(
  'all names of one inode go in mode %s after an earlier ingest: our own removals are no change',
  (mode) => {
    fs.linkSync(join(box.source, 'd/file'), join(box.source, 'a further name'));
    fs.linkSync(join(box.source, 'd/file'), join(box.source, 'z'));
    box.ingest();
    const { run } = box.ingestWith({}, '--mode', mode);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const names = ['d/file', 'a further name', 'z'].map((name) => join(box.source, name));
    if (mode === 'move') expect(names.filter((name) => fs.existsSync(name))).toEqual([]);
    else expect(new Set(names.map((name) => fs.statSync(name).ino)).size).toBe(1);
    if (mode === 'assimilate') expect(fs.statSync(names[0]!).ino).toBe(fs.statSync(box.tree('source/z')).ino);
  },
);

test('--mirror does not go with --mode move, which would mirror its own removals', () => {
  const run = box.run('ingest', box.source, '--mode', 'move', '--mirror');
  expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining('[USAGE]') as unknown });
  expect(fs.readdirSync(box.source).sort()).toEqual(['d', 'other']);
});

const xattrTest = testWhere(posix !== null, 'needs koffi to set extended attributes');
xattrTest.each(['move', 'assimilate'])(
  'attributes that an earlier run could not read are recorded before a source goes in mode %s',
  (mode) => {
    try {
      posix!.lsetxattr(join(box.source, 'other'), 'user.tag', Buffer.from('precious'));
    } catch {
      return; // a file system without extended attributes
    }
    expect(box.runWith({ env: bare }, 'ingest', box.source).status).toBe(0);
    box.ingestWith({}, '--mode', mode);
    expect(box.stat('source/other').entry!.xattrs['user.tag']).toBe(
      Buffer.from('precious').toString('base64'),
    );
  },
);

test('a copy that lost the empty folders of its archive takes contents in and is sound', () => {
  box.ingest();
  sh(`find '${box.root}/.hkfs' -type d -empty -delete; rm -rf '${box.root}/.hkfs/staging'`);
  box.write({ new: 'something new' });
  expect(box.ingest()).toMatchObject({ newObjects: 1, failed: [] });
  box.expectSound();
});

test('a folder of the hash tree that is gone: its contents are missing, and an ingest brings them back', () => {
  box.ingest();
  const { hash } = box.stat('source/other').entry!;
  fs.rmSync(join(box.root, '.hkfs/objects', hash!.slice(0, 2)), { recursive: true });
  expect(box.run('verify').status).toBe(4);
  expect(box.run('heal').status).toBe(0);
  box.expectSound();
});
