import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from '@jest/globals';
import * as fc from 'fast-check';

import { loadLibc, type Libc } from '../../src/fs/libc.js';
import { compareNames } from '../../src/fs/names.js';
import { loadPosix, Posix } from '../../src/fs/posix.js';
import { codeThrownBy, hasTool, isRoot, scratchDirectory, testWhen } from './scratch.js';

const scratch = scratchDirectory();
const loaded = loadPosix();
const posix = loaded as Posix;

/** Xattrs of user.* need a filesystem that has them; tmpfs had none before Linux 6.6. */
function hasUserXattrs(): boolean {
  const path = `/tmp/hkfs-xattr-probe-${process.pid}`;
  try {
    execFileSync('sh', ['-c', 'touch "$1" && setfattr -n user.probe -v x "$1"', 'sh', path], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  } finally {
    execFileSync('rm', ['-f', path]);
  }
}

const xattrTest = testWhen(
  loaded !== null && hasTool('setfattr') && hasUserXattrs(),
  'no user xattrs in /tmp',
);

function emptyFile(name: string): string {
  const path = join(scratch.path, name);
  writeFileSync(path, '');
  return path;
}

/** A libc in which calls are replaced, as another process could make the real ones behave. */
function posixWith(changes: (libc: Libc) => Partial<Libc>): Posix {
  const libc = loadLibc() as Libc;
  return new Posix({ ...libc, ...changes(libc) });
}

xattrTest('a file without attributes has none', () => {
  const path = emptyFile('bare');
  expect([posix.llistxattr(path), posix.readXattrs(path)]).toEqual([[], []]);
});

xattrTest('what was set is read back, sorted, with empty and binary values', () => {
  const names = fc.string({
    unit: fc.constantFrom('a', 'B', '.', 'é', '\udcff'),
    minLength: 1,
    maxLength: 20,
  });
  const value = fc.uint8Array({ maxLength: 300 });
  let round = 0;
  fc.assert(
    fc.property(fc.dictionary(names, value, { maxKeys: 5 }), (wanted) => {
      const path = emptyFile(`set-${round++}`);
      const expected = Object.entries(wanted).map(([name, bytes]) => [`user.${name}`, bytes] as const);
      for (const [name, bytes] of expected) posix.lsetxattr(path, name, bytes);
      expect(posix.readXattrs(path)).toEqual([...expected].sort(([a], [b]) => compareNames(a, b)));
    }),
    { numRuns: 50 },
  );
});

xattrTest('setfattr and getfattr see the same attributes', () => {
  const path = emptyFile('tools');
  execFileSync('setfattr', ['-n', 'user.theirs', '-v', 'their value', path]);
  posix.lsetxattr(path, 'user.ours', Buffer.from('our value'));
  expect(Buffer.from(posix.lgetxattr(path, 'user.theirs')).toString()).toBe('their value');
  expect(execFileSync('getfattr', ['-d', path], { encoding: 'utf8' })).toContain('user.ours="our value"');
});

xattrTest('an attribute is replaced, removed, and then gone', () => {
  const path = emptyFile('removed');
  posix.lsetxattr(path, 'user.a', Buffer.from('long'));
  posix.lsetxattr(path, 'user.a', Buffer.from('x'));
  expect(posix.lgetxattr(path, 'user.a')).toEqual(Uint8Array.from([0x78]));
  posix.lremovexattr(path, 'user.a');
  expect(codeThrownBy(() => posix.lgetxattr(path, 'user.a'))).toBe('ENODATA');
  expect(codeThrownBy(() => posix.lremovexattr(path, 'user.a'))).toBe('ENODATA');
});

xattrTest('values and lists of more than 1 KiB are whole', () => {
  const path = emptyFile('large');
  const value = Buffer.alloc(1_500, 7);
  const names = Array.from({ length: 6 }, (_, index) => `user.${'n'.repeat(200)}${index}`);
  posix.lsetxattr(path, 'user.big', value);
  for (const name of names) posix.lsetxattr(path, name, Buffer.of(1));
  const read = posix.readXattrs(path);
  expect(read.map(([name]) => name)).toEqual(['user.big', ...names]);
  expect(read[0]?.[1]).toEqual(Uint8Array.from(value));
});

xattrTest('values read stay as they were when others are read later', () => {
  const path = emptyFile('copies');
  posix.lsetxattr(path, 'user.a', Buffer.from('aaa'));
  posix.lsetxattr(path, 'user.b', Buffer.from('bbb'));
  const [first] = posix.readXattrs(path);
  posix.lgetxattr(path, 'user.b');
  expect(Buffer.from(first?.[1] ?? []).toString()).toBe('aaa');
});

xattrTest('an attribute that vanishes after it was listed is left out', () => {
  const path = emptyFile('vanishing');
  posix.lsetxattr(path, 'user.goes', Buffer.of(1));
  posix.lsetxattr(path, 'user.stays', Buffer.of(2));
  const racing = posixWith((libc) => ({
    llistxattr: (target, list, size) => {
      const length = libc.llistxattr(target, list, size);
      execFileSync('setfattr', ['-x', 'user.goes', path]);
      return length;
    },
  }));
  expect(racing.readXattrs(path)).toEqual([['user.stays', Uint8Array.of(2)]]);
});

xattrTest('an attribute that grows between two reads is whole', () => {
  const path = emptyFile('growing');
  posix.lsetxattr(path, 'user.grows', Buffer.alloc(1_500, 1));
  let failure = 0;
  const racing = posixWith((libc) => ({
    lgetxattr: (target, name, value, size) => {
      const length = libc.lgetxattr(target, name, value, size);
      failure = libc.errno();
      if (length < 0) posix.lsetxattr(path, 'user.grows', Buffer.alloc(3_000, 2));
      return length;
    },
    errno: () => failure,
  }));
  expect(racing.lgetxattr(path, 'user.grows')).toEqual(new Uint8Array(3_000).fill(2));
});

xattrTest('a filesystem without attributes is read as having none', () => {
  const bare = posixWith(() => ({ llistxattr: () => -1, errno: () => 95 }));
  expect(bare.readXattrs('/any')).toEqual([]);
  expect(codeThrownBy(() => bare.llistxattr('/any'))).toBe('ENOTSUP');
});

xattrTest('a missing path is ENOENT and a name of over 255 bytes ERANGE', () => {
  expect(codeThrownBy(() => posix.readXattrs(join(scratch.path, 'none')))).toBe('ENOENT');
  expect(codeThrownBy(() => posix.lgetxattr(emptyFile('x'), `user.${'n'.repeat(251)}`))).toBe('ERANGE');
});

const trustedTest = testWhen(loaded !== null && isRoot, 'trusted xattrs need root');
trustedTest("a symlink's own attribute is read, not its target's", () => {
  const target = emptyFile('link target');
  const link = join(scratch.path, 'link');
  symlinkSync(target, link);
  posix.lsetxattr(link, 'trusted.link', Buffer.of(1));
  expect([posix.readXattrs(link), posix.readXattrs(target)]).toEqual([
    [['trusted.link', Uint8Array.of(1)]],
    [],
  ]);
});
