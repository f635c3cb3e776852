/** Parts of an archive, and of a restore's target, that are mounted elsewhere as well: nothing of them goes. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect } from '@jest/globals';
import { Box, saying, sh, testWhere } from '../e2e/hkfs.js';
import { isRoot } from '../fs/scratch.js';
import { mounts, testOn } from './mounts.js';

const space = mounts();
const asRoot = testWhere(isRoot, 'needs root to mount');
let box: Box;
beforeEach(() => {
  box = Box.make(space.path);
  box.write({ 'd/e/f': 'one', 'd/g': 'two', h: 'three' });
  box.ingest();
});

/** A new directory of the box that shows another one. */
function view(name: string, of: string): string {
  const path = join(box.path, name);
  fs.mkdirSync(path, { recursive: true });
  space.bind(of, path);
  return path;
}

/** Without what opening an archive rewrites. */
const listing = (directory: string): string =>
  sh(`find '${directory}' \\( -name log -o -name views \\) -prune -o -printf '%P %y %i %n\\n' | sort`);

const PARTS: readonly string[] = [
  '.hkfs',
  '.hkfs/objects',
  '.hkfs/log',
  '.hkfs/keys',
  '.hkfs/staging',
  'source',
  'source/d',
  'source/d/e',
];

function anyFanOut(): string {
  const objects = join(box.root, '.hkfs/objects');
  return `.hkfs/objects/${fs.readdirSync(objects).find((name) => fs.readdirSync(join(objects, name)).length > 0)}`;
}

describe('a part of the archive that is mounted elsewhere', () => {
  asRoot('is refused as a source in every mode, and so is what is below it, and nothing is touched', () => {
    for (const [index, part] of [...PARTS, anyFanOut()].entries()) {
      const shown = view(`view-${index}`, join(box.root, part));
      const before = listing(box.root);
      const below = fs
        .readdirSync(shown)
        .slice(0, 2)
        .map((name) => join(shown, name));
      for (const source of [shown, ...below])
        for (const mode of ['copy', 'move']) {
          const { run } = box.ingestWith({}, source, '--mode', mode);
          expect([source, mode, run.status, run.stderr]).toEqual([
            ...[source, mode, 2],
            expect.stringContaining('"SOURCE_IN_ARCHIVE"'),
          ]);
        }
      const contains = box.run('contains', shown);
      expect([part, contains.status, contains.stderr]).toEqual([
        ...[part, 2],
        expect.stringMatching(saying('SOURCE_IN_ARCHIVE')),
      ]);
      expect(listing(box.root)).toBe(before);
    }
    box.expectSound();
  });

  asRoot('is skipped with a note where it is met in a source that is moved, and stays whole', () => {
    const before = listing(box.root).replace(/^ d .*\n/m, '');
    const parts = [...PARTS, anyFanOut()];
    box.write({ 'outer/own': 'four' });
    for (const [index, part] of parts.entries()) view(`source/outer/view-${index}`, join(box.root, part));
    const { run, summary } = box.ingestWith(
      {},
      join(box.source, 'outer'),
      '--mode',
      'move',
      '--to',
      'source',
    );
    const notes = run.stderr.match(/this is a part of the archive: skipped \[ARCHIVE_SKIPPED\]/g);
    expect({ notes: notes?.length, files: summary.files }).toEqual({ notes: parts.length, files: 1 });
    for (const line of before
      .split('\n')
      .filter((entry) => / f /.test(entry) && entry.startsWith('.hkfs/objects')))
      expect(listing(box.root)).toContain(line);
    expect(box.paths('source')).toEqual(expect.arrayContaining(['source/d/e/f', 'source/h', 'source/own']));
    expect(fs.existsSync(join(box.source, 'outer/own'))).toBe(false);
    box.expectSound();
  });

  asRoot('is no target: of restore, replay, export, bundle and remote', () => {
    const before = listing(join(box.root, 'source'));
    const shown = view('view', join(box.root, 'source/d/e'));
    const hidden = view('hidden', join(box.root, '.hkfs/objects'));
    for (const [code, ...args] of [
      ['BAD_TARGET', 'restore', 'source/', '--to', shown, '--delete', '--yes'],
      ['BAD_TARGET', 'restore', 'source/', '--to', join(shown, 'new/deep')],
      ['BAD_TARGET', 'restore', 'source/', '--to', hidden, '--delete', '--yes'],
      ['BAD_TARGET', 'export', 'source', '-o', join(hidden, 'a.tar')],
      ['BAD_TARGET', 'export', 'source', '-o', join(shown, 'a.tar')],
      ['BAD_TARGET', 'bundle', 'create', join(hidden, 'a.bundle')],
      ['REMOTE_INSIDE', 'remote', 'add', 'usb', join(shown, 'remote')],
    ] as const) {
      const { status, stderr } = box.run(...args);
      expect([args, status, stderr]).toEqual([args, 2, expect.stringMatching(saying(code))]);
    }
    expect(listing(join(box.root, 'source'))).toBe(before);
    box.expectSound();
  });

  asRoot('a folder above the archive, mounted elsewhere, is no target of restore --delete', () => {
    const shown = view('view', box.path);
    const before = listing(box.root);
    const { status, stderr } = box.run('restore', 'source/', '--to', shown, '--delete', '--yes');
    expect([status, stderr]).toEqual([2, expect.stringMatching(saying('BAD_TARGET'))]);
    expect(listing(box.root)).toBe(before);
  });

  asRoot('a part of the archive within the target of a restore is not written to', () => {
    const target = join(box.path, 'target');
    fs.mkdirSync(join(target, 'source/d'), { recursive: true });
    space.bind(join(box.root, 'source/d'), join(target, 'source/d'));
    const before = listing(join(box.root, 'source/d'));
    const { run, summary } = box.restore('source', 'target', '--delete', '--yes');
    expect(run.status).toBe(3);
    expect(summary.failed).toMatchObject([{ path: join(target, 'source/d'), code: 'BAD_TARGET' }]);
    expect(listing(join(box.root, 'source/d'))).toBe(before);
    expect(fs.readFileSync(join(target, 'source/h'), 'utf8')).toBe('three');
  });

  testOn('ext4')('the same file system mounted twice: each part is known by the other mount as well', () => {
    const first = space.make('ext4', 64);
    const own = new Box(first, join(first, 'archive'), join(first, 'source'));
    own.write({ 'd/a': 'a', b: 'b' });
    expect(own.run('init', own.root).status).toBe(0);
    own.ingest();
    const second = fs.mkdtempSync(join(space.path, 'second-'));
    space.bind(first, second);
    const part = fs.mkdtempSync(join(space.path, 'part-'));
    space.bind(join(second, 'archive/source/d'), part);
    const before = listing(own.root);
    for (const source of [part, join(second, 'archive/source/d'), join(second, 'archive/.hkfs/objects')]) {
      const { run } = own.ingestWith({}, source, '--mode', 'move');
      expect([source, run.status, run.stderr]).toEqual([
        ...[source, 2],
        expect.stringContaining('"SOURCE_IN_ARCHIVE"'),
      ]);
    }
    expect(listing(own.root)).toBe(before);
  });

  asRoot(
    'a bind mount of a folder beside the archive, with a path as one of its own, is a source like any other',
    () => {
      const elsewhere = join(box.path, 'tree');
      fs.mkdirSync(join(elsewhere, 'source/d'), { recursive: true });
      fs.writeFileSync(join(elsewhere, 'source/d/x'), 'x');
      const shown = view('view', join(elsewhere, 'source/d'));
      expect(box.ingestWith({}, shown, '--mode', 'move').run.status).toBe(0);
      expect(box.paths('view')).toEqual(['view/x']);
    },
  );
});

