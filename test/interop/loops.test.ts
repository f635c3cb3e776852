/** Places that contain each other: bind mounts, the archive in its source, symlinks, overlapping sources. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Box, hkfs, saying, sh, testWhere } from '../e2e/hkfs.js';
import { isRoot } from '../fs/scratch.js';
import { mounts } from './mounts.js';

const space = mounts();
const asRoot = testWhere(isRoot, 'needs root to mount');
let box: Box;
beforeEach(() => {
  box = Box.make(space.path);
});

describe('bind mounts', () => {
  asRoot('a directory mounted inside itself is skipped with a note, and all else is taken in', () => {
    box.write({ a: 'a', 'd/e/b': 'b', 'd/loop/.keep': '' });
    space.bind(box.source, join(box.source, 'd/loop'));
    const { run, summary } = box.ingestWith({});
    expect(run.stderr).toMatch(/^hkfs: note: .*\/source\/d\/loop: .* \[LOOP_SKIPPED\]\n$/);
    expect({ status: run.status, files: summary.files, failed: summary.failed }).toEqual({
      ...{ status: 0, files: 2, failed: [] },
    });
    expect(box.paths('source')).toEqual(['a', 'd', 'd/e', 'd/e/b'].map((path) => `source/${path}`));
    box.expectSound();
  });

  asRoot('the archive mounted inside the source under another name is skipped', () => {
    box.write({ a: 'a', 'view/.keep': '' });
    space.bind(box.root, join(box.source, 'view'));
    const { run } = box.ingestWith({});
    expect(run.stderr).toMatch(/\[ARCHIVE_SKIPPED\]/);
    expect(box.paths('source')).toEqual(['source/a']);
  });

  asRoot('a source that is the archive by another mount is refused or skipped, never taken in', () => {
    const view = join(box.path, 'view');
    fs.mkdirSync(view);
    space.bind(box.root, view);
    const head = box.head();
    const { status, stderr } = box.run('ingest', view);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(saying('SOURCE_IN_ARCHIVE')),
    });
    expect(box.head()).toBe(head);
  });
});

describe('an archive inside its source', () => {
  test('is skipped with a note, in every mode, and everything else is taken in', () => {
    const own = new Box(box.path, join(box.source, 'in/archive'), box.source);
    own.write({ a: 'a', 'in/b': 'b' });
    expect(hkfs(['init', own.root]).status).toBe(0);
    for (const mode of ['copy', 'link', 'assimilate', 'move']) {
      const { run, summary } = own.ingestWith({}, own.source, '--mode', mode);
      expect(run.stderr).toContain(
        '/source/in/archive: this is the archive itself: skipped [ARCHIVE_SKIPPED]',
      );
      expect({ status: run.status, files: summary.files }).toEqual({ status: 0, files: 2 });
    }
    expect(own.paths()).toEqual(['source', 'source/a', 'source/in', 'source/in/b']);
    expect(sh('find . -path ./in/archive -prune -o -print | sort', own.source).trim().split('\n')).toEqual([
      '.',
      './in',
    ]);
    own.expectSound();
  });
});

describe('sources that overlap', () => {
  test('the same directory named twice, in two spellings, counts once', () => {
    box.write({ a: 'a' });
    expect(box.ingest(box.source, `${box.source}/../source/`).files).toBe(1);
  });

  test('a directory and one below it land under their own names, each content once', () => {
    box.write({ a: 'a', 'd/b': 'b' });
    expect(box.ingest(box.source, join(box.source, 'd'))).toMatchObject({ files: 3, newObjects: 2 });
    expect(box.paths()).toEqual(['d', 'd/b', 'source', 'source/a', 'source/d', 'source/d/b']);
    box.expectSound();
  });

  test('in mode move the overlap is there once it is needed, and nothing is lost', () => {
    box.write({ a: 'a', 'd/b': 'b' });
    const { run } = box.ingestWith({}, box.source, join(box.source, 'd'), '--mode', 'move');
    expect([0, 3]).toContain(run.status);
    expect(box.run('cat', 'source/d/b').stdout).toBe('b');
    expect(box.verify().summary).toMatchObject({ damaged: [], missing: [], unlinked: [] });
  });
});

describe('symlinks', () => {
  test('that lead in circles are recorded and not followed', () => {
    box.write({ 'd/a': 'a' });
    sh('ln -s . d/self; ln -s .. d/up; ln -s y d/x; ln -s x d/y; ln -s "$PWD" d/absolute', box.source);
    expect(box.ingest()).toMatchObject({ files: 1, symlinks: 5 });
    box.expectSound();
  });

  test('as a source is recorded as such with a note; with a slash its directory is taken in', () => {
    box.write({ a: 'a' });
    const link = join(box.path, 'link');
    fs.symlinkSync('source', link);
    const { run, summary } = box.ingestWith({}, link);
    expect(run.stderr).toMatch(/^hkfs: note: .* \[SYMLINK_SOURCE\]\n$/);
    expect(summary).toMatchObject({ symlinks: 1, files: 0 });
    expect(box.ingest(`${link}/`, '--to', 'followed').files).toBe(1);
    expect(box.paths()).toEqual(['followed', 'followed/a', 'link']);
  });

  test('on the way to a source are followed, like everywhere', () => {
    box.write({ 'd/a': 'a' });
    fs.symlinkSync('source', join(box.path, 'link'));
    expect(box.ingest(join(box.path, 'link/d')).files).toBe(1);
  });

  test('on the way into the archive do not hide that a source is inside it', () => {
    box.write({ a: 'a' }).ingest();
    fs.symlinkSync('archive/source', join(box.path, 'way'));
    const { status, stderr } = box.run('ingest', join(box.path, 'way/a'));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(saying('SOURCE_IN_ARCHIVE')),
    });
    const slash = box.run('ingest', join(box.path, 'way/'));
    expect({ status: slash.status, stderr: slash.stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(saying('SOURCE_IN_ARCHIVE')),
    });
  });
});
