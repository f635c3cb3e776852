/** What the disk or the system refuses is told by its name, in one line for each reason, and nothing is lost by it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isRoot, scratchDirectory } from '../fs/scratch.js';
import { Box, hkfs, saying, sh, testWhere } from './hkfs.js';

const scratch = scratchDirectory();
const box = (): Box => Box.make(scratch.path).write({ a: 'a', b: 'b', 'd/c': 'c' });

test('attributes that cannot be read cost one warning and not the content, and what is known of them stays', () => {
  const own = box();
  sh(`setfattr -n user.note -v kept a`, own.source);
  own.ingest();
  fs.appendFileSync(join(own.source, 'a'), ' more');
  const { run, summary } = own.ingestWith({ env: { HKFS_FAILPOINT: 'source.attributes=EIO' } });
  expect({ status: run.status, failed: summary.failed }).toEqual({ status: 0, failed: [] });
  expect(run.stderr).toMatch(/^hkfs: warning: .*cannot be read \(EIO\).*\[ATTRIBUTES_UNREAD\]\n$/);
  expect(own.run('cat', 'source/a').stdout).toBe('a more');
  expect(own.stat('source/a')).toMatchObject({ entry: { xattrs: { 'user.note': expect.any(String) } } });
});

test('under --mode move a source whose attributes cannot be read stays, is listed, and the exit is 3', () => {
  const own = box();
  const env = { HKFS_FAILPOINT: 'source.attributes=EIO' };
  const { run, summary } = own.ingestWith({ env }, own.source, '--mode', 'move');
  expect({ status: run.status, codes: summary.failed.map(({ code }) => code) }).toEqual({
    status: 3,
    codes: ['EIO'],
  });
  expect(fs.existsSync(join(own.source, 'a'))).toBe(true);
});

test('a source that stays under --mode move, because a program writes to it, is listed, and the exit is 3', () => {
  const own = box();
  const fd = fs.openSync(join(own.source, 'b'), 'a');
  try {
    const { run, summary } = own.ingestWith({}, own.source, '--mode', 'move');
    expect(run.status).toBe(3);
    expect(summary.failed).toEqual([expect.objectContaining({ path: join(own.source, 'b'), code: 'EBUSY' })]);
    expect(fs.existsSync(join(own.source, 'b'))).toBe(true);
  } finally {
    fs.closeSync(fd);
  }
});

test('a removal that the disk refuses is listed, and the exit is 3', () => {
  const own = box();
  own.ingest();
  const env = { HKFS_FAILPOINT: 'tree.unlink=EBUSY' };
  const { status, stdout } = own.runWith({ env }, 'rm', 'source/a', '--yes', '--json');
  expect(status).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ failed: [{ code: 'EBUSY' }] });
});

testWhere(isRoot, 'needs root to mount')(
  'a mount point of the tree is not renamed, in the log either',
  () => {
    const own = box();
    own.ingest();
    const head = own.head();
    const point = own.tree('source/d');
    sh(`mount --bind '${own.source}' '${point}'`);
    try {
      const { status, stderr } = own.run('mv', 'source/d', 'source/e');
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('BAD_TARGET')) });
      expect(own.head()).toBe(head);
    } finally {
      sh(`umount '${point}'`);
    }
  },
);

test('a .hkfs that is a symlink to that of another archive is refused, and neither is written to', () => {
  const own = box();
  own.ingest();
  const head = own.head();
  const other = join(own.path, 'other');
  fs.mkdirSync(other);
  fs.symlinkSync(own.tree('.hkfs'), join(other, '.hkfs'));
  for (const words of [['ls'], ['ingest', own.source], ['sync', '--yes']]) {
    const { status, stderr } = own.run(...words, '--archive', other);
    expect({ words, status, stderr }).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(saying('BAD_TARGET')),
    });
  }
  expect(own.head()).toBe(head);
  expect(fs.readdirSync(other)).toEqual(['.hkfs']);
});

test('no archive is made in the tree of another, through a symlink either', () => {
  const own = box();
  own.ingest();
  fs.symlinkSync(own.tree('source'), join(own.path, 'link'));
  for (const place of [own.tree('source/new'), own.tree('new'), join(own.path, 'link/new')]) {
    const { status, stderr } = hkfs(['init', place]);
    expect({ place, status, stderr }).toEqual({
      place,
      status: 2,
      stderr: expect.stringMatching(saying('BAD_TARGET')),
    });
    expect(fs.existsSync(place)).toBe(false);
  }
});

test('in a working directory that was removed, what needs it says so, and the rest works', () => {
  const own = box();
  own.ingest();
  const inGone = (...words: string[]): ReturnType<typeof hkfs> => {
    const gone = fs.mkdtempSync(join(own.path, 'gone-'));
    const script = 'rmdir "$PWD"; exec "$@"';
    return hkfs(words, { cwd: gone, through: ['bash', '-c', script, 'bash'] });
  };
  for (const words of [['ls'], ['init'], ['init', 'x'], ['ingest', 'x', '-a', own.root]])
    expect({ words, ...inGone(...words) }).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(saying('NOT_FOUND')),
    });
  expect(inGone('cat', 'source/a', '-a', own.root)).toMatchObject({ status: 0, stdout: 'a' });
});

test('folders of .hkfs that a copy without empty ones lost are made again by a writer, and are missing to verify', () => {
  const own = box();
  own.ingest();
  sh(`find '${own.root}/.hkfs' -type d -empty -delete`);
  expect(own.run('verify').status).toBe(0);
  sh(`rm -rf '${own.root}/.hkfs/objects' '${own.root}/.hkfs/staging'`);
  for (const words of [['verify', '--quick'], ['verify']]) {
    const { status, stdout } = own.run(...words, '--json');
    expect({ words, status }).toEqual({ words, status: 4 });
    expect((JSON.parse(stdout) as { missing: unknown[] }).missing).toHaveLength(3);
  }
  own.ingest(own.source, '--checksum');
  expect(own.run('cat', 'source/d/c').stdout).toBe('c');
});

test('a clock before 1970 is no bug', () => {
  const own = box();
  own.ingest();
  const preload = join(own.path, 'clock.cjs');
  fs.writeFileSync(preload, 'const now = Date.now; Date.now = () => -86_400_000;');
  const env = { NODE_OPTIONS: `--require ${preload}` };
  for (const words of [
    ['ls'],
    ['verify'],
    ['ops'],
    ['ingest', own.source],
    ['rm', 'source/a', '--yes'],
    ['init', join(own.path, 'old')],
  ]) {
    const { status, stderr } = own.runWith({ env }, ...words);
    expect({ words, isBug: stderr.includes('[BUG]'), isOf: [0, 2].includes(status ?? -1) }).toEqual({
      words,
      isBug: false,
      isOf: true,
    });
  }
});

test('a place where nothing can be made is told, and is no bug', () => {
  const own = box();
  own.ingest();
  own.run('remote', 'add', 'disk', join(own.path, 'remote'));
  own.run('backup', 'disk');
  for (const [code, ...words] of [
    ['NOT_FOUND', 'prove', '@3', '-o', '/nonexist/x'],
    ['NOT_FOUND', 'prove', '@3', '-o', '/proc/x'],
    ['BAD_TARGET', 'init', '/proc/foo'],
    ['BAD_TARGET', 'restore', 'source', '--to', '/proc/xx'],
    ['BAD_TARGET', 'clone', join(own.path, 'remote'), '/proc/zz'],
  ] as const) {
    const { status, stderr } = own.run(...words);
    expect({ words, status, stderr }).toEqual({
      words,
      status: 2,
      stderr: expect.stringMatching(saying(code)),
    });
  }
});
