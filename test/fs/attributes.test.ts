import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { Attributes } from '../../src/events/types.js';
import { attributesEqual, attributesOf, entryKindOf } from '../../src/fs/attributes.js';
import { parsePosixAcl } from '../../src/fs/posix-acl.js';
import { loadPosix } from '../../src/fs/posix.js';
import { hasTool, scratchDirectory, testWhen } from './scratch.js';

const scratch = scratchDirectory();
const posix = loadPosix();
const posixTest = testWhen(posix !== null, 'koffi or libc is not available');
const aclTest = testWhen(
  posix !== null && hasTool('setfacl') && hasTool('getfacl'),
  'no setfacl and getfacl',
);

function read(path: string): Attributes {
  return attributesOf(lstatSync(path, { bigint: true }), path, posix);
}

function file(name: string, content = 'content'): string {
  const path = join(scratch.path, name);
  writeFileSync(path, content);
  return path;
}

describe('attributes of an entry', () => {
  posixTest('are mode, owner with names, and mtime in nanoseconds, and nothing that is not there', () => {
    const path = file('plain');
    chmodSync(path, 0o6751);
    posix?.utimensat(path, { mtimeNs: 1_234_567_890_123_456_789n });
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    expect(read(path)).toStrictEqual({
      mode: 0o6751,
      uid,
      gid,
      user: posix?.userName(uid),
      group: posix?.groupName(gid),
      mtimeNs: 1_234_567_890_123_456_789n,
    });
  });

  test('without system calls have no names and no xattrs', () => {
    const path = file('bare');
    const attributes = attributesOf(lstatSync(path, { bigint: true }), path, null);
    expect(attributes).toMatchObject({ user: null, group: null });
    expect(attributes).not.toHaveProperty('xattrs');
  });

  posixTest('have the xattrs given instead of those on disk', () => {
    const path = file('given');
    const stat = lstatSync(path, { bigint: true });
    const xattrs = [['user.given', Uint8Array.of(1)]] as const;
    posix?.lsetxattr(path, 'user.disk', Uint8Array.of(2));
    expect(attributesOf(stat, path, posix, { xattrs }).xattrs).toBe(xattrs);
    expect(attributesOf(stat, path, posix, { xattrs: false })).not.toHaveProperty('xattrs');
    expect(attributesOf(stat, path, posix).xattrs).toEqual([['user.disk', Uint8Array.of(2)]]);
  });

  test('are sparse for a file with holes, and not for a full, an empty one or a directory', () => {
    const holes = file('holes', '');
    truncateSync(holes, 1 << 20);
    mkdirSync(join(scratch.path, 'dir'));
    const paths = [holes, file('full', 'x'.repeat(10_000)), file('empty', ''), join(scratch.path, 'dir')];
    expect(paths.map((path) => read(path).sparse)).toEqual([true, undefined, undefined, undefined]);
  });

  test('share a link group among the names of one inode only, and directories have none', () => {
    const [first, second] = [file('first'), join(scratch.path, 'second')];
    linkSync(first, second);
    mkdirSync(join(scratch.path, 'parent/child'), { recursive: true });
    expect(read(first).linkGroup).toEqual([expect.any(BigInt), lstatSync(first, { bigint: true }).ino]);
    expect(read(second).linkGroup).toEqual(read(first).linkGroup);
    expect([read(file('single')), read(join(scratch.path, 'parent'))].map((a) => a.linkGroup)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('kinds', () => {
  test('every file type has its kind, with number and bigint modes', () => {
    symlinkSync('nowhere', join(scratch.path, 'link'));
    expect(entryKindOf(lstatSync(join(scratch.path, 'link')).mode)).toBe('symlink');
    expect(entryKindOf(lstatSync(scratch.path, { bigint: true }).mode)).toBe('directory');
    expect(entryKindOf(lstatSync('/dev/null').mode)).toBe('chardev');
    expect([0o100644, 0o060660, 0o010600, 0o140777].map(entryKindOf)).toEqual([
      'file',
      'blockdev',
      'fifo',
      'socket',
    ]);
  });

  test('a mode without a file type is refused', () => {
    expect(() => entryKindOf(0o644)).toThrow(RangeError);
  });
});

describe('equality', () => {
  const base: Attributes = {
    mode: 0o644,
    uid: 1,
    gid: 2,
    user: 'u',
    group: 'g',
    mtimeNs: 5n,
    xattrs: [['user.a', Uint8Array.of(1, 2)]],
    sparse: true,
    linkGroup: [1n, 2n],
  };

  test('equal attributes are equal, whatever class holds the bytes', () => {
    expect(
      attributesEqual(base, { ...base, xattrs: [['user.a', Buffer.of(1, 2)]], linkGroup: [1n, 2n] }),
    ).toBe(true);
  });

  test('absent and empty are equal', () => {
    const { xattrs: _xattrs, sparse: _sparse, linkGroup: _linkGroup, ...rest } = base;
    expect(attributesEqual(rest, { ...rest, xattrs: [], sparse: false })).toBe(true);
  });

  test.each<Partial<Attributes>>([
    { mode: 0o600 },
    { uid: 9 },
    { gid: 9 },
    { user: null },
    { group: null },
    { mtimeNs: 6n },
    { sparse: undefined },
    { linkGroup: undefined },
    { linkGroup: [9n, 2n] },
    { linkGroup: [1n, 9n] },
    { xattrs: undefined },
    { xattrs: [['user.b', Uint8Array.of(1, 2)]] },
    { xattrs: [['user.a', Uint8Array.of(1, 3)]] },
    {
      xattrs: [
        ['user.a', Uint8Array.of(1, 2)],
        ['user.b', Uint8Array.of()],
      ],
    },
  ])('a difference %# is seen from both sides', (difference) => {
    const other = { ...base, ...difference };
    expect([attributesEqual(base, other), attributesEqual(other, base)]).toEqual([false, false]);
  });
});

describe('POSIX ACLs', () => {
  function aclText(path: string, which: 'access' | 'default'): string {
    const option = which === 'access' ? '-a' : '-d';
    const output = execFileSync('getfacl', ['-cnpE', option, path], { encoding: 'utf8' });
    return output.trim().split('\n').join(',');
  }

  aclTest('read as getfacl prints them, access and default', () => {
    const path = join(scratch.path, 'acl');
    mkdirSync(path);
    execFileSync('setfacl', ['-m', 'u:1000:r--,u:7:-wx,g:50:r-x,m::rwx,d:u:1001:rw-,d:o::---', path]);
    const acls = Object.fromEntries(read(path).xattrs ?? []);
    const access = parsePosixAcl(acls['system.posix_acl_access']);
    expect(access).toContain('user:1000:r--');
    expect(access).toBe(aclText(path, 'access'));
    expect(parsePosixAcl(acls['system.posix_acl_default'])).toBe(aclText(path, 'default'));
  });

  test.each(['', '02', '0200000001', '01000000', '0200000003000700ffffffff'])(
    'bytes %p are no ACL and have no text',
    (hex) => expect(parsePosixAcl(Buffer.from(hex, 'hex'))).toBeNull(),
  );

  test('an ACL without entries has an empty text', () => {
    expect(parsePosixAcl(Buffer.from('02000000', 'hex'))).toBe('');
  });
});
