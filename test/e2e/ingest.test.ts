/** What an ingest takes in, where it goes, and what a second one does. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, inode, saying, sh } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path);
});

describe('--to', () => {
  beforeEach(() => void box.write({ 'a/x': 'x', 'a/sub/y': 'y', b: 'b' }));

  test('a directory becomes the path itself, with the directories on the way', () => {
    box.ingest(join(box.source, 'a'), '--to', 'deep/down/here');
    expect(box.paths()).toEqual([
      'deep',
      'deep/down',
      'deep/down/here',
      ...['sub', 'sub/y', 'x'].map((name) => `deep/down/here/${name}`),
    ]);
  });

  test('a file becomes the path itself, or goes into a directory that is there or has a slash', () => {
    const file = join(box.source, 'b');
    box.ingest(file, '--to', 'renamed');
    box.ingest(file, '--to', 'into/');
    box.ingest(file, '--to', 'into');
    expect(box.paths()).toEqual(['into', 'into/b', 'renamed']);
  });

  test('several sources go below it, each under its own name; the same one twice counts once', () => {
    const [a, b] = [join(box.source, 'a'), join(box.source, 'b')];
    expect(box.ingest(a, b, a, `${a}/`, '--to', 'both').files).toBe(3);
    expect(box.paths('both')).toEqual(['both/a', 'both/a/sub', 'both/a/sub/y', 'both/a/x', 'both/b']);
  });

  test('two sources that would land at one path are refused, and nothing is changed', () => {
    const head = box.head();
    const { run } = box.ingestWith({}, join(box.source, 'a/x'), join(box.source, 'b'), '--to', 'c');
    expect(run.status).toBe(0);
    fs.mkdirSync(join(box.source, 'other'));
    fs.writeFileSync(join(box.source, 'other/x'), 'another x');
    const after = box.head();
    expect(after).not.toBe(head);
    const refused = box.run('ingest', join(box.source, 'a/x'), join(box.source, 'other/x'));
    expect(refused).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(saying('SOURCES_COLLIDE')),
    });
    expect(box.head()).toBe(after);
  });

  test('a path through a file is refused, and nothing is changed', () => {
    box.ingest(join(box.source, 'b'), '--to', 'b');
    const head = box.head();
    const { status, stderr } = box.run('ingest', join(box.source, 'a'), '--to', 'b/below');
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('BAD_TARGET')) });
    expect(box.head()).toBe(head);
  });
});

describe('ingesting again', () => {
  test('unchanged files are not read and make no events', () => {
    box.write({ a: '1', 'd/b': '2', 'd/c': '' }).ingest();
    expect(box.ingest()).toMatchObject({ files: 3, unchangedFiles: 3, newObjects: 0, duplicateFiles: 0 });
    expect(box.rows('log', '--op', '2')).toHaveLength(2);
  });

  test('a changed file is a new version, its old content stays, and the tree follows', () => {
    box.write({ a: 'old', b: 'stays' }).ingest();
    box.write({ a: 'new content' });
    expect(box.ingest()).toMatchObject({ newObjects: 1, unchangedFiles: 1 });
    expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('new content');
    expect(box.run('cat', 'source/a', '--at', 'op:1').stdout).toBe('old');
    box.expectSound();
  });

  test('a touched file of the same content is read, and only its attributes change', () => {
    box.write({ a: 'same' }).ingest();
    sh('touch -d @12345 a', box.source);
    expect(box.ingest()).toMatchObject({ newObjects: 0, unchangedFiles: 1, duplicateFiles: 0 });
    expect(box.stat('source/a').entry!.mtimeNs).toBe('12345000000000');
    expect(box.rows<{ type: string }>('log', '--op', '2').map(({ type }) => type)).toContain(
      'attributes.changed',
    );
  });

  test('what vanished stays without --mirror, and goes with it: files, links, whole directories', () => {
    box.write({ keep: '1', gone: '2', 'dir/deep/gone': '3', empty: '' });
    fs.symlinkSync('keep', join(box.source, 'link'));
    box.ingest();
    sh('rm -r gone dir empty link', box.source);
    expect(box.ingest().removed).toBe(0);
    expect(box.paths('source')).toHaveLength(7);
    expect(box.ingest('--mirror', '--yes').removed).toBe(4);
    expect(box.paths('source')).toEqual(['source/keep']);
    expect(fs.readdirSync(box.tree('source'))).toEqual(['keep']);
    expect(box.run('cat', 'source/dir/deep/gone', '--at', 'op:2').stdout).toBe('3');
    box.expectSound();
  });

  describe('--mirror of a source from which more than half is gone', () => {
    beforeEach(() => {
      box.write({ a: '1', b: '2', 'd/c': '3', 'd/e': '4', 'd/f/g': '5' }).ingest();
    });

    test.each([
      ['all of it: a mount point without its disk', 'rm -r *'],
      ['a folder', 'rm -r d a'],
      ['a folder that became a file', 'rm -r d; echo 1 > d'],
      ['a folder that became a symlink to where it is now', 'mv d ../moved; ln -s ../moved d'],
    ])('is refused, %s, and nothing is changed without --yes', (_what, command) => {
      sh(command, box.source);
      const head = box.head();
      const paths = box.paths();
      for (const flags of [[], ['--mode', 'assimilate'], ['--checksum']]) {
        const { run } = box.ingestWith({}, '--mirror', ...flags);
        expect(run).toMatchObject({ status: 2, stdout: '' });
        expect(run.stderr).toMatch(/"TOO_MANY_REMOVED"[^]*nothing was changed[^]*--yes/);
      }
      expect({ head: box.head(), paths: box.paths() }).toEqual({ head, paths });
      expect(box.ingest('--mirror', '--dry-run').removed).toBeGreaterThanOrEqual(0);
      const { run } = box.ingestWith({}, '--mirror', '--yes');
      expect(run.status).toBe(0);
      expect(box.paths('source').length).toBeLessThan(4);
      expect(box.ops().at(-1)!.args).toContain('--yes');
      box.expectSound();
    });

    test('asks for each source by itself: one that is empty among others that are whole is refused', () => {
      const other = join(box.path, 'other');
      fs.mkdirSync(other);
      for (let file = 0; file < 20; file += 1) fs.writeFileSync(join(other, `${file}`), `other ${file}`);
      box.ingest(box.source, other);
      sh('rm -r *', box.source);
      const { run } = box.ingestWith({}, box.source, other, '--mirror');
      expect(run.stderr).toContain('"TOO_MANY_REMOVED"');
    });

    test('counts neither what is excluded nor what is beside it', () => {
      sh('rm -r d', box.source);
      expect(box.ingest('--mirror', '--exclude', 'd').removed).toBe(0);
    });

    test('goes without a question up to a half, and for a source that was never taken in', () => {
      sh('rm a; rm -r d/f', box.source);
      expect(box.ingest('--mirror').removed).toBe(2);
      fs.mkdirSync(join(box.path, 'new'));
      expect(box.ingest(join(box.path, 'new'), '--mirror').removed).toBe(0);
    });
  });

  test('--mirror keeps what is excluded and what is beside the source', () => {
    box.write({ 'a.o': '1', 'd/b.o': '2', 'd/c': '3' }).ingest();
    box.ingest(join(box.source, 'd'), '--to', 'beside');
    sh('rm a.o d/b.o d/c', box.source);
    expect(box.ingest('--mirror', '--exclude', '*.o').removed).toBe(1);
    expect(box.paths()).toEqual([
      'beside',
      'beside/b.o',
      'beside/c',
      'source',
      'source/a.o',
      'source/d',
      'source/d/b.o',
    ]);
  });

  test('--mirror removes nothing below a directory that could not be listed any more', () => {
    box.write({ 'd/a': '1' }).ingest();
    sh('rm -r d; ln -s nowhere d', box.source);
    expect(box.ingest('--mirror', '--yes').symlinks).toBe(1);
    expect(box.stat('source/d', '--at', 'op:1').entry!.kind).toBe('directory');
    expect(box.paths('source')).toEqual(['source/d']);
  });

  test('content that changed behind equal size and mtime on another inode is found', () => {
    box.write({ a: 'before' }).ingest();
    sh('cp -p a b; printf behind > b; touch -r a b; mv b a', box.source);
    expect(box.ingest().newObjects).toBe(1);
  });

  test('--checksum reads everything, and finds what a clock set back has hidden', () => {
    box.write({ a: 'before', b: 'still' }).ingest();
    expect(box.ingest('--checksum')).toMatchObject({ unchangedFiles: 2, newObjects: 0 });
    expect(box.rows('log', '--op', '2')).toHaveLength(2);
    sh('touch -r a ref; printf behind > a; touch -r ref a; rm ref', box.source);
    expect(box.ingest('--checksum')).toMatchObject({ unchangedFiles: 1, newObjects: 1 });
    expect(box.run('cat', 'source/a').stdout).toBe('behind');
  });
});

describe('--exclude', () => {
  beforeEach(
    () => void box.write({ 'a.tmp': '1', 'd/b.tmp': '2', 'd/e/c': '3', 'd/e/f': '4', 'x/e/g': '5' }),
  );

  test('a glob without a slash matches names at any depth, directories with all below', () => {
    expect(box.ingest('--exclude', '*.tmp', '--exclude', 'x/')).toMatchObject({ files: 2, directories: 3 });
    expect(box.paths('source')).toEqual(['d', 'd/e', 'd/e/c', 'd/e/f'].map((path) => `source/${path}`));
  });

  test('a glob with a slash matches paths from the source', () => {
    box.ingest('--exclude', 'd/e', '--exclude', '/x/*/g');
    expect(box.paths('source')).toEqual(
      ['a.tmp', 'd', 'd/b.tmp', 'x', 'x/e'].map((path) => `source/${path}`),
    );
  });

  test('a glob from / is a path of the disk, one with a slash at its end a directory', () => {
    box.write({ 'd/x': 'a file' });
    box.ingest('--exclude', `${box.source}/d/e/c`, '--exclude', 'x/');
    expect(box.paths('source')).toEqual(
      ['a.tmp', 'd', 'd/b.tmp', 'd/e', 'd/e/f', 'd/x'].map((path) => `source/${path}`),
    );
  });

  test('a glob that matched nothing is told, and no other', () => {
    const { run } = box.ingestWith({}, box.source, '--exclude', '*.tmp', '--exclude', 'build/');
    expect(run.stderr.match(/--exclude .* matched nothing/g)).toEqual(['--exclude build/ matched nothing']);
  });
});

