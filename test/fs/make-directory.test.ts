import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { makeDirectory } from '../../src/fs/make-directory.js';
import { DirectoryStore } from '../../src/store/remote/directory-store.js';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();

test('directories are made down to the last, and the topmost new one is told', () => {
  expect(makeDirectory(join(scratch.path, 'a/b/c'))).toBe(join(scratch.path, 'a'));
  expect(makeDirectory(join(scratch.path, 'a/b/c'))).toBeNull();
  expect(fs.statSync(join(scratch.path, 'a/b/c')).mode & 0o777).toBe(0o700);
});

test('where a file system makes no directories that is told as BAD_TARGET, and the call comes back', () => {
  expect(() => makeDirectory('/proc/none/such')).toThrow(expect.objectContaining({ code: 'BAD_TARGET' }));
  expect(() => DirectoryStore.open('/proc/none', { create: true })).toThrow(
    expect.objectContaining({ code: 'REMOTE_UNREACHABLE' }),
  );
});
