/** dups and unique as people and programs meet them. */
import { existsSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Archive, type DupsRow, type UniqueRow } from 'hkfs';
import { scratchDirectory } from '../fs/scratch.js';
import { bin, Box, parseRows, saying, sh, testWhere } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;

beforeAll(() => {
  box = Box.make(scratch.path).write({
    ...{ 'laptop/photos/a': 'photo one', 'laptop/photos/b': 'photo two!', 'laptop/notes': 'only here' },
    ...{ 'stick/photos/a': 'photo one', 'stick/photos/b': 'photo two!', "stick/it's\ncopied": 'photo one' },
    'odd/h1': 'linked',
  });
  linkSync(join(box.source, 'odd/h1'), join(box.source, 'odd/h2'));
  mkdirSync(join(box.source, 'odd/empty'));
  box.ingest('--to', '/');
});

describe('dups', () => {
  test('has rows with the fields of the contract', () => {
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string;
    expect(box.rows<DupsRow>('dups')).toEqual([
      {
        ...{ kind: 'dir', hash, size: 19, files: 2, count: 2, reclaimable: 19 },
        paths: ['laptop/photos', 'stick/photos'],
      },
      {
        ...{ kind: 'file', hash, size: 9, files: 1, count: 2, reclaimable: 9 },
        paths: ['laptop/photos/a', "stick/it's\ncopied"],
      },
      { ...{ kind: 'file', hash, size: 6, files: 1, count: 2, reclaimable: 0 }, paths: ['odd/h1', 'odd/h2'] },
    ]);
  });

  test('for people names the one to keep, and adds up on stderr', () => {
    const { status, stdout, stderr } = box.run('dups', '--min-size', '10');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: '19 B in 2 directories of 2 files, 19 B\n  keep  laptop/photos\n        stick/photos\n',
    });
    expect(stderr).toBe('1 group: 2 more files than needed, 19 B.\n');
    expect(box.run('dups', 'odd').stderr).toMatch(/Hard links of one source file count once: 6 B\.\n$/);
    expect(box.run('dups', 'odd/empty')).toMatchObject({ status: 0, stdout: '', stderr: 'No duplicates.\n' });
  });

  test('takes tagged trees as paths of the archive or of the disk', () => {
    const rows = box.rows<DupsRow>('dups', '--under', box.tree('stick'), '--against', '/laptop');
    expect(rows).toMatchObject([
      { paths: ['laptop/photos', 'stick/photos'], protected: 1 },
      { paths: ['laptop/photos/a', "stick/it's\ncopied"], protected: 1 },
    ]);
  });

  test('writes a script, largest gain first, that names what stays', () => {
    const { status, stdout } = box.run('dups', '--format', 'script');
    expect(status).toBe(0);
    expect(stdout).toContain(`HKFS_ARCHIVE='${box.root}'`);
    expect(stdout).toMatch(/\n# stays: laptop\/photos\nprintf '%s\\0' 'stick\/photos'\n/);
    expect(stdout).not.toContain('odd/h');
  });

  test('refuses what is no directory, is not there, or does not go together', () => {
    const refused: [code: string, ...args: string[]][] = [
      ['NOT_A_DIRECTORY', 'dups', 'laptop/notes'],
      ['NOT_FOUND', 'dups', 'nowhere'],
      ['USAGE', 'dups', '--under', 'laptop'],
      ['USAGE', 'dups', '--under', 'laptop', '--against', 'laptop'],
      ['USAGE', 'dups', '--format', 'script', '--json'],
      ['USAGE', 'unique', 'laptop', '--than', 'laptop'],
      ['NOT_A_DIRECTORY', 'unique', 'laptop', '--than', 'laptop/notes'],
      ['NOT_FOUND', 'unique', 'nowhere'],
    ];
    for (const [code, ...args] of refused) {
      const { status, stderr } = box.run(...args);
      expect([args, status]).toEqual([args, 2]);
      if (!args.includes('--json')) expect(stderr).toMatch(saying(code));
    }
  });
});

describe('unique', () => {
  test('lists what is nowhere else, or not below another directory', () => {
    const paths = (...args: string[]): string[] =>
      box.rows<UniqueRow>('unique', ...args).map(({ path }) => path);
    expect(paths('laptop')).toEqual(['laptop/notes']);
    expect(paths('laptop', '--than', 'odd')).toEqual(['laptop/notes', 'laptop/photos/a', 'laptop/photos/b']);
    expect(paths('stick')).toEqual([]);
    expect(paths('laptop/notes')).toEqual(['laptop/notes']);
    expect(paths('odd')).toEqual(['odd/h1', 'odd/h2']);
  });

  test('has rows with the fields of the contract, and paths as raw bytes', () => {
    const { hash } = box.stat('laptop/notes');
    expect(box.rows('unique', 'laptop')).toEqual([{ path: 'laptop/notes', hash, size: 9 }]);
    expect(box.run('unique', 'odd', '-0').stdout).toBe('odd/h1\0odd/h2\0');
    expect(box.run('unique', 'laptop')).toMatchObject({
      stdout: '9 B  laptop/notes\n',
      stderr: '1 file, 9 B.\n',
    });
  });
});

test('a process that holds the archive answers for others', async () => {
  const held = Box.make(scratch.path).write({ 'a/x': 'x', 'b/x': 'x' });
  held.ingest('--to', '/');
  const alone = { dups: held.run('dups', '--json').stdout, unique: held.run('unique', '/', '--json').stdout };
  const archive = await Archive.open(held.root, { mode: 'write' });
  try {
    expect((await held.start(['dups', '--json']).ended).stdout).toBe(alone.dups);
    expect((await held.start(['unique', '/', '--json']).ended).stdout).toBe(alone.unique);
    expect(parseRows<UniqueRow>(alone.unique).map(({ path }) => path)).toEqual(['a/x', 'b/x']);
  } finally {
    await archive.close();
  }
});

test('what dups remembers is no change of the archive, follows a change, and stands a replay', () => {
  const changing = Box.make(scratch.path).write({ 'a/x': 'x', 'b/x': 'x' });
  changing.ingest('--to', '/');
  const paths = (...args: string[]): string[] =>
    changing.rows<DupsRow>('dups', ...args).map((row) => row.paths.join(' '));
  const head = changing.head();
  expect(paths()).toEqual(['a b']);
  expect(changing.head()).toBe(head);
  changing.write({ 'b/y': 'y', 'c/y': 'y' }).ingest('--to', '/');
  expect([paths(), paths('--at', 'op:1')]).toEqual([['a/x b/x', 'b/y c/y'], ['a b']]);
  changing.expectReplayed();
  expect(changing.run('replay').status).toBe(0);
  expect(paths()).toEqual(['a/x b/x', 'b/y c/y']);
  changing.expectReplayed();
});

const onTerminal = testWhere(existsSync('/usr/bin/script'), 'no script(1) to make a terminal with');

onTerminal('on a terminal du and dups show bars of the directories two levels deep', () => {
  const run = (...args: string[]): string =>
    sh(`script -qec "'${process.execPath}' '${bin}' ${args.join(' ')}" /dev/null`)
      .replaceAll('\r', '')
      .replaceAll(/ {2,}/g, '  ');
  const bars = run('du', '-a', box.root).split('\n');
  expect(bars[0]).toMatch(/^ {2}\d+ B {2}█+▒*░+ {2}\/$/);
  expect(bars.filter((line) => / {2}(laptop|stick|odd|photos|empty)$/.test(line))).toHaveLength(6);
  expect(run('dups', '-a', box.root)).toContain('░ repeated here: could be freed\n3 groups: ');
});
