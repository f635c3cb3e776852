/** Sources and archives on different filesystems, shared blocks, and filesystems that cannot do it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { hkfs, inode, saying, sh } from '../e2e/hkfs.js';
import { boxOn, mounts, testOn, whyNot } from './mounts.js';

const MEBIBYTE = 1 << 20;
const space = mounts();
const onExt4 = testOn('ext4');

describe('a source on another filesystem', () => {
  onExt4('is copied, with all attributes', () => {
    const box = boxOn(space.make('ext4', 32), fs.mkdtempSync(join(space.path, 'source-')));
    box.write({ a: 'content', 'd/b': 'content', 'd/large': Buffer.alloc(3 * MEBIBYTE, 'x') });
    sh('chmod 4711 a; touch -d @1.5 a', box.source);
    expect(box.ingest()).toMatchObject({ files: 3, newObjects: 2 });
    expect(box.ingest()).toMatchObject({ unchangedFiles: 3 });
    box.expectSound();
  });

  onExt4.each(['link', 'assimilate', 'move'])('is refused in mode %s, and nothing is changed', (mode) => {
    const box = boxOn(space.make('ext4', 32), fs.mkdtempSync(join(space.path, 'source-')));
    box.write({ a: 'content' });
    const before = [box.head(), sh('find . -printf "%p %i %C@\\n"', box.source)];
    const { status, stderr } = box.run('ingest', box.source, '--mode', mode);
    expect({ status, stderr }).toEqual({
      ...{ status: 2, stderr: expect.stringMatching(saying('DIFFERENT_FILESYSTEM')) },
    });
    expect([box.head(), sh('find . -printf "%p %i %C@\\n"', box.source)]).toEqual(before);
  });

  onExt4.each(['link', 'assimilate', 'move'])(
    'mounted inside a source is copied in mode %s, and nothing is lost',
    (mode) => {
      const box = boxOn(space.make('ext4', 32));
      box.write({ own: 'own', twin: 'on the mount' });
      const inside = join(box.source, 'mounted');
      fs.mkdirSync(inside);
      space.bind(space.make('ext4', 32), inside);
      fs.writeFileSync(join(inside, 'a'), 'on the mount');
      fs.writeFileSync(join(inside, 'large'), Buffer.alloc(2 * MEBIBYTE, 'y'));
      const { run, summary } = box.ingestWith({}, box.source, '--mode', mode);
      expect({ status: run.status, failed: summary.failed }).toEqual({ status: 0, failed: [] });
      expect(box.run('cat', 'source/mounted/a').stdout).toBe('on the mount');
      expect(box.run('cat', 'source/mounted/large').bytes.length).toBe(2 * MEBIBYTE);
      expect(fs.existsSync(join(inside, 'a'))).toBe(mode !== 'move');
      if (mode !== 'move') expect(fs.readFileSync(join(inside, 'a'), 'utf8')).toBe('on the mount');
      box.expectSound();
    },
  );
});

describe.each(['btrfs', 'xfs'] as const)('%s', (type) => {
  testOn(type)('shares the blocks of a copied source, and keeps the content when the source changes', () => {
    const box = boxOn(space.make(type, 320));
    const content = Buffer.alloc(64 * MEBIBYTE, 'shared ');
    box.write({ large: content, 'large too': content, small: 'small' });
    const free = (): number => {
      sh('sync -f .', box.path);
      const { bfree, bsize } = fs.statfsSync(box.path);
      return bfree * bsize;
    };
    const before = free();
    expect(box.ingest()).toMatchObject({ newObjects: 2, duplicateFiles: 1 });
    expect(before - free()).toBeLessThan(content.length / 4);
    expect(inode(join(box.source, 'large'))).not.toBe(inode(box.object('source/large')));

    const fd = fs.openSync(join(box.source, 'large'), 'r+');
    fs.writeSync(fd, 'overwritten later');
    fs.closeSync(fd);
    expect(box.run('cat', 'source/large', '--length', '6').stdout).toBe('shared');
    box.expectSound();
    expect(box.ingest()).toMatchObject({ newObjects: 1, unchangedFiles: 2 });
    box.expectSound();
  });
});

describe('a filesystem without hard links', () => {
  const type = whyNot('vfat') === null ? 'vfat' : 'exfat';

  testOn(type)('is refused by init with NO_HARD_LINKS, and nothing is left behind', () => {
    const path = space.make(type, 32);
    fs.writeFileSync(join(path, 'mine'), 'mine');
    for (const root of [path, join(path, 'archive'), join(path, 'deep/er/archive')]) {
      const { status, stderr } = hkfs(['init', root]);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(saying('NO_HARD_LINKS')),
      });
      expect(fs.readdirSync(path)).toEqual(['mine']);
    }
  });
});

describe('an archive on a filesystem that was remounted read-only', () => {
  onExt4(
    'is told as READ_ONLY by changes, in one line each, with exit 2, and asked and verified all the same',
    () => {
      const path = space.make('ext4', 32);
      const box = boxOn(path, fs.mkdtempSync(join(space.path, 'source-')));
      box.write({ a: 'a' }).ingest();
      const head = box.head();
      sh(`mount -o remount,ro '${path}'`);
      for (const args of [['ingest', box.source, '--to', 'b'], ['sync'], ['replay']])
        expect({ args, ...box.run(...args) }).toMatchObject({
          ...{ args, status: 2, stdout: '', stderr: expect.stringMatching(saying('READ_ONLY')) },
        });
      for (const args of [['verify'], ['ls'], ['find', '--name', 'a'], ['replay', '--check']])
        expect({ args, ...box.run(...args) }).toMatchObject({ args, status: 0, stderr: '' });
      expect(hkfs(['init', join(path, 'other')])).toMatchObject({
        ...{ status: 2, stderr: expect.stringMatching(saying('READ_ONLY')) },
      });
      sh(`mount -o remount,rw '${path}'`);
      expect(box.head()).toBe(head);
      box.expectSound();
    },
  );

  onExt4('as a source is copied like any other', () => {
    const source = space.make('ext4', 16);
    fs.writeFileSync(join(source, 'a'), 'read only');
    sh(`mount -o remount,ro '${source}'`);
    const box = boxOn(space.make('ext4', 32), source);
    expect(box.ingest(source, '--to', 'ro', '--exclude', 'lost+found').files).toBe(1);
    expect(box.run('cat', 'ro/a').stdout).toBe('read only');
  });
});
