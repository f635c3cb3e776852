import { describe, expect, test } from '@jest/globals';
import { END, header, member, octal, padded, pax, paxBytes } from './make-tar.js';
import { namesOf, readTar } from './read-tar.js';

const tar = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, END]);
const SECOND = 1_000_000_000n;

describe('formats', () => {
  test('a v7 tar has files, and directories by the slash at their end', () => {
    const { members, problems } = readTar(
      tar(
        member({ name: 'd/', magic: '', type: '\0' }),
        member({ name: 'd/f', magic: '', type: '\0' }, 'hello'),
      ),
    );
    expect(problems).toEqual([]);
    expect(members).toMatchObject([
      { kind: 'directory', size: 0 },
      { kind: 'file', size: 5, mode: 0o644, user: null },
    ]);
    expect(members[1]!.content.toString()).toBe('hello');
  });

  test('a name of ustar goes on from its prefix', () => {
    expect(namesOf(readTar(tar(member({ name: 'f', prefix: 'a/b' }))))).toEqual(['a/b/f']);
  });

  test('long names and links of GNU are those of the next member alone', () => {
    const long = 'x'.repeat(300);
    const { members } = readTar(
      tar(
        member({ name: '././@LongLink', type: 'K', magic: 'ustar ' }, `${long}t\0`),
        member({ name: '././@LongLink', type: 'L', magic: 'ustar ' }, `${long}\0`),
        member({ name: 'short', type: '2', link: 'cut', magic: 'ustar ' }),
        member({ name: 'next', magic: 'ustar ' }),
      ),
    );
    expect(
      members.map(({ name, target }) => [Buffer.from(name).toString(), Buffer.from(target).toString()]),
    ).toEqual([
      [long, `${long}t`],
      ['next', ''],
    ]);
  });

  test('of several extended headers before a member the last counts, as with GNU tar', () => {
    const first = pax({ path: 'first', linkpath: 'lost', mtime: '7' });
    const { members } = readTar(tar(first, pax({ linkpath: 'kept' }), member({ name: 'own', type: '2' })));
    expect(members).toMatchObject([{ mtimeNs: 0n }]);
    expect(Buffer.from(members[0]!.name).toString()).toBe('own');
    expect(Buffer.from(members[0]!.target).toString()).toBe('kept');
  });

  test('records of sizes may have zeros in front', () => {
    const size = '3'.padStart(24, '0');
    const { members, problems } = readTar(
      tar(pax({ size }), header({ size: 0 }), padded(Buffer.from('abc'))),
    );
    expect(problems).toEqual([]);
    expect(members).toMatchObject([{ size: 3 }]);
  });

  test('a sparse member whose record of the size tells the real one ends where its map says', () => {
    const records = {
      ...{ size: '100000', 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' },
      ...{ 'GNU.sparse.name': 'holes', 'GNU.sparse.realsize': '100000' },
    };
    const data = Buffer.concat([padded(Buffer.from('1\n99996\n4\n')), Buffer.from('data')]);
    const { members, problems } = readTar(tar(pax(records), member({}, data), member({ name: 'next' }, 'n')));
    expect(problems).toEqual([]);
    expect(members).toMatchObject([{ size: 100_000, sparse: true, isWhole: true }, { size: 1 }]);
    expect(members[0]!.content.toString('latin1', 99_996)).toBe('data');
  });

  test('numbers in base 256 may be large or negative', () => {
    const large = Buffer.from([0x80, 0, 0, 0, 0x80, 0, 0, 1]);
    const before1970 = Buffer.alloc(12, 0xff);
    const { members } = readTar(tar(member({ uid: large, mtime: before1970 })));
    expect(members[0]).toMatchObject({ uid: 0x8000_0001, mtimeNs: -SECOND });
  });

  test('an owner below zero is the one that others write as a number of 32 bits, and never root', () => {
    const minusTwo = Buffer.from([255, 255, 255, 255, 255, 255, 255, 254]);
    expect(readTar(tar(member({ uid: minusTwo }))).members).toMatchObject([{ uid: 0xffff_fffe }]);
  });

  test('records of pax stand over the header: names as bytes, sizes, owners and times to the nanosecond', () => {
    const name = Buffer.from([0x61, 0xff, 0x62]);
    const records = { path: name, uid: '4000000', uname: 'zoë', mtime: '-1.25', size: '3' };
    const { members } = readTar(
      tar(pax(records), header({ name: 'cut', size: 0 }), padded(Buffer.from('abc'))),
    );
    expect(members[0]).toMatchObject({ uid: 4_000_000, user: 'zoë', mtimeNs: -1_250_000_000n, size: 3 });
    expect(Buffer.from(members[0]!.name).equals(name)).toBe(true);
    expect(members[0]!.content.toString()).toBe('abc');
  });

  test('a global header holds for all members after it, until a record of a member or an empty one', () => {
    const { members } = readTar(
      tar(
        pax({ uname: 'all', mtime: '7' }, 'g'),
        member({ name: 'a', user: 'own' }),
        pax({ uname: 'mine' }),
        member({ name: 'b' }),
        pax({ uname: '' }),
        member({ name: 'c', user: 'own' }),
      ),
    );
    expect(members.map(({ user }) => user)).toEqual(['all', 'mine', 'own']);
    expect(members.every(({ mtimeNs }) => mtimeNs === 7n * SECOND)).toBe(true);
  });

  test('extended attributes come raw, in base64, and with escaped names', () => {
    const { members } = readTar(
      tar(
        pax({
          'SCHILY.xattr.user.raw': Buffer.from([0, 10, 255]),
          'SCHILY.xattr.user.a%3Db': 'x',
          'LIBARCHIVE.xattr.user.b64': 'AAH/',
          'SCHILY.acl.access': 'user::rw-,group::r--,other::---',
        }),
        member({}),
      ),
    );
    expect(
      [...members[0]!.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    ).toEqual([
      ['user.raw', '000aff'],
      ['user.a=b', '78'],
      ['user.b64', '0001ff'],
    ]);
    expect(members[0]!.accessAcl).toBe('user::rw-,group::r--,other::---');
  });

  test('a record that is damaged is told, and those before it hold', () => {
    const bytes = Buffer.concat([paxBytes([['uname', 'kept']]), Buffer.from('99 cut=short\n')]);
    const { members, problems } = readTar(tar(member({ type: 'x' }, bytes), member({ name: 'f' })));
    expect(members).toMatchObject([{ user: 'kept' }]);
    expect(problems).toMatchObject([{ kind: 'damaged', at: 512 + 14 }]);
  });

  test.each([
    ['1', 'link'],
    ['2', 'symlink'],
    ['3', 'chardev'],
    ['4', 'blockdev'],
    ['5', 'directory'],
    ['6', 'fifo'],
    ['7', 'file'],
    ['D', 'directory'],
  ])('type %s is a %s', (type, kind) => {
    expect(readTar(tar(member({ type, link: 'l' }))).members).toMatchObject([{ kind }]);
  });

  test.each([
    ['a header follows', member({ name: 'next' })],
    [
      'the header that follows is damaged',
      Buffer.concat([header({ name: 'lost' }).fill('x', 0, 1), member({ name: 'next' })]),
    ],
  ])('a size that a directory, a symlink or a link states is no content, whether %s', (_what, rest) => {
    for (const type of ['5', '2', '1', '6']) {
      const read = readTar(
        tar(header({ name: 'l', type, link: 'f', size: 4096 }), rest, member({ name: 'more' })),
      );
      expect(namesOf(read)).toEqual(['l', 'next', 'more']);
      expect(read.problems.length).toBe(rest.length > 512 ? 1 : 0);
    }
  });

  test('a name that ends with a slash is a directory, and a file where content follows', () => {
    const bytes = Buffer.alloc(700, 'x');
    const read = readTar(
      tar(
        header({ name: 'd/', size: 700 }),
        member({ name: 'f/' }, bytes),
        member({ name: 's/' }, 'x'),
        member({ name: 'g/', size: 9 }),
      ),
      {},
      [1700],
    );
    expect(read.members.map(({ kind, content }) => [kind, content.toString()])).toEqual([
      ['directory', ''],
      ['file', bytes.toString()],
      ['file', 'x'],
      ['directory', ''],
    ]);
    expect(read.problems).toEqual([]);
  });

  test.each([
    ['text', Buffer.from('bytes')],
    ['zeros and then text', Buffer.concat([Buffer.alloc(1024), Buffer.from('bytes')])],
    ['zeros alone', Buffer.alloc(1500)],
    ['a tar', Buffer.concat([member({ name: 'inner' }, 'x'), END])],
  ])('a hard link whose body is that of its file is passed over with it: %s', (_what, content) => {
    const read = readTar(
      tar(
        member({ name: './f' }, content),
        member({ name: 'l', type: '1', link: 'f' }, content),
        member({ name: 'm', type: '1', link: 'l' }, content),
        member({ name: 'next' }, 'n'),
      ),
    );
    expect({ names: namesOf(read), problems: read.problems }).toEqual({
      names: ['./f', 'l', 'm', 'next'],
      problems: [],
    });
  });

  test('the rest of a member of another volume is refused, and what follows it is read', () => {
    const read = readTar(tar(member({ name: 'half', type: 'M' }, 'rest'), member({ name: 'next' })));
    expect(namesOf(read)).toEqual(['next']);
    expect(read.problems).toMatchObject([
      { kind: 'unsupported', at: 0, text: expect.stringContaining('volume') },
    ]);
  });
});

describe('sparse files', () => {
  const content = Buffer.concat([Buffer.alloc(1000), Buffer.from('data'), Buffer.alloc(996)]);
  const stored = padded(Buffer.from('data'));

  test.each([
    [
      'old GNU',
      Buffer.concat([
        header({
          type: 'S',
          magic: 'ustar ',
          size: 4,
          patches: [
            [386, Buffer.from(`${octal(1000, 11)}\0${octal(4, 11)}\0${octal(2000, 11)}\0${octal(0, 11)}\0`)],
            [483, Buffer.from(`${octal(2000, 11)}\0`)],
          ],
        }),
        stored,
      ]),
    ],
    [
      'GNU 0.0',
      Buffer.concat([
        member(
          { type: 'x' },
          paxBytes([
            ['GNU.sparse.size', '2000'],
            ['GNU.sparse.numblocks', '2'],
            ['GNU.sparse.offset', '1000'],
            ['GNU.sparse.numbytes', '4'],
            ['GNU.sparse.offset', '2000'],
            ['GNU.sparse.numbytes', '0'],
          ]),
        ),
        member({ name: 'f' }, 'data'),
      ]),
    ],
    [
      'GNU 0.1',
      Buffer.concat([
        pax({ 'GNU.sparse.size': '2000', 'GNU.sparse.map': '1000,4,2000,0', 'GNU.sparse.name': 'f' }),
        member({ name: 'GNUSparseFile.1/f' }, 'data'),
      ]),
    ],
    [
      'GNU 1.0',
      Buffer.concat([
        pax({
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 'f',
          'GNU.sparse.realsize': '2000',
        }),
        member(
          { name: 'GNUSparseFile.1/f' },
          Buffer.concat([padded(Buffer.from('2\n1000\n4\n2000\n0\n')), Buffer.from('data')]),
        ),
      ]),
    ],
  ])('%s: the pieces stand where the map says', (_format, bytes) => {
    const { members, problems } = readTar(tar(bytes, member({ name: 'next' })));
    expect(problems).toEqual([]);
    expect(members).toMatchObject([{ kind: 'file', size: 2000, sparse: true }, { size: 0 }]);
    expect(members[0]!.content.equals(content)).toBe(true);
    expect(Buffer.from(members[0]!.name).toString()).toBe('f');
  });

  test.each(['1000,5,2000,0', '4,4,2,0', '1999,4', '1,2,3', 'x,4'])('a map of %s is refused', (map) => {
    const bytes = tar(
      pax({ 'GNU.sparse.size': '2000', 'GNU.sparse.map': map }),
      member({ name: 'f' }, 'data'),
      member({ name: 'next' }),
    );
    const read = readTar(bytes);
    expect(namesOf(read)).toEqual(['next']);
    expect(read.problems).toMatchObject([{ kind: 'unsupported', at: 0 }]);
  });
});

describe('damage', () => {
  const three = [member({ name: 'a' }, 'A'), member({ name: 'b' }, 'B'), member({ name: 'c' }, 'C')];

  test('a damaged header is passed over to the next that is valid', () => {
    const bytes = tar(...three);
    bytes[1024 + 3] = 0x7e;
    const read = readTar(bytes);
    expect(namesOf(read)).toEqual(['a', 'c']);
    expect(read.problems).toMatchObject([
      { kind: 'damaged', at: 1024, text: expect.stringContaining('2048') },
    ]);
  });

  test('a tar that ends inside a content gives the members before', () => {
    const read = readTar(tar(...three).subarray(0, 1024 + 512));
    expect(read.members.map(({ isWhole }) => isWhole)).toEqual([true, false]);
    expect(read.problems).toMatchObject([
      { kind: 'truncated', at: 1536, text: expect.stringContaining('0 of 1 bytes') },
    ]);
  });

  test.each([
    [2048 + 100, 'inside a header'],
    [2048, 'no end marker'],
  ])('a tar that ends at byte %i says: %s', (length, words) => {
    const read = readTar(tar(...three).subarray(0, length));
    expect(namesOf(read)).toEqual(['a', 'b']);
    expect(read.problems).toMatchObject([
      { kind: 'truncated', at: length, text: expect.stringContaining(words) },
    ]);
  });

  test('one block of zeros at the end is an end', () => {
    expect(readTar(tar(...three).subarray(0, 3 * 1024 + 512)).problems).toEqual([]);
  });

  test('members after a lone block of zeros are read', () => {
    const read = readTar(tar(three[0]!, Buffer.alloc(512), three[1]!));
    expect(namesOf(read)).toEqual(['a', 'b']);
    expect(read.problems).toMatchObject([{ kind: 'damaged', at: 1024 }]);
  });

  test('a page of zeros over headers is told, and what follows it is read', () => {
    const files = [...Array(20).keys()].map((n) => member({ name: `f${n}` }, Buffer.alloc(5000, 'x')));
    for (const [header, found] of [
      [4 * 5632, 19],
      [8 * 5632, 19],
    ] as const) {
      const bytes = tar(...files);
      bytes.fill(0, header, Math.ceil((header + 1) / 4096) * 4096);
      const read = readTar(bytes);
      expect({ count: read.members.length, told: read.problems.map(({ kind, at }) => [kind, at]) }).toEqual({
        count: found,
        told: [['damaged', header]],
      });
    }
  });

  test('the last header in zeros is told, and so is an extended header whose member is missing', () => {
    const last = tar(...three);
    last.fill(0, 2048, 2560);
    expect(readTar(last).problems).toMatchObject([{ kind: 'damaged', at: 2048 }]);
    const alone = readTar(tar(three[0]!, pax({ path: 'long' })));
    expect(alone.problems).toMatchObject([{ kind: 'damaged', at: 1024 }]);
  });

  test('what is said of a damaged header names the member that it speaks of', () => {
    const bytes = tar(...three);
    bytes[1024 + 110] = 0x7e;
    expect(Buffer.from(readTar(bytes).problems[0]!.name!).toString()).toBe('b');
  });

  test('junk between two tars is told with the members after it, which are read when they are asked for', () => {
    const two = Buffer.concat([tar(three[0]!), Buffer.alloc(512, 'G'), tar(three[1]!)]);
    expect(readTar(two)).toMatchObject({ members: [{}], problems: [{ kind: 'more', at: 2048 }] });
    expect(namesOf(readTar(two, { ignoreZeros: true }))).toEqual(['a', 'b']);
  });

  test('garbage after the end is odd, further members are more', () => {
    expect(readTar(Buffer.concat([tar(...three), Buffer.alloc(512, 'x')])).problems).toMatchObject([
      { kind: 'odd' },
    ]);
    const twice = Buffer.concat([tar(three[0]!), tar(three[1]!)]);
    expect(readTar(twice)).toMatchObject({ members: [{}], problems: [{ kind: 'more', at: 2048 }] });
    const all = readTar(twice, { ignoreZeros: true });
    expect({ names: namesOf(all), problems: all.problems }).toEqual({ names: ['a', 'b'], problems: [] });
  });

  test('an extended header that is too large costs its member alone', () => {
    const huge = header({ type: 'x', size: (16 << 20) + 1 });
    const body = Buffer.alloc(padded(Buffer.alloc((16 << 20) + 1)).length);
    const read = readTar(tar(huge, body, member({ name: 'lost' }), member({ name: 'kept' })));
    expect(namesOf(read)).toEqual(['kept']);
    expect(read.problems).toMatchObject([{ kind: 'unsupported', at: 0 }]);
  });
});

test('after a lone block of zeros what is no header may have been a member', () => {
  const junk = Buffer.concat([member({ name: 'a' }, 'a'), Buffer.alloc(512), Buffer.alloc(512, 'junk')]);
  expect(readTar(junk).problems.map(({ kind }) => kind)).toEqual(['damaged']);
});

describe('global headers', () => {
  const sparse = (count: number): Buffer =>
    Buffer.from(`${count}\n${[...Array(count).keys()].map((at) => `${2 * at}\n1\n`).join('')}`);

  test.each(['L', 'x'])('one between a header of type %s and its member takes nothing from that', (type) => {
    const long =
      type === 'L' ? member({ name: 'L', type, magic: 'ustar ' }, 'long\0') : pax({ path: 'long' });
    expect(namesOf(readTar(tar(long, pax({ comment: 'x' }, 'g'), member({ name: 'short' }))))).toEqual([
      'long',
    ]);
  });

  test('together they are bounded, and a comment counts for nothing', () => {
    const large = Buffer.alloc(200 << 10, 'x');
    const records = ['user.a', 'user.b'].map((name) => pax({ [`SCHILY.xattr.${name}`]: large }, 'g'));
    const read = readTar(tar(pax({ comment: large }, 'g'), ...records, member({ name: 'f' })));
    expect(read.problems).toMatchObject([{ kind: 'unsupported' }]);
    expect([...read.members[0]!.xattrs.keys()]).toEqual(['user.a']);
  });

  test('what they say is shared by all members', () => {
    const record = pax({ 'SCHILY.xattr.user.a': 'x' }, 'g');
    const { members } = readTar(tar(record, member({ name: 'a' }), member({ name: 'b' })));
    expect(members[0]!.xattrs).toBe(members[1]!.xattrs);
  });

  test('a map of 130,000 pieces is read', () => {
    const records = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '260000' };
    const data = Buffer.concat([padded(sparse(130_000)), Buffer.alloc(130_000, 'x')]);
    const read = readTar(tar(pax(records), member({ name: 'f' }, data)));
    expect(read.problems).toEqual([]);
    expect(read.members[0]!.content.subarray(0, 4).toString('latin1')).toBe('x\0x\0');
  });
});

test('what a tar says and nobody can keep is told of the member', () => {
  const { members } = readTar(
    tar(
      pax({
        'SCHILY.xattr.user.a\0b': 'x',
        'LIBARCHIVE.xattr.user.c': '&',
        'SCHILY.acl.ace': 'owner@:rw::allow',
        mtime: 'soon',
        uid: 'me',
      }),
      member({}),
      header({ name: 'next', mtime: Buffer.from('soon'), mode: 'rw-r--r' }),
      member({ name: 'acl', type: 'A' }, 'user::rw-'),
      member({ name: 'solaris' }),
      member({ name: 'whole', mtime: Buffer.from('-0000000001') }),
    ),
  );
  expect(members.map(({ lost }) => lost)).toEqual([
    [
      'a time that cannot be read',
      'an owner that cannot be read',
      'an NFSv4 ACL',
      'an extended attribute that is no base64',
      'an extended attribute with a NUL in its name',
    ],
    ['a time that cannot be read', 'a mode that cannot be read'],
    ['an ACL of Solaris'],
    [],
  ]);
  expect(members[3]).toMatchObject({ mtimeNs: -SECOND });
});
