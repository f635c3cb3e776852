import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Below } from '../../src/fs/below.js';
import { removeTree } from '../../src/fs/remove-tree.js';
import { codeThrownBy, openFds, scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
let root: string;
let below: Below;
beforeEach(() => {
  root = fs.mkdtempSync(join(scratch.path, 'root-'));
  fs.mkdirSync(join(root, 'a/b'), { recursive: true });
  fs.symlinkSync('/etc', join(root, 'link'));
  below = new Below(root);
});
afterEach(() => {
  below.close();
  removeTree(root);
});

test('a path through real directories is given as it is', () => {
  expect(below.locate(join(root, 'a/b/file'))).toBe(join(root, 'a/b/file'));
  expect(below.locate(join(root, 'file'))).toBe(join(root, 'file'));
});

test.each(['link/file', 'link/deeper/file'])(
  '%s is refused with ENOTDIR: a symlink is not followed',
  (path) => {
    expect(codeThrownBy(() => below.locate(join(root, path)))).toBe('ENOTDIR');
  },
);

test('a symlink as the last name is the business of the caller', () => {
  expect(below.locate(join(root, 'link'))).toBe(join(root, 'link'));
});

test('a path above the root or beside it leads elsewhere', () => {
  expect(() => below.locate('/etc/passwd')).toThrow('leads elsewhere');
  expect(() => below.locate(`${root}x/file`)).toThrow('leads elsewhere');
});

test('a path longer than the kernel takes is reached, and its descriptor given back', () => {
  const names = Array.from({ length: 25 }, () => 'd'.repeat(200));
  const before = process.cwd();
  process.chdir(root);
  for (const name of names) {
    fs.mkdirSync(name);
    process.chdir(name);
  }
  process.chdir(before);
  const open = openFds();
  fs.writeFileSync(below.locate([root, ...names, 'file'].join('/')), 'x');
  below.close();
  expect(openFds()).toBe(open);
});