describe('--dry-run', () => {
  test('gives the numbers of the real run, and changes nothing', () => {
    box.write({ gone: '0', same: 'same', changed: 'old', touched: 't' }).ingest();
    box.write({ changed: 'new', 'd/dup': 'same', 'd/new1': 'twice', 'd/new2': 'twice', 'd/e/zero': '' });
    sh('rm gone; touch -d @1 touched; ln -s x link; mkfifo fifo', box.source);
    // LevelDB makes new files of its own each time that it is opened.
    const files = (): string =>
      sh('find . -path ./.hkfs/log -prune -o -path ./.hkfs/views -prune -o -print', box.root);
    const before = [box.head(), files()];
    const { operation, seconds: _s, dryRun, ...would } = box.ingest('--mirror', '--dry-run');
    expect({ operation, dryRun }).toEqual({ operation: null, dryRun: true });
    expect([box.head(), files()]).toEqual(before);
    const { operation: _o, seconds: _t, ...did } = box.ingest('--mirror');
    expect(would).toEqual(did);
    expect(did).toMatchObject({
      newObjects: 2,
      duplicateFiles: 2,
      unchangedFiles: 2,
      removed: 1,
      specials: 1,
    });
  });
});

test('--init makes the archive where there is none', () => {
  const root = join(box.path, 'fresh');
  box.write({ a: 'a' });
  const { status } = box.runWith({ env: { HKFS_ARCHIVE: root } }, 'ingest', box.source, '--init');
  expect(status).toBe(0);
  expect(inode(join(root, 'source/a'))).toBeGreaterThan(0n);
});
