/** `similar` as a person runs it. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { SimilarRow } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, parseRows, saying } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;
let head: string;
beforeAll(() => {
  box = Box.make(scratch.path).write({
    'laptop/one': '1'.repeat(60),
    'laptop/deep/two': '2'.repeat(30),
    'laptop/deep/three': '3'.repeat(10),
    'laptop/empty': '',
    'backup/2015/other name': '1'.repeat(60),
    'backup/2015/x/2': '2'.repeat(30),
    'backup/2015/x/more': 'm'.repeat(60),
    'stick/three': '3'.repeat(10),
    'unlike/file': 'nothing else has this',
  });
  box.ingest(box.source, '--to', '/');
  head = box.head();
});

const laptopInBackup = {
  path: 'backup/2015',
  containment: 0.9,
  ...{ sharedBytes: 90, missingFiles: 1, missingBytes: 10, sharedFiles: 2, fileContainment: 2 / 3 },
  ...{ reverseContainment: 0.6, reverseFileContainment: 2 / 3 },
};

describe('similar PATH', () => {
  test('tells which directories hold how much of it both ways, best first, whatever the layout', () => {
    expect(box.rows('similar', 'laptop')).toEqual([laptopInBackup]);
    expect(box.rows<SimilarRow>('similar', 'laptop', '--min', '0').map(({ path }) => path)).toEqual([
      'backup/2015',
      'backup/2015/x',
      'stick',
    ]);
    expect(box.rows('similar', 'laptop', '--min', '91%')).toEqual([]);
  });

  test('with --missing lists the files that are not there', () => {
    expect(box.rows<SimilarRow>('similar', '/laptop', '--missing')[0]!.missing).toEqual([
      { path: 'laptop/deep/three', hash: box.stat('laptop/deep/three').hash, size: 10 },
    ]);
    expect(box.run('similar', 'laptop', '--missing').stdout).toBe(
      'backup/2015: 90 % of the bytes (90 B), 66 % of the files, 1 file (10 B) missing, the other way 60 %\n' +
        '    laptop/deep/three  10 B\n',
    );
    expect(box.run('similar', 'laptop', '-0').stdout).toBe('backup/2015\0');
  });

  test('of what has no copy, or no content, gives nothing', () => {
    expect(box.rows('similar', 'unlike')).toEqual([]);
  });
});

test('similar --outside tells which directories of the archive hold a directory, and names what is missing', () => {
  const outside = new Box(box.path, box.root, join(box.path, 'disk'));
  outside.write({ 'p/1': '1'.repeat(60), 'p/new': 'n'.repeat(20), 'p/new again': 'n'.repeat(20) });
  const run = box.run('similar', '--outside', 'disk', '--missing', '--json');
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
  const rows = parseRows<SimilarRow>(run.stdout);
  expect(rows.map(({ path, containment }) => [path, containment])).toEqual([
    ['laptop', 0.6],
    ['backup/2015', 0.6],
  ]);
  expect(rows[0]).toMatchObject({ missingFiles: 2, missingBytes: 40 });
  expect(rows[0]!.missing!.map(({ path }) => path)).toEqual(['disk/p/new', 'disk/p/new again']);
});

test('similar --all tells all pairs once, the better way round', () => {
  const rows = box.rows<SimilarRow>('similar', '--all');
  expect(rows.map(({ of, path, containment }) => [of, path, containment])).toEqual([
    ['stick', 'laptop/deep', 1],
    ['laptop', 'backup/2015', 0.9],
  ]);
  expect(box.run('similar', '--all', '--min', '1').stdout).toBe(
    'stick  is in  laptop/deep: 100 % of the bytes (10 B), 100 % of the files, nothing is missing, the other way 25 %\n',
  );
});

describe('bad input', () => {
  test.each([
    ['nothing', [], 'USAGE'],
    ['a path and --all', ['laptop', '--all'], 'USAGE'],
    ['a path and --outside', ['laptop', '--outside', '/'], 'USAGE'],
    ['a path that is not there', ['nosuch'], 'NOT_FOUND'],
    ['the root', ['/'], 'BAD_TARGET'],
    ['a file', ['laptop/one'], 'NOT_A_DIRECTORY'],
    ['no share', ['laptop', '--min', '2'], 'USAGE'],
    ['no number', ['laptop', '--min', 'much'], 'USAGE'],
    ['an outside directory that is not there', ['--outside', '/nosuch'], 'SOURCE_MISSING'],
    ['--checksum without --outside', ['laptop', '--checksum'], 'USAGE'],
  ])('%s is refused', (_title, args, code) => {
    expect(box.run('similar', ...args)).toMatchObject({
      ...{ status: 2, stdout: '', stderr: expect.stringMatching(saying(code)) },
    });
    expect(box.head()).toBe(head);
  });
});
