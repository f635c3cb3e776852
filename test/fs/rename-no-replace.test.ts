import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect } from '@jest/globals';

import type { FsPath } from '../../src/fs/names.js';
import { loadPosix } from '../../src/fs/posix.js';
import { renameByLink } from '../../src/fs/rename-no-replace.js';
import { codeThrownBy, scratchDirectory, testWhen } from './scratch.js';

const loaded = loadPosix();
const posixTest = testWhen(loaded !== null, 'koffi or libc is not available');
const posix = loaded as NonNullable<typeof loaded>;
const scratch = scratchDirectory();

function fileCalled(name: string, content: string): string {
  const path = join(scratch.path, name);
  writeFileSync(path, content);
  return path;
}

describe('renames', () => {
  const ways = [
    ['renameat2', (from: FsPath, to: FsPath) => posix.renameNoReplace(from, to)],
    ['the way without renameat2', renameByLink],
  ] as const;

  posixTest.each(ways)('%s moves a file to a free name, bad bytes included', (way, rename) => {
    const to = Buffer.from(join(scratch.path, `to-\xff-${way}`), 'latin1');
    const from = Buffer.concat([Buffer.from(`${scratch.path}/`), Buffer.of(0xfe)]);
    writeFileSync(from, 'moved');
    rename(from, to);
    expect(readFileSync(to, 'utf8')).toBe('moved');
    expect(readdirSync(scratch.path, 'latin1')).not.toContain('\xfe');
  });

  posixTest.each(ways)('%s refuses a name that is taken, and harms neither', (way, rename) => {
    const [from, to] = [fileCalled(`from ${way}`, 'from'), fileCalled(`taken ${way}`, 'taken')];
    expect(codeThrownBy(() => rename(from, to))).toBe('EEXIST');
    expect([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')]).toEqual(['from', 'taken']);
  });

  posixTest.each(ways)('%s moves a directory, and not onto an empty one', (way, rename) => {
    const [from, taken, free] = ['a', 'b', 'c'].map((name) => join(scratch.path, `${name} ${way}`)) as [
      string,
      string,
      string,
    ];
    mkdirSync(from);
    mkdirSync(taken);
    expect(codeThrownBy(() => rename(from, taken))).toBe('EEXIST');
    rename(from, free);
    expect(lstatSync(free).isDirectory()).toBe(true);
  });

  posixTest.each(ways)('%s moves a symlink itself', (way, rename) => {
    const link = join(scratch.path, `link ${way}`);
    symlinkSync('nowhere', link);
    rename(link, `${link} moved`);
    expect(lstatSync(`${link} moved`).isSymbolicLink()).toBe(true);
  });
});
