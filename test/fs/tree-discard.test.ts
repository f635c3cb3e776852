/** An inode of an object goes from the hash tree, and nothing else. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { applyTreeOperations } from '../../src/fs/tree-operations.js';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
let root: string;
let object: string;

beforeEach(() => {
  root = fs.mkdtempSync(join(scratch.path, 'tree-'));
  for (const directory of ['objects/ab', 'staging']) fs.mkdirSync(join(root, directory), { recursive: true });
  object = join(root, 'objects/ab', 'c'.repeat(62));
  for (const twin of ['', '.1', '.2']) fs.writeFileSync(object + twin, 'content');
});

/** @returns the codes of what could not be done */
function discard({ dev, ino }: fs.BigIntStats): string[] {
  const operation = { op: 'discard', path: object, device: dev, inode: ino } as const;
  const staging = join(root, 'staging');
  const { failures } = applyTreeOperations({ task: 'tree', root, staging, operations: [operation] });
  return [...failures.values()].map(({ code }) => code);
}

const statOf = (path: string): fs.BigIntStats => fs.lstatSync(path, { bigint: true });
const left = (): string[] => fs.readdirSync(join(root, 'objects/ab')).map((name) => name.slice(62));

test('the newest twin first, then the others; a second time nothing happens', () => {
  const stats = ['.2', '.1', ''].map((twin) => statOf(object + twin));
  for (const [index, stat] of stats.entries()) {
    for (let time = 0; time < 2; time += 1) expect(discard(stat)).toEqual([]);
    expect(left()).toEqual(['', '.1', '.2'].slice(0, 2 - index));
  }
});

test('a file that is another inode stays', () => {
  const { dev, ino } = statOf(object);
  expect(discard({ dev: dev + 1n, ino } as fs.BigIntStats)).toEqual([]);
  expect(discard({ dev, ino: 1n } as fs.BigIntStats)).toEqual([]);
  expect(left()).toEqual(['', '.1', '.2']);
});

test('a file that has got another name stays, and that is said', () => {
  fs.linkSync(object, join(root, 'linked'));
  expect(discard(statOf(object))).toEqual(['ECONFLICT']);
  expect(left()).toEqual(['', '.1', '.2']);
});
