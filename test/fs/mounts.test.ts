import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { after, mountIdOf, parseMounts, readMounts, whereaboutsOf } from '../../src/fs/mounts.js';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();

test('a table of mounts is read with the blanks, newlines and bad bytes of its paths', () => {
  const table = Buffer.concat([
    Buffer.from(
      '36 35 98:0 /a\\040b /mnt/x\\012y\\134z rw master:1 - ext3 /dev/root rw\n37 35 0:45 / /\\303\\251/',
    ),
    Buffer.from([0xff]),
    Buffer.from(' rw - tmpfs none rw\n'),
  ]);
  expect(parseMounts(table)).toEqual([
    { id: '36', device: '98:0', root: '/a b', point: '/mnt/x\ny\\z' },
    { id: '37', device: '0:45', root: '/', point: '/é/\udcff' },
  ]);
});

test('what is below a directory has its whereabouts and its mount, at any depth', () => {
  const mounts = readMounts();
  const top = realpathSync(scratch.path);
  const deep = join(top, ...Array.from({ length: 30 }, () => 'x'.repeat(100)));
  mkdirSync(deep, { recursive: true });
  const [above, below] = [whereaboutsOf(top, mounts)!, whereaboutsOf(deep, mounts)!];
  expect(below.device).toBe(above.device);
  expect(after(below.path, above.path)).toBe(deep.slice(top.length + 1));
  expect(mountIdOf(deep)).toBe(mountIdOf(top));
  expect(whereaboutsOf('/', mounts)).not.toBeNull();
});

test.each([
  ['/a/b', '/a', 'b'],
  ['/a', '/a', ''],
  ['/ab', '/a', null],
  ['/a/b', '/', 'a/b'],
  ['/', '/a', null],
])('%s after %s is %j', (path, above, rest) => {
  expect(after(path, above)).toBe(rest);
});
