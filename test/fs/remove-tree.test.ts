import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { removeTree } from '../../src/fs/remove-tree.js';
import { codeThrownBy, scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();

test('a tree with names of any bytes and beyond PATH_MAX is removed whole', () => {
  const top = join(scratch.path, 'top');
  fs.mkdirSync(top);
  fs.writeFileSync(Buffer.from(`${top}/bad \xff`, 'latin1'), '');
  const before = process.cwd();
  try {
    process.chdir(top);
    for (let depth = 0; depth < 30; depth += 1) {
      fs.mkdirSync('d'.repeat(200));
      process.chdir('d'.repeat(200));
      fs.writeFileSync('file', '');
    }
  } finally {
    process.chdir(before);
  }
  removeTree(top);
  expect(fs.existsSync(top)).toBe(false);
});

test('a symlink is removed and what it points to stays', () => {
  fs.mkdirSync(join(scratch.path, 'kept'));
  fs.writeFileSync(join(scratch.path, 'kept/file'), '');
  fs.mkdirSync(join(scratch.path, 'goes'));
  fs.symlinkSync('../kept', join(scratch.path, 'goes/link'));
  fs.symlinkSync('kept', join(scratch.path, 'link'));
  removeTree(join(scratch.path, 'goes'));
  removeTree(join(scratch.path, 'link'));
  expect(fs.readdirSync(join(scratch.path, 'kept'))).toEqual(['file']);
});

test('what is not there is told by its errno', () => {
  expect(codeThrownBy(() => removeTree(join(scratch.path, 'none')))).toBe('ENOENT');
});
