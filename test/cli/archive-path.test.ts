import { mkdtempSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

import { pathInArchive } from '../../src/cli/archive-path.js';

const place = { root: '/data/archive', cwd: (): string => '/data/archive/photos' };

test.each([
  ['', ''],
  ['/', ''],
  ['photos/2019', 'photos/2019'],
  ['/photos/2019', 'photos/2019'],
  ['.', 'photos'],
  ['./2019', 'photos/2019'],
  ['..', ''],
  ['../music', 'music'],
  ['/data/archive', ''],
  ['/data/archive/music', 'music'],
  ['/data/archive2/x', 'data/archive2/x'],
  ['.hidden', '.hidden'],
  ['..two', '..two'],
  ['a\udcff', 'a\udcff'],
])('%j written in photos/ means %j', (text, inside) => expect(pathInArchive(text, place)).toBe(inside));

test('a relative path that leads out of the archive is refused', () => {
  expect(() => pathInArchive('../../x', place)).toThrow(expect.objectContaining({ code: 'BAD_PATH' }));
});

test('an archive reached through a symlink takes real paths too', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hkfs-path-')));
  try {
    mkdirSync(join(folder, 'real/sub'), { recursive: true });
    symlinkSync('real', join(folder, 'link'));
    const linked = { root: join(folder, 'link'), cwd: (): string => join(folder, 'real/sub') };
    expect(pathInArchive('./a', linked)).toBe('sub/a');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
