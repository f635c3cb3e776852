/** What is written is what is read, in each format, for any member; and what a format cannot hold is told. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeMember, type Member } from '../../src/tar/write-member.js';
import { USUAL_HEAD_BYTES, UsualHeads } from '../../src/tar/write-usual.js';
import { runs } from '../projections/property.js';
import { anyCase, written, type Case } from './member-cases.js';
import { readBack, type ReadBack } from './read-back.js';

const TYPES = { file: '0', link: '1', symlink: '2', chardev: '3', blockdev: '4', directory: '5', fifo: '6' };

const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));

function expectEssence(read: ReadBack, { member, content }: Case): void {
  const { kind, path, target, major, minor } = member;
  expect(['0', 'S'].includes(read.type) ? '0' : read.type).toBe(TYPES[kind]);
  expect(read.path).toBe(kind === 'directory' ? `${path}/` : path);
  expect({ target: read.target, major: read.major, minor: read.minor }).toEqual({ target, major, minor });
  expect(read.content.equals(content)).toBe(true);
}

test('pax: everything comes back, and a name that is not UTF-8 is said to be bytes', () => {
  fc.assert(
    fc.property(anyCase, (given) => {
      const { tar } = written(given, 'pax')!;
      expect(tar.length % 10_240).toBe(0);
      const [read, ...more] = readBack(tar);
      expect(more).toEqual([]);
      expectEssence(read!, given);
      const { mode, uid, gid, user, group, mtimeNs, acls, xattrs } = given.member;
      expect(read).toMatchObject({ mode, uid, gid, user, group, mtimeNs });
      for (const [kind, text] of acls) expect(read!.records.get(`SCHILY.acl.${kind}`)).toBe(text);
      for (const [name, value] of new Map(xattrs))
        expect(read!.records.get(`SCHILY.xattr.${name.replace(/[%=]/g, encodeURIComponent)}`)).toBe(value);
      const { path, target } = given.member;
      const isUtf8 = [path, target, user, group].every((text) => {
        const raw = Buffer.from(text, 'latin1');
        return Buffer.from(raw.toString('utf8')).equals(raw);
      });
      expect(read!.records.get('hdrcharset')).toBe(isUtf8 ? undefined : 'BINARY');
    }),
    runs(400),
  );
});

test('gnu: names, numbers, holes and times in seconds come back, and the rest is told', () => {
  fc.assert(
    fc.property(anyCase, (given) => {
      const { tar, losses } = written(given, 'gnu')!;
      const [read, ...more] = readBack(tar);
      expect(more).toEqual([]);
      expectEssence(read!, given);
      const { mode, uid, gid, mtimeNs, user, group, acls, xattrs } = given.member;
      expect(read).toMatchObject({ mode, uid, gid, mtimeNs: floored(mtimeNs) });
      expect(losses.includes('nanoseconds')).toBe(floored(mtimeNs) !== mtimeNs);
      expect(losses.includes('accounts')).toBe(user !== read!.user || group !== read!.group);
      expect(losses.includes('acls')).toBe(acls.length > 0);
      expect(losses.includes('xattrs')).toBe(xattrs.length > 0);
    }),
    runs(400),
  );
});

test('ustar: what it takes comes back, what differs is told, and nothing gets another owner with setuid', () => {
  fc.assert(
    fc.property(anyCase, (given) => {
      const { member } = given;
      const result = written(given, 'ustar');
      if (result === null) {
        expect(member.path.length >= 100 || member.target.length > 100).toBe(true);
        return;
      }
      const { tar, losses } = result;
      const [read, ...more] = readBack(tar);
      expect(more).toEqual([]);
      expectEssence(read!, given);
      const isForeign = read!.uid !== member.uid || read!.gid !== member.gid;
      expect(losses.includes('owner')).toBe(isForeign);
      expect(read!.mode).toBe(isForeign ? member.mode & 0o1777 : member.mode);
      expect(losses.includes('time')).toBe(read!.mtimeNs !== floored(member.mtimeNs));
      expect(losses.includes('holes')).toBe(member.ranges !== null);
    }),
    runs(400),
  );
});

function floored(ns: bigint): bigint {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return ns - rest;
}

describe('sizes beyond 8 GiB', () => {
  const member: Member = {
    ...{ kind: 'file', path: 'large', target: '', size: 2 ** 33, mode: 0o644, uid: 0, gid: 0 },
    ...{ user: '', group: '', mtimeNs: 0n, major: 0, minor: 0, acls: [], xattrs: [], ranges: null },
  };

  test('pax has a record, gnu base 256, ustar refuses; one byte less fits everywhere', () => {
    const pax = encodeMember(member, 'pax');
    expect('head' in pax && pax.head.includes('19 size=8589934592\n')).toBe(true);
    const gnu = encodeMember(member, 'gnu');
    expect('head' in gnu && gnu.head.subarray(124, 136).toString('hex')).toBe('800000000000000200000000');
    expect(encodeMember(member, 'ustar')).toEqual({ refused: 'size' });
    for (const format of ['pax', 'gnu', 'ustar'] as const) {
      const encoded = encodeMember({ ...member, size: 2 ** 33 - 1 }, format);
      expect('head' in encoded && encoded.head.length).toBe(512);
      expect('head' in encoded && encoded.head.toString('latin1', 124, 136)).toBe('77777777777\0');
    }
  });
});

describe('usual heads', () => {
  const AT = 7;
  const usual = fc.record({
    path: fc.array(fc.string({ unit: printable, minLength: 1, maxLength: 30 }), {
      minLength: 1,
      maxLength: 5,
    }),
    size: fc.oneof(fc.nat(), fc.constantFrom(0, 0o77777777777)),
    mtimeNs: fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 33n - 1n }).map((seconds) => seconds * 1_000_000_000n),
      fc.bigInt({ min: 0n, max: 8_589_934_591_999_999_999n }),
      fc.constantFrom(1n, 100_000_000n, 8_589_934_591_999_999_999n),
    ),
  });

  /** Over other bytes: none of them may shine through. */
  function usualHead(like: Member, { path, size, mtimeNs }: Member): Buffer | null {
    const target = Buffer.alloc(AT + USUAL_HEAD_BYTES, 0xff);
    const length = UsualHeads.of(like)?.write(target, AT, { path, size, mtimeNs }) ?? 0;
    return length === 0 ? null : target.subarray(AT, AT + length);
  }

  test('are those that any member gets, or none', () => {
    fc.assert(
      fc.property(anyCase, anyCase, ({ member }, { member: like }) => {
        const { mode, uid, gid, user, group } = like;
        const same = { ...member, mode, uid, gid, user, group };
        if (like.kind !== 'file' || like.ranges !== null) return expect(usualHead(like, same)).toBeNull();
        const file = { ...same, kind: 'file', target: '', major: 0, minor: 0, ranges: null } as const;
        const head = usualHead(like, { ...file, acls: like.acls, xattrs: like.xattrs });
        if (head !== null) expect(head.equals(headOf({ ...file, acls: [], xattrs: [] }))).toBe(true);
      }),
      runs(400),
    );
  });

  test('are made of whatever fits into a header', () => {
    fc.assert(
      fc.property(usual, fc.nat(0o7777), fc.nat(0o7777777), ({ path, ...rest }, mode, uid) => {
        const name = path
          .map((part) => part.replaceAll('/', '_'))
          .join('/')
          .slice(-100)
          .replace(/^\//, '_');
        const owner = { mode, uid, gid: 7, user: 'u'.repeat(31), group: '' };
        const nothing = { target: '', major: 0, minor: 0, acls: [], xattrs: [], ranges: null };
        const file = { kind: 'file' as const, path: name, ...rest, ...owner, ...nothing };
        expect(usualHead({ ...file, path: 'other', mtimeNs: 5n, size: 9 }, file)?.equals(headOf(file))).toBe(
          true,
        );
      }),
      runs(400),
    );
  });
});

function headOf(member: Member): Buffer {
  const encoded = encodeMember(member, 'pax');
  if ('refused' in encoded) throw new Error(encoded.refused);
  return encoded.head;
}
