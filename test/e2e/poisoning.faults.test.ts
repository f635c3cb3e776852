/** The tree is made of links to the objects: what somebody does to it by hand is found, never adopted. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, sh } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let hash: string;
beforeEach(() => {
  box = Box.make(scratch.path).write({ a: 'the original', twin: 'the original', b: 'another' });
  box.ingest();
  hash = box.stat('source/a').hash!;
});

/** How a tree file, and with it its object, is written to; each ends with the old mtime. */
const POISONS = [
  ['appended to', `printf more >> a`],
  ['overwritten in place with as many bytes', `printf 'THE original' | dd of=a conv=notrunc status=none`],
  ['emptied', `: > a`],
] as const;

function poison(script: string): void {
  sh(
    `chmod u+w a; touch -r a ../ref; ${script}; touch -r ../ref a; rm ../ref; chmod 444 a`,
    box.tree('source'),
  );
}

describe.each(POISONS)('an object %s through the tree', (_what, script) => {
  test('is named by each verify, healed by an ingest of its content, and its bad links are told', () => {
    poison(script);
    for (const args of [['--quick'], []]) {
      const { status, summary } = box.verify(...args);
      expect({ status, damaged: summary.damaged }).toMatchObject({
        status: 4,
        damaged: [{ hash, paths: ['source/a', 'source/twin'] }],
      });
    }

    const { run, summary } = box.ingestWith({}, box.source, '--to', 'again', '--checksum');
    expect({ status: run.status, failed: summary.failed }).toEqual({ status: 0, failed: [] });
    expect(run.stderr).toMatch(new RegExp(`^hkfs: warning: .*${hash}.*\\[OBJECT_DAMAGED\\]$`, 'm'));
    for (const path of ['source/a', 'again/a']) expect(box.run('cat', path).stdout).toBe('the original');

    const bad = ['source/a', 'source/twin'].filter(
      (path) => fs.readFileSync(box.tree(path), 'utf8') !== 'the original',
    );
    for (const args of [['--quick'], []]) {
      const { summary: verified } = box.verify(...args);
      expect(verified).toMatchObject({ damaged: [], missing: [], views: [] });
      expect(verified.unlinked.map(({ path }) => path)).toEqual(bad);
    }
  });

  test('taken in as a source is what it is now, and not what the log knows of its inode', () => {
    poison(script);
    const outside = join(box.path, 'outside');
    fs.linkSync(box.tree('source/a'), outside);
    box.ingestWith({}, outside);
    expect(box.run('cat', 'outside').stdout).toBe(fs.readFileSync(outside, 'utf8'));
  });
});

test('a re-ingest that reads nothing does not vouch for the object: verify still finds it', () => {
  poison(POISONS[1][1]);
  expect(box.ingest()).toMatchObject({ unchangedFiles: 3 });
  expect(box.verify('--quick').status).toBe(4);
});

describe.each(['move', 'assimilate'])('an unchanged source in mode %s', (mode) => {
  test('is not given away for an object that was damaged: it heals the object first', () => {
    poison(POISONS[1][1]);
    const { run } = box.ingestWith({}, '--mode', mode);
    expect(run.stderr).toContain('[OBJECT_DAMAGED]');
    expect(box.run('cat', 'source/a').stdout).toBe('the original');
    expect(box.verify().summary.damaged).toEqual([]);
  });

  test('is not given away for an object that is missing: it becomes the object', () => {
    fs.rmSync(box.object('source/a'));
    box.ingestWith({}, '--mode', mode);
    expect(box.run('cat', 'source/a').stdout).toBe('the original');
    expect(box.verify().summary.missing).toEqual([]);
  });
});

