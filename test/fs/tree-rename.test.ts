/** One rename on the tree: nothing of a person's own goes, and it may be applied twice. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import type { Previous, TreeResult } from '../../src/fs/tasks.js';
import { applyTreeOperations, isAsLeft } from '../../src/fs/tree-operations.js';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
let root: string;
const at = (path: string): string => join(root, path);
const objectOf = (content: string): string => at(`objects/ab/${content.padEnd(62, '0')}`);

beforeEach(() => {
  root = fs.mkdtempSync(join(scratch.path, 'tree-'));
  for (const directory of ['objects/ab', 'staging', 'd', 'e'])
    fs.mkdirSync(at(directory), { recursive: true });
  for (const content of ['one', 'two']) fs.writeFileSync(objectOf(content), content);
  fs.linkSync(objectOf('one'), at('d/f'));
});

function rename(from: string, to: string, previous: Previous | null = null): TreeResult {
  const operation = { op: 'rename', from: at(from), to: at(to), previous } as const;
  return applyTreeOperations({ task: 'tree', root, staging: at('staging'), operations: [operation] });
}

const codes = ({ failures }: TreeResult): string[] => [...failures.values()].map(({ code }) => code);

test('a directory moves with all that is in it, and a second time nothing happens', () => {
  for (let time = 0; time < 2; time += 1) expect(codes(rename('d', 'e/n'))).toEqual([]);
  expect(fs.readdirSync(at('e/n'))).toEqual(['f']);
  expect(fs.existsSync(at('d'))).toBe(false);
});

test('a file takes the place of what the archive had put there', () => {
  fs.linkSync(objectOf('two'), at('e/g'));
  expect(codes(rename('d/f', 'e/g', { kind: 'object', object: objectOf('two') }))).toEqual([]);
  expect(fs.readFileSync(at('e/g'), 'utf8')).toBe('one');
  expect(fs.readdirSync(at('d'))).toEqual([]);
});

test('a file takes the place of another name of its own inode, and is gone from the old one', () => {
  fs.linkSync(objectOf('one'), at('e/g'));
  expect(codes(rename('d/f', 'e/g', { kind: 'object', object: objectOf('one') }))).toEqual([]);
  expect(fs.readdirSync(at('d'))).toEqual([]);
  expect(codes(rename('d/f', 'e/g', { kind: 'object', object: objectOf('one') }))).toEqual([]);
  expect(fs.readFileSync(at('e/g'), 'utf8')).toBe('one');
});

test.each([
  ['where nothing was', null],
  ['in the place of a file of the archive', { kind: 'object', object: 'two' }],
  ['in the place of an empty file', { kind: 'empty' }],
  ['in the place of a symlink', { kind: 'symlink', target: 't' }],
] as const)("a person's own file %s stays, and so does the entry", (_where, previous) => {
  fs.writeFileSync(at('e/g'), 'mine');
  const known = previous?.kind === 'object' ? { ...previous, object: objectOf(previous.object) } : previous;
  expect(isAsLeft(at('e/g'), known)).toBe(false);
  expect(codes(rename('d/f', 'e/g', known))).toEqual(['ECONFLICT']);
  expect(fs.readFileSync(at('e/g'), 'utf8')).toBe('mine');
  expect(fs.readFileSync(at('d/f'), 'utf8')).toBe('one');
});

test('nothing is renamed through a symlink', () => {
  fs.symlinkSync(at('e'), at('link'));
  expect(codes(rename('d/f', 'link/f'))).toEqual(['ENOTDIR']);
  expect(codes(rename('link/x', 'd/x'))).toEqual(['ENOTDIR']);
  expect(fs.readdirSync(at('e'))).toEqual([]);
});

test('a name at which nothing is, is as the archive left it', () => {
  expect(isAsLeft(at('e/none'), null)).toBe(true);
  expect(isAsLeft(at('d/f'), { kind: 'object', object: objectOf('one') })).toBe(true);
});
