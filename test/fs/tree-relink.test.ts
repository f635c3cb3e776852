/** A name is given up for a link to a healed object only where its bytes are the same, or were kept. */
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { applyTreeOperations } from '../../src/fs/tree-operations.js';
import { StatTable } from '../../src/fs/stats.js';
import type { TreeOperation, TreeResult } from '../../src/fs/tasks.js';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
const DIGITS = '0'.repeat(62);
const HASH = `ab${DIGITS}`;
let root: string;
let object: string;
let path: string;
let aside: string;

beforeEach(() => {
  root = mkdtempSync(join(scratch.path, 'tree-'));
  for (const name of ['staging', 'objects/ab']) mkdirSync(join(root, '.hkfs', name), { recursive: true });
  object = join(root, '.hkfs/objects/ab', DIGITS);
  path = join(root, 'name');
  aside = join(root, '.hkfs/damaged');
  writeFileSync(object, 'the good bytes');
});

function relink(options: Partial<Extract<TreeOperation, { op: 'relink' }>> = {}): TreeResult {
  const { dev: device, ino: inode } = lstatSync(path, { bigint: true });
  const operation = { op: 'relink', path, object, inodes: [{ device, inode }], mayMake: false } as const;
  const staging = join(root, '.hkfs/staging');
  const operations = [{ ...operation, aside: null, ...options }];
  const result = applyTreeOperations({ task: 'tree', root, staging, operations });
  expect(readdirSync(staging)).toEqual([]);
  return result;
}

function isLink(): boolean {
  return lstatSync(path, { bigint: true }).ino === lstatSync(object, { bigint: true }).ino;
}

test('the same bytes on a lost inode become a link', () => {
  writeFileSync(path, 'the good bytes');
  expect(relink()).toMatchObject({ failures: new Map(), kept: [] });
  expect(isLink()).toBe(true);
});

test.each(['other bytes', 'THE good bytes', '', 'the good bytes and more'])(
  'on the very inode that was named, %j is left alone and told',
  (bytes) => {
    writeFileSync(path, bytes);
    expect(relink().failures.get(0)?.code).toBe('ECONFLICT');
    expect(readFileSync(path, 'utf8')).toBe(bytes);
  },
);

test('bytes that were told damaged are kept aside before the name becomes a link', () => {
  writeFileSync(path, 'rotten');
  const { ino } = lstatSync(path);
  expect(relink({ aside })).toMatchObject({ failures: new Map(), kept: [0] });
  expect(isLink()).toBe(true);
  expect(readFileSync(join(aside, `${HASH}-${ino}`), 'utf8')).toBe('rotten');
});

test('bytes kept before do not stand in the way, and another inode of the number is kept beside them', () => {
  writeFileSync(path, 'rotten');
  const { ino } = lstatSync(path);
  mkdirSync(aside);
  linkSync(path, join(aside, `${HASH}-${ino}`));
  expect(relink({ aside }).kept).toEqual([0]);
  expect(readdirSync(aside)).toEqual([`${HASH}-${ino}`]);

  const other = join(root, 'other');
  writeFileSync(other, 'rotten as well');
  path = other;
  writeFileSync(join(aside, `${HASH}-${lstatSync(other).ino}`), 'of another');
  expect(relink({ aside }).kept).toEqual([0]);
  expect(
    readdirSync(aside)
      .map((name) => readFileSync(join(aside, name), 'utf8'))
      .toSorted(),
  ).toEqual(['of another', 'rotten', 'rotten as well']);
});

test('a name of an inode that was not lost stays, whatever its bytes are', () => {
  writeFileSync(path, 'the good bytes');
  expect(relink({ inodes: [{ device: 1n, inode: 1n }], aside })).toMatchObject({
    kept: [],
    failures: new Map(),
  });
  expect(isLink()).toBe(false);
});

test('a file that was read and adopted gives way to an object with its bytes only', () => {
  writeFileSync(path, 'THE good bytes');
  const stat = new StatTable(1);
  stat.set(0, lstatSync(path, { bigint: true }));
  const previous = { kind: 'adopted', stat: stat.values } as const;
  const operations: TreeOperation[] = [{ op: 'link', path, object, previous }];
  const task = { task: 'tree', root, staging: join(root, '.hkfs/staging'), operations } as const;
  expect(applyTreeOperations(task).failures.get(0)?.code).toBe('ECONFLICT');
  writeFileSync(object, 'THE good bytes');
  expect(applyTreeOperations(task).failures.size).toBe(0);
  expect(isLink()).toBe(true);
});