describe('what is mounted in the target of restore --delete', () => {
  const disk = (at: string, type: 'bind' | 'ext4'): string => {
    fs.mkdirSync(at, { recursive: true });
    const from = type === 'bind' ? fs.mkdtempSync(join(space.path, 'disk-')) : space.make('ext4', 32);
    fs.mkdirSync(join(from, 'in'));
    fs.writeFileSync(join(from, 'in/precious'), 'precious');
    fs.writeFileSync(join(from, 'precious'), 'precious');
    space.bind(from, at);
    return from;
  };
  const expectKept = (from: string): void => {
    expect(fs.readFileSync(join(from, 'precious'), 'utf8')).toBe('precious');
    expect(fs.readFileSync(join(from, 'in/precious'), 'utf8')).toBe('precious');
  };

  for (const type of ['ext4', 'bind'] as const) {
    const where = type === 'ext4' ? testOn('ext4') : asRoot;
    const what = type === 'ext4' ? 'another file system' : 'a bind mount of the same file system';

    where(`${what} under a name that is not wanted stays with all that is in it, and is told`, () => {
      const target = join(box.path, 'target');
      const from = disk(join(target, 'mnt'), type);
      const deep = disk(join(target, 'old/deep/mnt'), type);
      fs.writeFileSync(join(target, 'old/gone'), 'x');
      const { run, summary } = box.restore('source/', 'target', '--delete', '--yes');
      expect(run.status).toBe(3);
      expect(summary.failed.map(({ code }) => code)).toEqual(['EXDEV', 'EXDEV']);
      expectKept(from);
      expectKept(deep);
      expect(fs.existsSync(join(target, 'h'))).toBe(true);
    });

    where(`${what} where the archive has an empty directory is not emptied`, () => {
      fs.mkdirSync(join(box.source, 'mnt'));
      box.ingest();
      const from = disk(join(box.path, 'target/mnt'), type);
      const { run, summary } = box.restore('source/', 'target', '--delete', '--yes');
      expect([run.status, summary.deleted]).toEqual([3, 0]);
      expect(new Set(summary.failed.map(({ code }) => code))).toEqual(new Set(['EXDEV']));
      expectKept(from);
    });

    where(`${what} where the archive has a file stays`, () => {
      fs.writeFileSync(join(box.source, 'mnt'), 'a file');
      box.ingest();
      const from = disk(join(box.path, 'target/mnt'), type);
      const { run, summary } = box.restore('source/', 'target', '--delete', '--yes');
      expect([run.status, summary.failed.map(({ code }) => code)]).toEqual([3, ['EXDEV']]);
      expectKept(from);
    });
  }

  testOn('ext4')('the target that is a mount itself is made equal: it is what was named', () => {
    const target = join(box.path, 'target');
    const from = disk(target, 'ext4');
    fs.rmSync(join(from, 'in'), { recursive: true });
    const { run } = box.restore('source/', 'target', '--delete', '--yes');
    expect(run.status).toBe(0);
    expect(fs.readdirSync(target).sort()).toEqual(['d', 'h']);
  });
});
