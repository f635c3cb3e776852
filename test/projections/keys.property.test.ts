import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nameToBytes } from '../../src/events/names.js';
import type { Place } from '../../src/events/types.js';
import * as keys from '../../src/projections/keys.js';
import { hash, name as anyName, unsigned } from '../events/arbitraries.js';
import { runs } from './property.js';

const MAX = Number.MAX_SAFE_INTEGER;
const position = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.constantFrom(0, 0xff, 0x100, 0xffff_ffff, 0x1_0000_0000, MAX - 1, MAX),
);
const name = anyName.filter((text) => !text.includes('\0'));
const place: fc.Arbitrary<Place> = fc.record({ parent: position, name });
const inode = fc.record({ device: unsigned, inode: unsigned }, { noNullPrototype: true });
const hashBytes = hash.map((digits) => Buffer.from(digits, 'hex'));

const compareNames = (a: string, b: string): number => Buffer.compare(nameToBytes(a), nameToBytes(b));
const compareInodes = (a: keys.InodeId, b: keys.InodeId): number =>
  Number(a.device - b.device > 0n ? 1 : a.device < b.device ? -1 : 0) ||
  Number(a.inode > b.inode ? 1 : a.inode < b.inode ? -1 : 0);

describe('positions in keys', () => {
  test('come back from their eight bytes, up to 2^53 - 1, and sort as bytes the way they sort as numbers', () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        expect(keys.positionBytes(a)).toHaveLength(8);
        expect(keys.readPosition(keys.positionBytes(a), 0)).toBe(a);
        expect(keys.positionBytes(a).compare(keys.positionBytes(b))).toBe(Math.sign(a - b));
      }),
      runs(300),
    );
  });
});

describe('keys of entries', () => {
  test('give back the name and position they were built from, for any bytes in the name', () => {
    fc.assert(
      fc.property(place, position, (place, position) => {
        const key = keys.entryKey(place, position);
        expect(keys.parseEntryKey(key)).toEqual({ name: place.name, position });
        expect(keys.readPosition(key, 1)).toBe(place.parent);
      }),
      runs(500),
    );
  });

  test('sort by directory, then by the bytes of the name, then by position', () => {
    const near = fc.constantFrom('a', 'a\u0001', 'ab', 'b', '\udcff', '\uffff', '\u{10ffff}', 'a\ufeff');
    const both = fc.record({ parent: fc.oneof(position, fc.nat(2)), name: fc.oneof(near, name), position });
    fc.assert(
      fc.property(both, both, (a, b) => {
        const expected =
          Math.sign(a.parent - b.parent) ||
          Math.sign(compareNames(a.name, b.name)) ||
          Math.sign(a.position - b.position);
        expect(keys.entryKey(a, a.position).compare(keys.entryKey(b, b.position))).toBe(expected);
      }),
      runs(1000),
    );
  });

  test('of one entry lie in its range up to a position, and those of no other entry do', () => {
    const near = fc.constantFrom('a', 'a\u0001', 'aa', '');
    const both = fc.record({ parent: fc.nat(1), name: near, position: fc.nat(3) });
    fc.assert(
      fc.property(both, both, fc.nat(3), (owner, other, upTo) => {
        const { gte, lt } = keys.entryRange(owner, upTo);
        const key = keys.entryKey(other, other.position);
        const isInside = key.compare(gte) >= 0 && key.compare(lt) < 0;
        const isSame = owner.parent === other.parent && owner.name === other.name;
        expect(isInside).toBe(isSame && other.position <= upTo);
      }),
      runs(500),
    );
  });

  test('of one directory lie in its range, and no other key does', () => {
    fc.assert(
      fc.property(position, place, position, (parent, place, position) => {
        const { gte, lt } = keys.directoryRange(parent);
        const key = keys.entryKey(place, position);
        expect(key.compare(gte) >= 0 && key.compare(lt) < 0).toBe(place.parent === parent);
      }),
      runs(300),
    );
  });

  test('hold no key as their beginning: what follows a name cannot be taken for a part of it', () => {
    fc.assert(
      fc.property(place, place, position, position, (a, b, at, bt) => {
        const [left, right] = [keys.entryKey(a, at), keys.entryKey(b, bt)];
        if (left.equals(right)) return;
        expect(left.subarray(0, right.length).equals(right)).toBe(false);
        expect(right.subarray(0, left.length).equals(left)).toBe(false);
      }),
      runs(500),
    );
  });
});

