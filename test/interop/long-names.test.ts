/** Names and paths as long as filesystems take them, and longer than one system call takes. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { nameFromBytes } from '../../src/fs/names.js';
import { Box, sh, testWhere } from '../e2e/hkfs.js';
import { scratchDirectory } from '../fs/scratch.js';

const scratch = scratchDirectory();
const inLongForm = testWhere(process.env['HKFS_HEAVY'] === '1', 'needs HKFS_HEAVY=1: takes minutes');

// Node's own rm does not reach that deep.
afterEach(() => void sh('rm -rf -- *', scratch.path));

test('names of 255 bytes of every sort are kept, with a content, a link and a directory each', () => {
  const box = Box.make(scratch.path);
  const names = [
    Buffer.from('x'.repeat(255)),
    Buffer.from('é'.repeat(127) + 'z'),
    Buffer.from('\u{1f600}'.repeat(63) + 'end'),
    Buffer.alloc(255, 0xff),
    Buffer.alloc(255, '\n'),
  ];
  for (const name of names)
    for (const kind of ['file', 'dir', 'link']) {
      fs.mkdirSync(join(box.source, kind), { recursive: true });
      const path = Buffer.concat([Buffer.from(`${box.source}/${kind}/`), name]);
      if (kind === 'file') fs.writeFileSync(path, name);
      if (kind === 'dir') fs.mkdirSync(path);
      if (kind === 'link') fs.symlinkSync(name, path);
    }
  expect(box.ingest()).toMatchObject({ files: names.length, symlinks: names.length, failed: [] });
  for (const name of names)
    expect(box.run('cat', Buffer.concat([Buffer.from('source/file/'), name])).bytes.equals(name)).toBe(true);
  const targets = box.rows('ls', 'source/link').map(({ target }) => target);
  expect(new Set(targets)).toEqual(new Set(names.map((name) => nameFromBytes(name))));
  box.expectSound();
  box.expectReplayed();
});

/** Directories below each other, the innermost with a file, a link and an empty file. */
function makeDeep(box: Box, name: string, depth: number): string {
  const step = `mkdir '${name}'; cd -P '${name}'`;
  sh(
    `for i in $(seq ${depth}); do ${step}; done; printf deep > file; ln -s file link; : > empty`,
    box.source,
  );
  return `source/${`${name}/`.repeat(depth)}`;
}

function expectTakenIn(box: Box, below: string): void {
  const depth = below.split('/').length - 2;
  expect(box.ingest()).toMatchObject({ files: 2, directories: depth + 1, symlinks: 1, failed: [] });
  const rows = box.rows('ls', '-R');
  expect(rows).toHaveLength(depth + 4);
  expect(rows.at(-2)).toMatchObject({ path: `${below}file`, kind: 'file', size: 4 });
  expect(box.run('cat', `${below}file`).stdout).toBe('deep');
  expect(box.stat(rows.at(-2)!.hash!).paths).toEqual([`${below}file`]);
  expect(box.rows('find', '--name', 'link')).toMatchObject([{ target: 'file' }]);
  box.expectSound();
  box.expectReplayed();
  expect(box.ingest()).toMatchObject({ files: 2, unchangedFiles: 2 });
}

test('a path of 6,000 bytes is taken in, listed, read, found, verified and unchanged afterwards', () => {
  const box = Box.make(scratch.path);
  expectTakenIn(box, makeDeep(box, 'n'.repeat(200), 30));
});

test('a path of 6,000 bytes is changed, mirrored away and moved like any other', () => {
  const box = Box.make(scratch.path);
  const below = makeDeep(box, 'é'.repeat(100), 30);
  box.ingest('--mode', 'link');
  const into = `for i in $(seq 30); do cd -P '${'é'.repeat(100)}'; done`;
  sh(`${into}; rm link file; printf 'changed' > file`, box.source);
  expect(box.ingest('--mirror')).toMatchObject({ newObjects: 1, removed: 1, failed: [] });
  expect(box.run('cat', `${below}file`).stdout).toBe('changed');
  expect(box.ingest('--mode', 'move').failed).toEqual([]);
  expect(fs.existsSync(box.source)).toBe(false);
  box.expectSound();
  box.expectReplayed();
});

test('1,000 levels are taken in, listed, read, found, verified and unchanged afterwards', () => {
  const box = Box.make(scratch.path);
  expectTakenIn(box, makeDeep(box, 'd', 1000));
}, 60_000);

inLongForm(
  '5,000 levels are taken in, listed, read, found, verified and unchanged afterwards',
  () => {
    const box = Box.make(scratch.path);
    expectTakenIn(box, makeDeep(box, 'd', 5000));
  },
  300_000,
);
