import { expect, test } from '@jest/globals';
import { childPath, requireBelow, treePath } from '../../src/fs/confined-path.js';

const AWAY = ['..', '.', '', '../x', 'a/..', 'a/../b', './a', 'a//b', '/a', 'a/./', 'a\0b'];

test.each(AWAY)('the recorded path %j is joined to no root', (path) => {
  expect(() => childPath('/r', path)).toThrow('leads elsewhere');
  if (path === '') return;
  expect(() => treePath('/r', path)).toThrow('leads elsewhere');
  expect(() => requireBelow('/r', `/r/${path}`)).toThrow('leads elsewhere');
});

test.each(['.hkfs', '.hkfs/objects'])('%s of an archive is no place of its tree', (path) => {
  expect(() => treePath('/r', path)).toThrow('leads elsewhere');
});

test('what is not below a root is refused, whatever it begins with', () => {
  for (const path of ['/', '/x', '/rest', '/r/../x'])
    expect(() => requireBelow('/r', path)).toThrow('leads elsewhere');
});

test('all other names are joined', () => {
  for (const path of ['a', '...', '..a/.b', 'a/.hkfs', '.hkfsx', '\udcff', 'n'.repeat(255), 'a/']) {
    expect(treePath('/r', path)).toBe(`/r/${path}`);
    requireBelow('/r', `/r/${path}`);
    requireBelow('/', `/${path}`);
  }
  expect(treePath('/r', '')).toBe('/r');
  requireBelow('/r', '/r');
});
