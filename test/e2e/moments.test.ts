/** Every query answers as of any moment, however the moment is written. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { DuRow, OperationRow } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, saying, until } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let operations: OperationRow[];
let words: string;

/** The first whole second after an operation's end. */
const secondAfter = (row: OperationRow): number => Math.floor(Date.parse(row.ended!) / 1000 + 1) * 1000;

beforeAll(async () => {
  box = Box.make(scratch.path).write({ 'd/same': 'same', 'd/changed': 'first', 'd/gone': 'gone!' });
  box.ingest();
  const second = secondAfter(box.ops()[0]!);
  await until(() => Date.now() > second, 'the second in which the first ingest ended was over');
  words = new Date(second).toUTCString().replace('GMT', 'UTC');
  box.write({ 'd/changed': 'second version', 'd/new': 'new' });
  rmSync(join(box.source, 'd/gone'));
  box.ingest('--mirror');
  operations = box.ops();
});

const MOMENTS: readonly (readonly [string, () => string])[] = [
  ['a position', () => `@${operations[0]!.last}`],
  ['an operation', () => 'op:1'],
  ['an ISO time', () => operations[0]!.ended!],
  [
    'an ISO time of another zone',
    () => new Date(Date.parse(operations[0]!.ended!) + 7_200_000).toISOString().replace('Z', '+02:00'),
  ],
  ['a phrase', () => words],
];

describe.each(MOMENTS)('%s means the state then, for', (_title, moment) => {
  const at = (): string[] => ['--at', moment()];

  test('ls', () => {
    const names = box.paths('source/d', ...at()).map((path) => path.slice('source/d/'.length));
    expect(names).toEqual(['changed', 'gone', 'same']);
    expect(box.rows('ls', 'source/d/changed', ...at())[0]!.size).toBe(5);
  });

  test('stat', () => {
    expect(box.stat('source/d/gone', ...at())).toMatchObject({ size: 5, paths: ['source/d/gone'] });
  });

  test('find', () => {
    const found = box.rows('find', '--kind', 'file', ...at()).map(({ size }) => size);
    expect(found).toEqual([5, 5, 4]);
  });

  test('du', () => {
    expect(box.rows<DuRow>('du', ...at())).toMatchObject([
      { bytes: 14, files: 3, uniqueBytes: 14, sharedBytes: 0 },
    ]);
  });

  test('cat', () => {
    expect(box.run('cat', 'source/d/changed', ...at()).stdout).toBe('first');
    expect(box.run('cat', 'source/d/gone', ...at()).stdout).toBe('gone!');
    const { status, stderr } = box.run('cat', 'source/d/new', ...at());
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('[NOT_FOUND]') });
  });
});

test('without --at the newest state is meant, and "now" is the same', () => {
  for (const at of [[], ['--at', 'now'], ['--at', `@${operations[1]!.last}`], ['--at', 'op:2']]) {
    expect(box.rows('ls', 'source/d', ...at).map(({ size }) => size)).toEqual([14, 3, 4]);
    expect(box.run('cat', 'source/d/gone', ...at).status).toBe(2);
  }
});

test('a content that is named no more is told with its past paths, now and then', () => {
  const { hash } = box.stat('source/d/gone', '--at', 'op:1');
  expect(box.stat(hash!)).toMatchObject({ paths: [], pastPaths: ['source/d/gone'] });
  expect(box.stat(hash!, '--at', 'op:1')).toMatchObject({ paths: ['source/d/gone'], pastPaths: [] });
  expect(box.run('cat', hash!).stdout).toBe('gone!');
});

test('positions within an operation show the state between its events', () => {
  const { first } = operations[0]!;
  expect(box.paths('--at', `@${first}`)).toEqual([]);
  expect(box.paths('--at', '@0')).toEqual([]);
});

test.each([
  ['before the beginning', '2001-01-01'],
  ['a position after the end', '@99999'],
  ['an operation that never was', 'op:99'],
  ['a tag that never was', 'tag:none'],
  ['in the future', '2999-01-01T00:00:00Z'],
  ['no date', '2026-13-45'],
  ['no number', '@x'],
  ['a negative number', '@-1'],
  ['nonsense', 'the day of the pig'],
  ['of blanks', ' '],
])('a moment %s is refused', (_title, moment) => {
  const { status, stdout, stderr } = box.run('ls', `--at=${moment}`);
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(saying('BAD_MOMENT')),
  });
});