describe('verify tells apart', () => {
  test('a deleted object: missing, exit 4; an ingest of the content brings it back', () => {
    fs.rmSync(box.object('source/a'));
    for (const args of [[], ['--quick']]) {
      const { status, summary } = box.verify(...args);
      expect(status).toBe(4);
      expect(summary.missing).toMatchObject([{ hash, paths: ['source/a', 'source/twin'] }]);
    }
    box.ingestWith({}, box.source, '--checksum');
    expect(box.run('cat', 'source/a').stdout).toBe('the original');
    expect(box.verify().summary).toMatchObject({ missing: [], damaged: [] });
  });

  test('a deleted tree file and a deleted tree directory: unlinked, exit 1', () => {
    sh('rm a', box.tree('source'));
    const { status, summary } = box.verify();
    expect({ status, unlinked: summary.unlinked }).toMatchObject({
      status: 1,
      unlinked: [{ path: 'source/a' }],
    });
    fs.rmSync(box.tree('source'), { recursive: true });
    expect(box.verify('--quick').summary.unlinked).toMatchObject([{ path: 'source' }]);
  });

  test('strangers in the tree and in the hash tree: untracked, exit 1', () => {
    fs.writeFileSync(box.tree('source/stranger'), 'mine');
    fs.mkdirSync(box.tree('folder'));
    const object = `.hkfs/objects/ab/${'0'.repeat(62)}`;
    fs.writeFileSync(box.tree(object), 'x');
    const { status, summary } = box.verify();
    expect(status).toBe(1);
    expect(summary.untracked.map(({ path }) => path).toSorted()).toEqual([
      object,
      'folder',
      'source/stranger',
    ]);
    expect(fs.readFileSync(box.tree('source/stranger'), 'utf8')).toBe('mine');
  });

  test('a tree file replaced by another, a link to another object, and a symlink in its place', () => {
    sh('rm a b twin; echo mine > a; ln -s x b', box.tree('source'));
    const [other] = box.rows('ls', 'source').filter(({ path }) => path === 'source/b');
    fs.linkSync(
      join(box.root, '.hkfs/objects', other!.hash!.slice(0, 2), other!.hash!.slice(2)),
      box.tree('source/twin'),
    );
    const { summary } = box.verify();
    const paths = summary.unlinked.map(({ path }) => path).toSorted();
    expect(paths).toEqual(['source/a', 'source/b', 'source/twin']);
    expect(summary.damaged).toEqual([]);
  });
});

describe('a tree file that a person replaced', () => {
  test('is never overwritten by a new version of the same path: a warning, and the file is kept', () => {
    sh('rm a; echo mine > a', box.tree('source'));
    box.write({ a: 'a new version' });
    const { run } = box.ingestWith({});
    expect(run.stderr).toMatch(/warning: .*source\/a: .*\[ECONFLICT\]/);
    expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('mine\n');
    expect(box.run('cat', 'source/a').stdout).toBe('a new version');
    expect(box.verify().summary.unlinked).toMatchObject([{ path: 'source/a' }]);
  });

  test('is not removed by --mirror, nor is a directory that holds something of theirs', () => {
    box.write({ 'd/x': 'x' }).ingest();
    sh('rm a; echo mine > a; echo mine > d/own', box.tree('source'));
    sh('rm -r a d', box.source);
    const { run } = box.ingestWith({}, '--mirror', '--yes');
    expect(run.stderr.match(/\[ECONFLICT\]/g)).toHaveLength(2);
    expect(fs.readFileSync(box.tree('source/a'), 'utf8')).toBe('mine\n');
    expect(fs.readdirSync(box.tree('source/d'))).toEqual(['own']);
  });

  test('a directory replaced by a symlink is not written through', () => {
    box.write({ 'd/x': 'x' }).ingest();
    fs.mkdirSync(join(box.path, 'elsewhere'));
    sh(`rm -r d; ln -s '${box.path}/elsewhere' d`, box.tree('source'));
    box.write({ 'd/y': 'y' });
    const { run } = box.ingestWith({});
    expect(run.stderr).toMatch(/warning: .*source\/d\/y/);
    expect(fs.readdirSync(join(box.path, 'elsewhere'))).toEqual([]);
    expect(box.run('cat', 'source/d/y').stdout).toBe('y');
  });
});