describe('keys of contents', () => {
  test('of postings give back hash, place and position, and sort by hash first', () => {
    fc.assert(
      fc.property(hashBytes, hashBytes, place, position, (hash, other, place, position) => {
        const key = keys.postingKey(hash, place, position);
        expect(keys.parsePostingKey(key)).toEqual({ hash, place, position });
        const order = Math.sign(key.compare(keys.postingKey(other, place, position)));
        expect(order).toBe(Math.sign(hash.compare(other)));
      }),
      runs(300),
    );
  });

  test('of objects and inodes give back what they were built from and sort by inode, then by position', () => {
    fc.assert(
      fc.property(hashBytes, inode, inode, position, position, (...[hash, a, b, at, bt]) => {
        expect(keys.parseObjectKey(keys.objectKey(hash, a, at))).toEqual({ hash, inode: a, position: at });
        expect(keys.parseInodeKey(keys.inodeKey(a, at))).toEqual({ inode: a, position: at });
        const expected = compareInodes(a, b) || Math.sign(at - bt);
        expect(keys.inodeKey(a, at).compare(keys.inodeKey(b, bt))).toBe(expected);
        expect(keys.objectKey(hash, a, at).compare(keys.objectKey(hash, b, bt))).toBe(expected);
      }),
      runs(500),
    );
  });

  test('of seals are local rows, and those of sources are not', () => {
    fc.assert(
      fc.property(inode, (inode) => {
        expect(keys.sealKey(inode)[0]).toBe(keys.PREFIX.local);
        expect(keys.sourceKey(inode)[0]).toBe(keys.PREFIX.source);
        expect(keys.sealKey(inode).subarray(2)).toEqual(keys.sourceKey(inode).subarray(1));
      }),
      runs(100),
    );
  });
});

describe('row kinds', () => {
  test('have prefixes of their own, and what no event says comes last: local rows, then digests', () => {
    const prefixes = Object.values(keys.PREFIX);
    expect(new Set(prefixes).size).toBe(prefixes.length);
    expect(prefixes.sort((a, b) => a - b).slice(-2)).toEqual([keys.PREFIX.local, keys.PREFIX.digest]);
  });

  test('of tags sort by name and position, so that the newest of a name is the last of its range', () => {
    fc.assert(
      fc.property(name, name, position, position, (a, b, at, bt) => {
        const expected = Math.sign(compareNames(a, b)) || Math.sign(at - bt);
        expect(keys.tagKey(a, at).compare(keys.tagKey(b, bt))).toBe(expected);
      }),
      runs(300),
    );
  });

  test('of hashes with positions, of operations and of places are found again by their fixed width', () => {
    fc.assert(
      fc.property(hashBytes, position, position, (hash, a, b) => {
        expect(keys.readPosition(keys.hashPositionKey(keys.PREFIX.verified, hash, a), 33)).toBe(a);
        expect(keys.readPosition(keys.operationKey(keys.PREFIX.started, a), 1)).toBe(a);
        expect(keys.placeKey(a, b).compare(keys.placeKey(a, b + (b < MAX ? 1 : 0)))).toBe(b < MAX ? -1 : 0);
      }),
      runs(200),
    );
  });
});

describe('the range of a beginning', () => {
  test('holds exactly the keys that begin with it', () => {
    const bytes = fc.uint8Array({ maxLength: 5 });
    const start = fc.uint8Array({ minLength: 1, maxLength: 4 }).filter((all) => all.some((b) => b !== 0xff));
    fc.assert(
      fc.property(start, bytes, fc.boolean(), (start, rest, below) => {
        const { gte, lt } = keys.prefixRange(Buffer.from(start));
        const key = below ? Buffer.concat([start, rest]) : Buffer.from(rest);
        const begins = key.subarray(0, start.length).equals(start);
        expect(key.compare(gte) >= 0 && key.compare(lt) < 0).toBe(begins);
      }),
      runs(1000),
    );
  });

  test('does not exist for bytes that nothing sorts after', () => {
    expect(() => keys.prefixRange(Buffer.from([0xff, 0xff]))).toThrow(RangeError);
  });
});
