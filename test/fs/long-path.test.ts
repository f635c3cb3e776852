import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { openAnchor, withDirectory } from '../../src/fs/long-path.js';
import { joinPath, nameFromBytes, nameToBytes, readDirectoryNames, toFsPath } from '../../src/fs/names.js';
import { loadPosix } from '../../src/fs/posix.js';
import { codeThrownBy, openFds, testWhen } from './scratch.js';

const LEVELS = 30;
const linuxTest = testWhen(process.platform === 'linux', 'paths beyond PATH_MAX need /proc');

/** Names of 250 bytes: UTF-8 of one, two and four bytes a character, and bytes that are none. */
function levelName(level: number): string {
  const fillings = ['x', 'é', '\u{1f600}', '\udcff'];
  const filling = fillings[level % fillings.length];
  const size = nameToBytes(filling).length;
  return filling.repeat(Math.floor(250 / size)) + 'e'.repeat(250 % size);
}

describe('a tree 30 levels deep with names of 250 bytes', () => {
  let root = '';
  let directories: string[] = [];
  const deepest = (): string => directories[LEVELS];

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'hkfs-deep-'));
    directories = [root];
    for (let level = 0; level < LEVELS && process.platform === 'linux'; level++) {
      const parent = directories[level];
      withDirectory(parent, (base) => mkdirSync(toFsPath(joinPath(base, levelName(level)))));
      directories.push(joinPath(parent, levelName(level)));
    }
  });

  /** rm -r by hand: the names are too long for it. */
  afterAll(() => {
    for (const directory of directories.slice(1).reverse()) {
      withDirectory(directory, (base) => {
        for (const name of readDirectoryNames(base)) {
          const path = toFsPath(joinPath(base, name));
          if (!lstatSync(path).isDirectory()) unlinkSync(path);
          else rmdirSync(path);
        }
      });
    }
    rmSync(root, { recursive: true, force: true });
  });

  linuxTest('is beyond PATH_MAX for plain calls and reachable through anchors at every level', () => {
    expect(nameToBytes(deepest()).length).toBeGreaterThan(7_500);
    expect(codeThrownBy(() => lstatSync(toFsPath(deepest())))).toBe('ENAMETOOLONG');
    for (const [level, directory] of directories.slice(0, LEVELS).entries()) {
      expect(withDirectory(directory, (base) => readDirectoryNames(base))).toEqual([levelName(level)]);
    }
  });

  linuxTest('takes files with names of 255 bytes, written, linked, described and read', () => {
    const [name, twin] = ['n'.repeat(255), '\udcfe'.repeat(255)];
    withDirectory(deepest(), (base) => {
      const [path, link] = [toFsPath(joinPath(base, name)), toFsPath(joinPath(base, twin))];
      writeFileSync(path, 'deep');
      linkSync(path, link);
      expect(readFileSync(link, 'utf8')).toBe('deep');
      expect(lstatSync(link).nlink).toBe(2);
      expect(loadPosix()?.readXattrs(joinPath(base, twin)) ?? []).toEqual([]);
      expect(readdirSync(toFsPath(base), 'buffer')).toHaveLength(2);
    });
  });

  linuxTest("gives each directory's own path: lstat sees a directory there, never a symlink", () => {
    for (const directory of directories) {
      expect(withDirectory(directory, (base) => lstatSync(toFsPath(base)).isDirectory())).toBe(true);
    }
  });

  linuxTest('leaves a name of 255 bytes below PATH_MAX at every length of the directory', () => {
    for (let padding = 0; padding < 300; padding++) {
      const padded = `${directories[29]}/${'./'.repeat(padding)}`;
      const length = withDirectory(padded, (base) => nameToBytes(joinPath(base, 'n'.repeat(255))).length);
      expect(length).toBeLessThan(4_096);
    }
  });

  linuxTest('leaks no file descriptor, whether the work succeeds, throws, or finds nothing', () => {
    const before = openFds();
    for (let round = 0; round < 20; round++) {
      withDirectory(deepest(), () => undefined);
      codeThrownBy(() =>
        withDirectory(deepest(), () => {
          throw new Error('work failed');
        }),
      );
      codeThrownBy(() => openAnchor(`${deepest()}/none/${'x/'.repeat(2_000)}`));
      codeThrownBy(() => openAnchor(`${deepest()}/${'y'.repeat(4_000)}`));
    }
    expect(openFds()).toBe(before);
  });

  linuxTest('fails with ENOENT for a stretch that is not there, and ENAMETOOLONG for an endless name', () => {
    expect(codeThrownBy(() => openAnchor(`${deepest()}/none/${'x/'.repeat(2_000)}`))).toBe('ENOENT');
    expect(codeThrownBy(() => openAnchor(`${root}/${'y'.repeat(4_000)}`))).toBe('ENAMETOOLONG');
  });

  linuxTest('refuses a symlink where a lower stretch ends', () => {
    withDirectory(deepest(), (base) => symlinkSync('.', toFsPath(joinPath(base, 'symlink'))));
    // The last name is too long to be cut, so a stretch ends right before it.
    const path = `${deepest()}/symlink/${'y'.repeat(3_900)}`;
    expect(codeThrownBy(() => openAnchor(path))).toBe('ENOTDIR');
  });

  linuxTest('closing twice closes only its own descriptor', () => {
    const anchor = openAnchor(deepest());
    anchor.close();
    const fd = openSync(root, 'r');
    anchor.close();
    expect(() => closeSync(fd)).not.toThrow();
  });
});

test('a path of up to 3,800 bytes is its own anchor, and opens nothing', () => {
  for (const path of [
    '',
    '/',
    'relative',
    '/none/there',
    `/${'é'.repeat(1_899)}`,
    nameFromBytes(Buffer.of(0xff)),
  ]) {
    const anchor = openAnchor(path);
    expect(anchor.path).toBe(path);
    anchor.close();
  }
});
