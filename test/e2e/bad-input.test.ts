/** What cannot be done is said in one line with a code and a hint, and changes nothing. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { hashBytes, hashToHex } from '../../src/fs/hash.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, hkfs, saying } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let head: string;
let prefix: string;

/** Two short contents whose hashes begin with the same four digits. */
function contentsOfOnePrefix(): { contents: [string, string]; prefix: string } {
  const seen = new Map<string, string>();
  for (let number = 0; ; number += 1) {
    const content = `content ${number}`;
    const digits = hashToHex(hashBytes(Buffer.from(content))).slice(0, 4);
    const other = seen.get(digits);
    if (other !== undefined) return { contents: [other, content], prefix: digits };
    seen.set(digits, content);
  }
}

beforeAll(() => {
  const found = contentsOfOnePrefix();
  prefix = found.prefix;
  box = Box.make(scratch.path).write({ 'd/one': found.contents[0], 'd/two': found.contents[1] });
  fs.symlinkSync('d', join(box.source, 'link'));
  box.ingest();
  fs.mkdirSync(join(box.path, 'no-archive'));
  fs.symlinkSync('nowhere', join(box.path, 'dangling'));
  head = box.head();
});

type Case = readonly [title: string, args: () => readonly (string | Buffer)[], status: number, code: string];
const within = (...names: string[]): string => join(box.path, ...names);

const CASES: readonly Case[] = [
  ['no command of that name', () => ['lss'], 2, 'USAGE'],
  ['an unknown flag', () => ['ls', '--nonsense'], 2, 'USAGE'],
  ['a flag without its value', () => ['ls', '--at'], 2, 'USAGE'],
  ['a flag with a value it does not know', () => ['ingest', box.source, '--mode', 'steal'], 2, 'USAGE'],
  ['an argument too much', () => ['ls', 'source', 'more'], 2, 'USAGE'],
  ['an argument too few', () => ['cat'], 2, 'USAGE'],
  ['ingest of nothing', () => ['ingest'], 2, 'USAGE'],
  ['a source that is not there', () => ['ingest', within('nosuch')], 2, 'SOURCE_MISSING'],
  ['a source below a file', () => ['ingest', within('source/d/one/x')], 2, 'SOURCE_MISSING'],
  ['one missing source among others', () => ['ingest', box.source, within('nosuch')], 2, 'SOURCE_MISSING'],
  ['a source inside the archive', () => ['ingest', box.tree('source')], 2, 'SOURCE_IN_ARCHIVE'],
  ['the archive as its own source', () => ['ingest', box.root], 2, 'SOURCE_IN_ARCHIVE'],
  ['--to above the root', () => ['ingest', box.source, '--to', '../x'], 2, 'BAD_PATH'],
  ['--to through the root', () => ['ingest', box.source, '--to', 'a/../../x'], 2, 'BAD_PATH'],
  ['--to .hkfs', () => ['ingest', box.source, '--to', '.hkfs'], 2, 'BAD_TARGET'],
  ['--to below .hkfs', () => ['ingest', box.source, '--to', './/.hkfs/objects'], 2, 'BAD_TARGET'],
  ['--to a name of 256 bytes', () => ['ingest', box.source, '--to', 'x'.repeat(256)], 2, 'BAD_PATH'],
  ['--to through a file', () => ['ingest', box.source, '--to', 'source/d/one/x'], 2, 'BAD_TARGET'],
  ['--to through a symlink', () => ['ingest', box.source, '--to', 'source/link/x'], 2, 'BAD_TARGET'],
  ['ls of nothing', () => ['ls', 'nosuch'], 2, 'NOT_FOUND'],
  ['ls below a file', () => ['ls', 'source/d/one/x'], 2, 'NOT_FOUND'],
  ['ls above the root', () => ['ls', 'source/../..'], 2, 'BAD_PATH'],
  ['ls of .hkfs', () => ['ls', '.hkfs/objects'], 2, 'BAD_TARGET'],
  ['find below nothing', () => ['find', 'nosuch'], 2, 'NOT_FOUND'],
  ['find --size of no number', () => ['find', '--size', 'big'], 2, 'USAGE'],
  ['find --kind of no kind', () => ['find', '--kind', 'thing'], 2, 'USAGE'],
  ['find --same-as nothing', () => ['find', '--same-as', within('nosuch')], 2, 'SOURCE_MISSING'],
  ['du of nothing', () => ['du', 'nosuch'], 2, 'NOT_FOUND'],
  ['cat of a directory', () => ['cat', 'source/d'], 2, 'NOT_A_FILE'],
  ['cat of a symlink', () => ['cat', 'source/link'], 2, 'NOT_A_FILE'],
  ['cat of nothing', () => ['cat', 'nosuch'], 2, 'NOT_FOUND'],
  ['stat of nothing', () => ['stat', 'nosuch'], 2, 'NOT_FOUND'],
  ['stat of an empty word', () => ['stat', 'source/nosuch'], 2, 'NOT_FOUND'],
  ['stat of a hash that is not there', () => ['stat', '0'.repeat(64)], 2, 'NOT_FOUND'],
  ['stat of too few digits', () => ['stat', prefix.slice(0, 3)], 2, 'NOT_FOUND'],
  ['stat of digits of two hashes', () => ['stat', prefix], 2, 'AMBIGUOUS_PREFIX'],
  ['cat of digits of two hashes', () => ['cat', prefix], 2, 'AMBIGUOUS_PREFIX'],
  ['find of digits of two hashes', () => ['find', '--hash', prefix], 2, 'AMBIGUOUS_PREFIX'],
  ['stat of an inode that is not there', () => ['stat', 'ino:1'], 2, 'NOT_FOUND'],
  ['verify for no span of time', () => ['verify', '--budget', 'soon'], 2, 'USAGE'],
  ['init where an archive is', () => ['init', box.root], 2, 'ALREADY_AN_ARCHIVE'],
  ['init on a file', () => ['init', within('source/d/one')], 2, 'NOT_A_DIRECTORY'],
  ['init below a file', () => ['init', within('source/d/one/x')], 2, 'NOT_A_DIRECTORY'],
  ['init on a dangling symlink', () => ['init', within('dangling')], 2, 'NOT_A_DIRECTORY'],
  ['init on a path of no UTF-8', () => ['init', Buffer.from(`${box.path}/\xff`, 'latin1')], 2, 'BAD_PATH'],
  ['a file as the archive', () => ['ls', '-a', within('source/d/one')], 6, 'NOT_AN_ARCHIVE'],
  ['a directory without an archive', () => ['ls', '-a', within('no-archive')], 6, 'NOT_AN_ARCHIVE'],
  ['an archive that is not there', () => ['ingest', box.source, '-a', within('nosuch')], 6, 'NOT_AN_ARCHIVE'],
];

