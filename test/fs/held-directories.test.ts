import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Below } from '../../src/fs/below.js';
import { chmodItself } from '../../src/fs/chmod-itself.js';
import { withFile } from '../../src/fs/contents.js';
import { forgetHeld, openRoot, useRoots, withoutDescriptors } from '../../src/fs/held-directories.js';
import { openAnchor, withDirectory } from '../../src/fs/long-path.js';
import { joinPath } from '../../src/fs/names.js';
import { loadPosix } from '../../src/fs/posix.js';
import { removeTree } from '../../src/fs/remove-tree.js';
import { codeThrownBy, openFds, scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
let root: string;
let outside: string;

beforeEach(() => {
  root = fs.mkdtempSync(join(scratch.path, 'held-'));
  outside = fs.mkdtempSync(join(scratch.path, 'outside-'));
  fs.mkdirSync(join(root, 'a/b'), { recursive: true });
  fs.writeFileSync(join(root, 'a/b/file'), 'inside');
  fs.writeFileSync(join(outside, 'file'), 'outside');
});
afterEach(() => removeTree(root));

/** Node knows no openat2, and old kernels have none. */
const WAYS = [
  ['with openat2', loadPosix()],
  ['component by component', null],
] as const;

describe.each(WAYS)('a directory that is held, %s', (_way, posix) => {
  let before: number;
  let fd: number;
  beforeEach(() => {
    before = openFds();
    const held = openRoot(root, {})!;
    fd = held.fd;
    useRoots([held], posix, true);
  });
  afterEach(() => {
    forgetHeld();
    useRoots([], null, false);
    fs.closeSync(fd);
    expect(openFds()).toBe(before);
  });

  /** The directory goes elsewhere and a symlink takes its place. */
  function swap(name: string): void {
    fs.renameSync(join(root, name), join(root, 'moved'));
    fs.symlinkSync(outside, join(root, name));
  }

  test('leads to what is below it, also with slashes at the end', () => {
    for (const path of ['a/b', 'a/b/', '', '/'])
      expect(withDirectory(joinPath(root, path), (base) => fs.readdirSync(base).length)).toBe(1);
    expect(withFile(join(root, 'a/b/file'), (file) => fs.readFileSync(file, 'utf8'))).toBe('inside');
  });

  test('and is exchanged itself stays what it was', () => {
    fs.renameSync(root, `${root}-moved`);
    fs.symlinkSync(outside, root);
    expect(withFile(join(root, 'a/b/file'), (file) => fs.readFileSync(file, 'utf8'))).toBe('inside');
    fs.unlinkSync(root);
    fs.renameSync(`${root}-moved`, root);
  });

  test.each(['a', 'a/b'])('and whose %s became a symlink is not left: ENOTDIR', (name) => {
    swap(name);
    expect(codeThrownBy(() => openAnchor(join(root, 'a/b')))).toBe('ENOTDIR');
    expect(codeThrownBy(() => withFile(join(root, name, 'file'), () => 0))).toBe('ENOTDIR');
    expect(codeThrownBy(() => new Below(root).locate(join(root, name, 'file')))).toBe('ENOTDIR');
  });

  test('and an open one below it that was exchanged since is the one that was opened', () => {
    const anchor = openAnchor(join(root, 'a/b'));
    swap('a');
    expect(fs.readFileSync(`${anchor.path}/file`, 'utf8')).toBe('inside');
    anchor.close();
  });

  test('opens each directory once for many names, until that is forgotten', () => {
    const anchor = openAnchor(join(root, 'a/b'));
    anchor.close();
    expect(withDirectory(join(root, 'a/b'), (base) => base)).toBe(anchor.path);
    fs.renameSync(join(root, 'a/b'), join(root, 'c'));
    forgetHeld();
    expect(codeThrownBy(() => openAnchor(join(root, 'a/b')))).toBe('ENOENT');
  });

  test('keeps no more than a few open, however many are used', () => {
    for (let at = 0; at < 100; at += 1) {
      fs.mkdirSync(join(root, `d${at}`));
      openAnchor(join(root, `d${at}`)).close();
    }
    expect(openFds() - before).toBeLessThan(20);
  });

  test('is reached through a path longer than the kernel takes', () => {
    const names = Array.from({ length: 60 }, (_, at) => `${at}-${'d'.repeat(200)}`);
    let path = root;
    for (const name of names) {
      withDirectory(path, (base) => fs.mkdirSync(joinPath(base, name)));
      path = joinPath(path, name);
    }
    withDirectory(path, (base) => fs.writeFileSync(joinPath(base, 'deep'), 'deep'));
    expect(withFile(joinPath(path, 'deep'), (file) => fs.readFileSync(file, 'utf8'))).toBe('deep');
  });

  test('is removed with what is below it, and nothing that a symlink there leads to', () => {
    fs.symlinkSync(outside, join(root, 'a/link'));
    removeTree(join(root, 'a'));
    expect([fs.readdirSync(root), fs.readdirSync(outside)]).toEqual([[], ['file']]);
  });

  test('is named in messages by its path', () => {
    const anchor = openAnchor(join(root, 'a/b'));
    const message = `EACCES: permission denied, open '${anchor.path}/x'`;
    expect(withoutDescriptors(message)).toBe(`EACCES: permission denied, open '${root}/a/b/x'`);
    anchor.close();
  });
});

test('what is excepted below a held directory is reached by its path, also where an outer one is held', () => {
  const [outer, inner] = [openRoot(scratch.path, {})!, openRoot(root, {})!];
  useRoots([outer, { ...inner, except: join(root, 'a') }], null, false);
  try {
    expect(withDirectory(join(root, 'a/b'), (base) => base)).toBe(join(root, 'a/b'));
    expect(withDirectory(root, (base) => base)).toBe(`/proc/self/fd/${inner.fd}/.`);
    expect(withDirectory(outside, (base) => base)).not.toBe(outside);
  } finally {
    useRoots([], null, false);
    for (const { fd } of [outer, inner]) fs.closeSync(fd);
  }
});

test('a path that was followed before is not followed again', () => {
  fs.symlinkSync(outside, join(root, 'link'));
  expect(codeThrownBy(() => openRoot(join(root, 'link'), { isReal: true }))).toBe('ENOTDIR');
  fs.closeSync(openRoot(join(root, 'link'), {})!.fd);
});

test('a mode is given to what was meant, and never to what a symlink leads to', () => {
  const mode = (path: string): number => fs.statSync(path).mode & 0o777;
  const [file, link] = [join(outside, 'file'), join(root, 'link')];
  fs.symlinkSync(file, link);
  expect(chmodItself(link, 0o444, (stat) => stat.isFile())).toBe(false);
  expect(mode(file)).not.toBe(0o444);
  expect(chmodItself(file, 0o444, (stat) => stat.isFile())).toBe(true);
  expect(mode(file)).toBe(0o444);
});
