/** Where koffi is not installed extended attributes and ACLs cannot be read: told, and nothing that has them goes. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import type { RestoreSummary, SyncSummary } from '../../src/archive/api.js';
import { loadPosix } from '../../src/fs/posix.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, saying, sh, testWhere, type Run } from './hkfs.js';

const bare = { NODE_OPTIONS: `--require=${join(import.meta.dirname, 'without-koffi.cjs')}` };
/** Without leases nobody can tell whether a file is written to: what would be linked is copied, and noted. */
const WARNING =
  /^hkfs: warning: [^\n]*extended attributes[^\n]* \[ATTRIBUTES_UNREAD\]\n(hkfs: note: [^\n]* \[NOT_LINKED\]\n)?$/;
const posix = loadPosix();
const scratch = scratchDirectory();
let box: Box;

function setXattr(path: string, value: string): boolean {
  try {
    posix!.lsetxattr(path, 'user.comment', Buffer.from(value));
    return true;
  } catch {
    return false;
  }
}

beforeEach(() => {
  box = Box.make(scratch.path).write({ file: 'content', 'd/other': 'other' });
});
const xattrTest = testWhere(posix !== null, 'needs koffi to set extended attributes');

function without(...args: string[]): Run {
  return box.runWith({ env: bare }, ...args);
}

const valueOf = (path: string): unknown => box.stat(path).entry!.xattrs['user.comment'];

for (const mode of ['move', 'assimilate'])
  test(`--mode ${mode} is refused, exit 2, and every source is as it was`, () => {
    const before = box.head();
    const run = without('ingest', box.source, '--mode', mode);
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(saying('ATTRIBUTES_UNREAD')) as unknown,
    });
    expect(fs.readFileSync(join(box.source, 'file'), 'utf8')).toBe('content');
    expect(fs.statSync(join(box.source, 'file')).nlink).toBe(1);
    expect(box.head()).toBe(before);
  });

for (const mode of ['copy', 'link'])
  test(`--mode ${mode} warns once, takes the contents in and leaves with 0`, () => {
    const run = without('ingest', box.source, '--mode', mode);
    expect(run).toMatchObject({ status: 0, stderr: expect.stringMatching(WARNING) as unknown });
    expect(box.paths()).toEqual(['source', 'source/d', 'source/d/other', 'source/file']);
    box.expectSound();
  });

xattrTest(
  'an ingest of what is recorded already keeps its extended attributes and the names of its owners',
  () => {
    const paths = ['', 'd', 'file'].map((name) => join(box.source, name));
    if (!paths.every((path) => setXattr(path, 'recorded'))) return;
    fs.symlinkSync('file', join(box.source, 'link'));
    box.ingest();
    const { user, group } = box.stat('source/file').entry!;
    sh('touch -d 2001-01-01 file d; echo changed > d/other; touch .', box.source);
    expect(without('ingest', box.source).status).toBe(0);
    for (const path of ['source', 'source/d', 'source/file'])
      expect(valueOf(path)).toBe(Buffer.from('recorded').toString('base64'));
    expect(box.stat('source/file').entry).toMatchObject({ user, group });
  },
);

test('a tar is taken in without a warning: its attributes are in it', () => {
  sh(`tar -C '${box.path}' -cf '${box.path}/s.tar' source`);
  expect(without('ingest', join(box.path, 's.tar'))).toMatchObject({ status: 0, stderr: '' });
});

test('a sync that adopts a new file warns, and one that finds nothing does not', () => {
  box.ingest();
  expect(without('sync')).toMatchObject({ status: 0, stderr: '' });
  fs.writeFileSync(box.tree('source/new'), 'new');
  const run = without('sync', '--json');
  expect(run).toMatchObject({ status: 0, stderr: expect.stringMatching(WARNING) as unknown });
  expect(JSON.parse(run.stdout) as SyncSummary).toMatchObject({ added: 1 });
});

xattrTest('a restore tells what it cannot set, and leaves alone what was restored with it', () => {
  if (!setXattr(join(box.source, 'file'), 'recorded')) return;
  box.ingest();
  const args = ['restore', 'source', '--to', join(box.path, 'out'), '--json', '--progress', 'none'];
  const run = without(...args);
  expect(run.status).toBe(3);
  const { failed } = JSON.parse(run.stdout) as RestoreSummary;
  expect(failed.map(({ code }) => code)).toContain('ENOSYS');

  expect(box.run(...args, '--overwrite', 'always', '--yes').status).toBe(0);
  const restored = join(box.path, 'out/source/file');
  const { ino } = fs.statSync(restored);
  without(...args, '--overwrite', 'if-different', '--yes');
  expect(fs.statSync(restored).ino).toBe(ino);
  expect(Buffer.from(posix!.lgetxattr(restored, 'user.comment')).toString()).toBe('recorded');
});

test('a restore puts nothing in the place of a file that came meanwhile', async () => {
  box.ingest();
  const running = box.start(['restore', 'source/file', '--to', join(box.path, 'out')], {
    ...bare,
    HKFS_FAILPOINT: 'restore.written=pause',
  });
  const { isStopped, until } = await import('./hkfs.js');
  await until(() => isStopped(running.pid), 'the pause before the name');
  fs.writeFileSync(join(box.path, 'out/file'), 'mine');
  running.child.kill('SIGCONT');
  expect((await running.ended).status).toBe(3);
  expect(fs.readFileSync(join(box.path, 'out/file'), 'utf8')).toBe('mine');
});

test('a compressed backup goes to a remote and comes from it: zstd is there all the same', () => {
  box.write({ large: 'the same words again and again; '.repeat(2000) });
  box.ingest(box.source);
  const remote = join(box.path, 'remote');
  expect(without('remote', 'add', 'disk', remote).status).toBe(0);
  expect(without('backup', 'disk', '--compress').status).toBe(0);
  expect(fs.readdirSync(join(remote, 'objects'), { recursive: true }).join()).toContain('.zst');
  const clone = join(box.path, 'clone');
  expect(without('clone', remote, clone).status).toBe(0);
  expect(fs.readFileSync(join(clone, 'source/large'))).toEqual(fs.readFileSync(join(box.source, 'large')));
  expect(without('verify', '--remote', 'disk').status).toBe(0);
});