describe.each(CASES)('%s', (_title, args, status, code) => {
  test(`is refused with ${code} and exit ${status}, on stderr alone`, () => {
    const run = box.run(...args());
    expect({ status: run.status, stdout: run.stdout }).toEqual({ status, stdout: '' });
    expect(run.stderr).toMatch(saying(code));
  });
});

test('after all of that the history is as it was, and nothing lies about', () => {
  expect(box.head()).toBe(head);
  expect(fs.readdirSync(box.path).toSorted()).toEqual(['archive', 'dangling', 'no-archive', 'source']);
  expect(fs.readdirSync(within('no-archive'))).toEqual([]);
  box.expectSound();
});

test('no archive here or above is told with exit 6', () => {
  const { status, stderr } = hkfs(['ls'], { cwd: within('no-archive') });
  expect({ status, stderr }).toEqual({ status: 6, stderr: expect.stringMatching(saying('NOT_AN_ARCHIVE')) });
});

describe('ingest --init and a .hkfs that has no archive.json', () => {
  const lost = (name: string): Box => {
    const own = new Box(within(), within(name), box.source);
    expect(hkfs(['init', own.root]).status).toBe(0);
    fs.rmSync(own.tree('.hkfs/archive.json'));
    fs.mkdirSync(own.tree('in'));
    return own;
  };
  const expectUntouched = (own: Box, cwd: string, args: readonly string[], code: string): void => {
    const before = fs.readdirSync(own.root, { recursive: true });
    const { status, stderr } = hkfs(['ingest', box.source, '--init', ...args], { cwd });
    expect({ status, stderr }).toEqual({
      status: code === 'NOT_AN_ARCHIVE' ? 6 : 2,
      stderr: expect.stringMatching(saying(code)),
    });
    expect(stderr).not.toContain('hkfs init');
    expect(fs.readdirSync(own.root, { recursive: true })).toEqual(before);
  };

  test('in the folder that is named, or here: ALREADY_AN_ARCHIVE, and nothing is touched', () => {
    const own = lost('lost');
    expectUntouched(own, within(), ['-a', own.root], 'ALREADY_AN_ARCHIVE');
    expectUntouched(own, own.root, [], 'ALREADY_AN_ARCHIVE');
  });

  test('in a folder above: no archive is made within it', () => {
    const own = lost('lost above');
    expectUntouched(own, own.tree('in'), [], 'NOT_AN_ARCHIVE');
  });

  test('that is a file: DIRECTORY_NOT_EMPTY', () => {
    const own = new Box(within(), within('with a file'), box.source);
    fs.mkdirSync(own.root);
    fs.writeFileSync(own.tree('.hkfs'), 'mine');
    expectUntouched(own, own.root, [], 'DIRECTORY_NOT_EMPTY');
    expect(fs.readFileSync(own.tree('.hkfs'), 'utf8')).toBe('mine');
  });
});

describe('archive.json', () => {
  const cases: readonly (readonly [string, number, (text: string) => string, string])[] = [
    ['of a newer format', 6, (text) => text.replace(/"format": \d+/, '"format": 99'), 'NEWER_FORMAT'],
    ['that is no JSON', 4, () => 'not json', 'ARCHIVE_FILE_DAMAGED'],
    ['that is empty', 4, () => '', 'ARCHIVE_FILE_DAMAGED'],
  ];
  test.each(cases)('%s is refused by queries and changes with exit %d', (_title, status, change, code) => {
    const own = Box.make(scratch.path).write({ a: 'a' });
    const path = own.tree('.hkfs/archive.json');
    fs.writeFileSync(path, change(fs.readFileSync(path, 'utf8')));
    for (const args of [['ls'], ['ingest', own.source]])
      expect(own.run(...args)).toMatchObject({ status, stderr: expect.stringMatching(saying(code)) });
    expect(fs.readdirSync(own.root)).toEqual(['.hkfs']);
  });
});

test('under --json an error is one object on stderr', () => {
  const { status, stdout, stderr } = box.run('stat', 'nosuch', '--json');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NOT_FOUND', hint: expect.any(String) } });
});
