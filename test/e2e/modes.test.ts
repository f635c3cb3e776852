/** What becomes of the source: link, assimilate and move. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, inode, sh } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let at: (name: string) => string;
beforeEach(() => {
  box = Box.make(scratch.path);
  at = (name) => join(box.source, name);
});
const inodes = (...paths: string[]): Set<bigint> => new Set(paths.map(inode));

describe('copy', () => {
  test('leaves the source as it was, on inodes of its own', () => {
    box.write({ a: 'a', b: 'a' });
    sh('chmod 600 a; touch -d @5 a', box.source);
    const before = sh('stat -c "%n %i %a %Y %Z %h" a b', box.source);
    box.ingest();
    expect(sh('stat -c "%n %i %a %Y %Z %h" a b', box.source)).toBe(before);
    expect(inodes(at('a'), at('b'), box.tree('source/a'))).toHaveProperty('size', 3);
    fs.writeFileSync(at('a'), 'changed later');
    expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('a');
  });
});

describe('link', () => {
  test("the source's inode is the object and the name in the tree; the log has its mode", () => {
    box.write({ 'd/a': 'content' });
    sh('chmod 2640 d/a; touch -d @77.5 d/a', box.source);
    const before = inode(at('d/a'));
    expect(box.ingest('--mode', 'link').newObjects).toBe(1);
    expect([...inodes(at('d/a'), box.object('source/d/a'), box.tree('source/d/a'))]).toEqual([before]);
    expect(box.stat('source/d/a').entry).toMatchObject({ mode: 0o2640, mtimeNs: '77500000000' });
    expect(fs.lstatSync(box.tree('source/d/a')).mode & 0o7777).toBe(0o444);
    box.expectSound();
  });

  test('a second ingest is unchanged and keeps the recorded modes', () => {
    box.write({ a: 'one', b: 'two', c: 'one' });
    sh('chmod 4755 a; chmod 600 b; chmod 640 c', box.source);
    box.ingest('--mode', 'link');
    const before = box.rows('find', '--kind', 'file');
    for (const args of [['--mode', 'link'], ['--mode', 'copy'], ['--mode', 'assimilate'], ['--checksum']])
      expect(box.ingest(...args)).toMatchObject({ files: 3, unchangedFiles: 3, newObjects: 0 });
    expect(box.rows('find', '--kind', 'file')).toEqual(before);
    expect(before.map(({ mode }) => mode.toString(8))).toEqual(['4755', '600', '640']);
  });

  test('a second ingest makes no events, for duplicates and hard links neither', () => {
    box.write({ a: 'same', b: 'same', c: 'own' });
    sh('ln a alias', box.source);
    box.ingest('--mode', 'link');
    box.ingest('--mode', 'link');
    expect(box.rows('log', '--op', '2')).toHaveLength(2);
  });

  test('a duplicate of the source keeps its own inode and becomes a name of the one object', () => {
    box.write({ a: 'same', b: 'same' });
    expect(box.ingest('--mode', 'link')).toMatchObject({ newObjects: 1, duplicateFiles: 1 });
    expect(inodes(at('a'), at('b'))).toHaveProperty('size', 2);
    expect(inodes(box.tree('source/a'), box.tree('source/b'))).toHaveProperty('size', 1);
  });

  test('hard links, empty files, symlinks and specials of the source are taken in as well', () => {
    box.write({ a: 'linked', zero: '' });
    sh('ln a b; ln -s a link; mkfifo fifo', box.source);
    expect(box.ingest('--mode', 'link')).toMatchObject({ newObjects: 1, symlinks: 1, specials: 1 });
    expect(inodes(at('a'), at('b'), box.tree('source/a'), box.tree('source/b'))).toHaveProperty('size', 1);
    expect(inodes(at('zero'), box.tree('source/zero'))).toHaveProperty('size', 2);
    box.expectSound();
  });
});

describe('assimilate', () => {
  test('source files of stored content become links to their object, under the same names', () => {
    box.write({ a: 'same', 'd/b': 'same', c: 'other', zero: '' });
    const before = box.ingest(join(box.source, 'c'), '--to', 'stored');
    expect(before.newObjects).toBe(1);
    expect(box.ingest('--mode', 'assimilate')).toMatchObject({ newObjects: 1, duplicateFiles: 2 });
    expect(inodes(at('a'), at('d/b'), box.object('source/a'))).toHaveProperty('size', 1);
    expect(inodes(at('c'), box.object('stored'))).toHaveProperty('size', 1);
    expect(fs.readdirSync(box.source).toSorted()).toEqual(['a', 'c', 'd', 'zero']);
    expect(fs.readdirSync(at('d'))).toEqual(['b']);
    box.expectSound();
  });

  test('a source that was copied before is linked now, unread', () => {
    box.write({ a: 'same', b: 'same' }).ingest();
    expect(box.ingest('--mode', 'assimilate')).toMatchObject({ unchangedFiles: 2, newObjects: 0 });
    expect(inodes(at('a'), at('b'), box.tree('source/a'))).toHaveProperty('size', 1);
    expect(box.ingest()).toMatchObject({ unchangedFiles: 2 });
    box.expectSound();
  });

  test('a second one finds nothing to do and keeps what is recorded', () => {
    box.write({ a: 'same', b: 'same' });
    sh('chmod 640 a; chmod 4711 b', box.source);
    box.ingest('--mode', 'assimilate');
    const before = box.rows('find', '--kind', 'file');
    expect(box.ingest('--mode', 'assimilate')).toMatchObject({ unchangedFiles: 2, newObjects: 0 });
    expect(box.rows('find', '--kind', 'file')).toEqual(before);
    expect(before.map(({ mode }) => mode.toString(8))).toEqual(['640', '4711']);
  });
});

describe('move', () => {
  test('the source is gone afterwards, files, links and emptied directories', () => {
    box.write({ a: 'x', 'd/e/b': 'x', 'd/zero': '' });
    sh('ln -s a link; mkfifo d/fifo; mkdir empty; ln a d/alias', box.source);
    const before = inode(at('a'));
    box.ingest('--mode', 'move');
    expect(fs.existsSync(box.source)).toBe(false);
    expect(inode(box.tree('source/d/alias'))).toBe(before);
    expect(box.paths('source')).toHaveLength(9);
    box.expectSound();
  });

  test('what is excluded stays, with the directories that hold it', () => {
    box.write({ 'd/keep.o': '1', 'd/go': '2', 'e/go': '3', 'f/keep.o': '4' });
    box.ingest('--mode', 'move', '--exclude', '*.o');
    expect(sh('find . | sort', box.source).trim().split('\n')).toEqual([
      '.',
      './d',
      './d/keep.o',
      './f',
      './f/keep.o',
    ]);
  });

  test('a file that is a source itself goes, its directory stays', () => {
    box.write({ a: '1', b: '2' });
    box.ingest(at('a'), '--mode', 'move');
    expect(fs.readdirSync(box.source)).toEqual(['b']);
    expect(fs.readFileSync(box.tree('a'), 'utf8')).toBe('1');
  });

  test('of content that is stored already the source goes as well, after a dry run that moved nothing', () => {
    box.write({ a: '1', b: '1', c: '2' });
    box.ingest();
    box.ingest('--mode', 'move', '--dry-run');
    expect(fs.readdirSync(box.source)).toEqual(['a', 'b', 'c']);
    expect(box.ingest('--mode', 'move')).toMatchObject({ unchangedFiles: 3 });
    expect(fs.existsSync(box.source)).toBe(false);
    box.expectSound();
    box.expectReplayed();
  });
});
