import { describe, expect, test } from '@jest/globals';
import { MANIFEST_FORMS } from '../../src/tar/write-manifest.js';
import type { Member } from '../../src/tar/write-member.js';

const member = (path: string, more: Partial<Member> = {}): Member => ({
  ...{ kind: 'file', path, target: '', size: 3, mode: 0o640, uid: 7, gid: 8, user: '', group: 'staff' },
  ...{ mtimeNs: -1n, major: 0, minor: 0, acls: [], xattrs: [], ranges: null, ...more },
});
const digests = { blake3: 'b3', md5: 'm5', sha256: 's2' };

describe('b3sum', () => {
  const { line } = MANIFEST_FORMS.b3sum;
  test.each([
    ['a b', 'b3  a b\n'],
    ['new\nline', '\\b3  new\\nline\n'],
    ['back\\slash', '\\b3  back\\\\slash\n'],
    ['caf\u00c3\u00a9', 'b3  caf\u00c3\u00a9\n'],
    ['caf\u00e9', null],
    ['\u00ef\u00bf\u00bd', null],
  ])('%j', (path, expected) => {
    expect(line(member(path), digests)).toBe(expected);
  });
});

describe('hashdeep', () => {
  const { line } = MANIFEST_FORMS.hashdeep;
  test.each([
    ['a,b', '3,m5,s2,./a,b\n'],
    ['caf\u00e9', '3,m5,s2,./caf\u00e9\n'],
    ['new\nline', null],
  ])('%j', (path, expected) => {
    expect(line(member(path), digests)).toBe(expected);
  });
});

describe('mtree', () => {
  const { line } = MANIFEST_FORMS.mtree;
  test('a file, its name in escapes, a time before 1970', () => {
    expect(line(member('d/a b#\u00e9\n'), digests)).toBe(
      './d/a\\040b\\043\\351\\012 type=file mode=0640 uid=7 gid=8 gname=staff time=-1.999999999 size=3 sha256digest=s2\n',
    );
  });
  test('what is no file has no size', () => {
    const rest = 'mode=0640 uid=7 gid=8 gname=staff time=-1.999999999';
    expect(line(member('.', { kind: 'directory' }), null)).toBe(`. type=dir ${rest}\n`);
    expect(line(member('l', { kind: 'symlink', target: '/a b' }), null)).toBe(
      `./l type=link ${rest} link=/a\\040b\n`,
    );
    const device = { kind: 'chardev', major: 1, minor: 3 } as const;
    expect(line(member('c', device), null)).toBe(`./c type=char ${rest} device=native,1,3\n`);
  });
});
