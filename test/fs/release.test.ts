/** What is given up after a commit: only names whose bytes the object has. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { hashBytes } from '../../src/fs/hash.js';
import { loadPosix } from '../../src/fs/posix.js';
import { releaseSources } from '../../src/fs/release.js';
import { StatTable } from '../../src/fs/stats.js';
import type { ReleaseItem, ReleaseResult } from '../../src/fs/tasks.js';
import { scratchDirectory, testWhen } from './scratch.js';

const LARGE = Buffer.alloc((2 << 20) + 5, 'large ');
const posix = loadPosix();
const scratch = scratchDirectory();
let root: string;
let source: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(scratch.path, 'release-'));
  fs.mkdirSync(join(root, 'staging'));
  source = join(root, 'source');
});

function objectOf(content: Buffer, bytes = content): string {
  const hash = hashBytes(content).toString('hex');
  fs.mkdirSync(join(root, 'objects', hash.slice(0, 2)), { recursive: true });
  const path = join(root, 'objects', hash.slice(0, 2), hash.slice(2));
  fs.writeFileSync(path, bytes);
  return path;
}

function itemOf(object: string | null, options: Partial<ReleaseItem> = {}): ReleaseItem {
  const expected = new StatTable(1);
  expected.set(0, fs.lstatSync(source, { bigint: true }));
  return { path: source, object, relink: false, expected: expected.values, adopted: false, ...options };
}

function release(item: ReleaseItem): ReleaseResult & { codes: string[] } {
  const block = Buffer.alloc(1 << 20);
  const context = { posix, block, zeros: block, onBlock: () => {} };
  const result = releaseSources({ task: 'release', staging: join(root, 'staging'), items: [item] }, context);
  return { ...result, codes: [...result.failures.values()].map(({ code }) => code) };
}

const inode = (path: string): bigint => fs.lstatSync(path, { bigint: true }).ino;

describe.each([
  ['small', Buffer.from('content')],
  ['large', LARGE],
])('a %s source', (_size, content) => {
  const other = Buffer.from(content);
  other[other.length - 1] = 0x21;

  test.each([false, true])('whose bytes the object has is given up; as a link: %s', (relink) => {
    fs.writeFileSync(source, content);
    const object = objectOf(content);
    expect(release(itemOf(object, { relink }))).toMatchObject({ codes: [], wrong: [] });
    expect(fs.existsSync(source)).toBe(relink);
    if (relink) expect(inode(source)).toBe(inode(object));
  });

  test.each([false, true])(
    'that has other bytes, and the times that it had, stays; as a link: %s',
    (relink) => {
      fs.writeFileSync(source, other);
      const result = release(itemOf(objectOf(content), { relink }));
      expect(result).toMatchObject({ codes: ['ESTALE'], wrong: [] });
      expect(fs.readFileSync(source).equals(other)).toBe(true);
    },
  );

  test.each([false, true])('stays where it is the object that is wrong; as a link: %s', (relink) => {
    fs.writeFileSync(source, content);
    const result = release(itemOf(objectOf(content, other), { relink }));
    expect(result).toMatchObject({ codes: ['EBADMSG'], wrong: [0] });
    expect(fs.readFileSync(source).equals(content)).toBe(true);
  });

  test.each([false, true])('stays where the object is not there; as a link: %s', (relink) => {
    fs.writeFileSync(source, content);
    const object = objectOf(content);
    fs.rmSync(object);
    expect(release(itemOf(object, { relink })).codes).toEqual(['ENOENT']);
    expect(fs.readFileSync(source).equals(content)).toBe(true);
  });
});

test("a name of the object's own inode goes, and what that did to the inode is told", () => {
  fs.writeFileSync(source, 'content');
  const object = objectOf(Buffer.from('content'));
  fs.rmSync(object);
  fs.linkSync(source, object);
  const result = release(itemOf(object, { adopted: true }));
  expect(result.codes).toEqual([]);
  expect([...result.touched]).toEqual([0]);
  expect(new StatTable(result.before).get(0)).toMatchObject({ ino: inode(object), nlink: 2n });
  expect(new StatTable(result.after).get(0)).toMatchObject({ ino: inode(object), nlink: 1n });
});

test('an inode that was to be the object, and is not, is compared as any other', () => {
  fs.writeFileSync(source, 'another');
  expect(release(itemOf(objectOf(Buffer.from('content')), { adopted: true })).codes).toEqual(['ESTALE']);
  expect(fs.existsSync(source)).toBe(true);
});

test('a symlink goes while it is the one that was seen, an empty file while it is empty', () => {
  fs.symlinkSync('anywhere', source);
  const item = itemOf(null);
  expect(release(item).codes).toEqual([]);
  fs.writeFileSync(source, '');
  const empty = itemOf(null);
  fs.writeFileSync(source, 'filled');
  expect(release(empty).codes).toEqual(['ESTALE']);
  fs.writeFileSync(source, '');
  expect(release(itemOf(null)).codes).toEqual([]);
  expect(fs.existsSync(source)).toBe(false);
});

testWhen(posix !== null, 'needs koffi')('what somebody has open for writing stays: EBUSY', () => {
  fs.writeFileSync(source, 'content');
  const fd = fs.openSync(source, 'r+');
  try {
    expect(release(itemOf(objectOf(Buffer.from('content')))).codes).toEqual(['EBUSY']);
  } finally {
    fs.closeSync(fd);
  }
  expect(release(itemOf(objectOf(Buffer.from('content')))).codes).toEqual([]);
});
