/** The small pure parts: paths of members, numbers, times, ACLs, and what a file is. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePosixAcl } from '../../src/fs/posix-acl.js';
import { encodeAclText } from '../../src/tar/acl-text.js';
import { parseNumber } from '../../src/tar/header.js';
import { memberPath } from '../../src/tar/member-path.js';
import { parsePaxTime } from '../../src/tar/pax.js';
import { compressionOf, hasTarName, looksLike, treeName } from '../../src/tar/recognise.js';
import { runs } from '../projections/property.js';
import { END, member } from './make-tar.js';

describe('member paths', () => {
  const pathOf = (name: string): unknown => memberPath(Buffer.from(name, 'latin1'));

  test.each([
    ['a/b', ['a', 'b']],
    ['./a//b/', ['a', 'b']],
    ['a/../b', ['b']],
    ['.', []],
    ['a/..', []],
  ])('%j goes to %j', (name, parts) => {
    expect(pathOf(name)).toEqual({ parts, isAbsolute: false });
  });

  test('an absolute name goes below the root of the tree', () => {
    expect(pathOf('//etc/passwd')).toEqual({ parts: ['etc', 'passwd'], isAbsolute: true });
  });

  test('bytes that are not UTF-8 stay what they are', () => {
    expect(pathOf('\xe9/x')).toEqual({ parts: ['\udce9', 'x'], isAbsolute: false });
  });

  test.each([
    ['an empty name', ''],
    ['the directory above', '..'],
    ['a way out', '../a'],
    ['a later way out', 'a/../../b'],
    ['an absolute way out', '/..'],
    ['a NUL', 'a\0b'],
    ['a name of 256 bytes', 'x'.repeat(256)],
    ['5,000 levels', 'd/'.repeat(5000)],
  ])('%s is refused', (_what, name) => {
    expect(pathOf(name)).toMatchObject({ refused: expect.any(String) });
  });

  test('no path ever leaves the tree, or has a part that is no name', () => {
    const part = fc.constantFrom('.', '..', '', 'a', 'b');
    fc.assert(
      fc.property(fc.array(part), fc.boolean(), (parts, isAbsolute) => {
        const path = memberPath(Buffer.from((isAbsolute ? '/' : '') + parts.join('/')));
        if ('refused' in path) return;
        for (const name of path.parts) expect(['a', 'b']).toContain(name);
      }),
      runs(300),
    );
  });
});

test.each([
  ['0000644\0', 0o644n],
  [' 644 \0\0\0', 0o644n],
  ['\0\0\0\0\0\0\0\0', 0n],
  ['64x\0\0\0\0\0', null],
  ['\x80\0\0\0\0\0\x01\0', 256n],
  ['\xff\xff\xff\xff\xff\xff\xff\xfe', -2n],
])('the field %j is the number %s', (field, value) => {
  expect(parseNumber(Buffer.from(field, 'latin1'), 0, 8)).toBe(value);
});

test.each([
  ['1', 1_000_000_000n],
  ['1.5', 1_500_000_000n],
  ['-1.5', -1_500_000_000n],
  ['-0.000000001', -1n],
  ['0.1234567899', 123_456_789n],
  ['1e3', null],
  ['', null],
])('the time %j is %s nanoseconds', (text, value) => {
  expect(parsePaxTime(text)).toBe(value);
});

describe('ACLs', () => {
  const ids = { user: (name: string) => (name === 'lisa' ? 502 : null), group: () => null };

  test.each([
    ['user::rwx,group::r-x,mask::r--,other::---', 'user::rwx,group::r-x,mask::r--,other::---'],
    [
      'user::rw-\nuser:lisa:r--\ngroup::r--\nmask::r--\nother::---\n',
      'user::rw-,user:502:r--,group::r--,mask::r--,other::---',
    ],
    [
      'user::rw-,user:gone:r-x:77,group::---,mask::r-x,other::---',
      'user::rw-,user:77:r-x,group::---,mask::r-x,other::---',
    ],
    ['u::rw-,g:5:r-x,g::---,mask:r-x,other:---', 'user::rw-,group::---,group:5:r-x,mask::r-x,other::---'],
  ])('%j is what the kernel keeps', (text, expected) => {
    const value = encodeAclText(text, ids);
    expect(value && parsePosixAcl(value)).toBe(expected);
  });

  test.each(['user:gone:r--', 'nonsense', 'user::q--', ''])('%j is no ACL that can be kept', (text) => {
    expect(encodeAclText(text, ids)).toBeNull();
  });
});

describe('what a file is', () => {
  const tar = Buffer.concat([member({ name: 'f' }, 'x'), END]);

  test('a tar is told by the checksum of its first header, one of zeros by its length', () => {
    expect(looksLike(tar)).toBe('tar');
    expect(looksLike(Buffer.alloc(1024))).toBe('empty');
    expect(looksLike(Buffer.alloc(512))).toBe('other');
    expect(looksLike(Buffer.from('hello'.repeat(300)))).toBe('other');
  });

  test('compressions are told by their first bytes', () => {
    expect(compressionOf(Buffer.from('1f8b0800', 'hex'))).toBe('gzip');
    expect(compressionOf(Buffer.from('28b52ffd00', 'hex'))).toBe('zstd');
    expect(compressionOf(Buffer.from('fd377a585a00', 'hex'))).toBe('xz');
    expect(compressionOf(Buffer.from('BZh91AY&SY'))).toBe('bzip2');
    expect(compressionOf(tar)).toBeNull();
  });

  test.each([
    ['a.tar', 'a'],
    ['a.tar.gz', 'a'],
    ['a.b.tgz', 'a.b'],
    ['a.tar.zst', 'a'],
    ['.tar', '.tar'],
    ['backup.gz', 'backup'],
    ['plain', 'plain'],
  ])('%s becomes the tree %s', (name, tree) => {
    expect(treeName(name)).toBe(tree);
    expect(hasTarName(name)).toBe(!['backup.gz', 'plain'].includes(name));
  });
});
