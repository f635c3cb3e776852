/** Any member that a tar may hold, with its content, and the tar of it alone. */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { endOfTar, paddingOf } from '../../src/tar/write-block.js';
import {
  dataSize,
  encodeMember,
  type Loss,
  type Member,
  type TarFormat,
} from '../../src/tar/write-member.js';

const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const bytes = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: byte, minLength: 1, maxLength }).filter((text) => !/^\.\.?$|\//.test(text));
const longNames = fc.integer({ min: 90, max: 300 }).map((length) => 'n'.repeat(length));
const name = fc.oneof(
  bytes(20),
  fc.constantFrom('a', 'caf\u00c3\u00a9', 'caf\u00e9', 'x'.repeat(100)),
  longNames,
);
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => names.join('/'));
const id = fc.oneof(fc.nat(70_000), fc.constantFrom(0o7777777, 0o10000000, 2 ** 32 - 2));
const account = fc.oneof(fc.constant(''), bytes(40));
const mtimeNs = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, -1_500_000_000n, 8_589_934_592_000_000_000n, 1_700_000_000_123_456_789n),
);

export interface Case {
  readonly member: Member;
  readonly content: Buffer;
}

const base = fc.record({
  path,
  mode: fc.nat(0o7777),
  uid: id,
  gid: id,
  user: account,
  group: account,
  mtimeNs,
  acls: fc.constantFrom<Member['acls']>([], [['access', 'user::rw-,user:7:r--,mask::r--,other::---']]),
  xattrs: fc.array(fc.tuple(bytes(20), fc.string({ unit: byte, maxLength: 600 })), { maxLength: 3 }),
});

const others = fc
  .tuple(base, fc.constantFrom('symlink', 'link', 'directory', 'fifo', 'chardev', 'blockdev'), path)
  .map(([fields, kind, target]): Case => {
    const isDevice = kind === 'chardev' || kind === 'blockdev';
    const numbers = isDevice ? { major: 259, minor: 1_048_575 } : { major: 0, minor: 0 };
    const member = { ...fields, ...numbers, kind, size: 0, ranges: null } as const;
    return { member: { ...member, target: /link/.test(kind) ? target : '' }, content: Buffer.alloc(0) };
  });

/** Stretches of data that do not touch, in units, so that blocks of 4 and of 21 are passed. */
const stretches = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 700 })), { maxLength: 60 })
  .map((gaps) => {
    let at = -1;
    return gaps.map(([gap, length]) => {
      const offset = at + gap;
      at = offset + length;
      return [offset, length] as const;
    });
  });

const files = fc
  .tuple(base, fc.option(stretches, { nil: null }), fc.integer({ min: 0, max: 1500 }))
  .map(([fields, ranges, rest]): Case => {
    const [offset, length] = ranges?.at(-1) ?? [0, 0];
    const size = offset + length + rest;
    const content = Buffer.alloc(size, ranges === null ? 'data' : 0);
    for (const [offset, length] of ranges ?? []) content.fill('x', offset, offset + length);
    const kind = 'file' as const;
    return { member: { ...fields, kind, target: '', size, major: 0, minor: 0, ranges }, content };
  });

export const anyCase = fc.oneof(files, others);

/** The member as a whole tar; null where the format refuses it. */
export function written(
  { member, content }: Case,
  format: TarFormat,
): { tar: Buffer; losses: readonly Loss[] } | null {
  const isFilled = format === 'ustar';
  const encoded = encodeMember(member, format);
  if ('refused' in encoded) return null;
  const data =
    member.ranges === null || isFilled
      ? content
      : Buffer.concat(member.ranges.map(([at, length]) => content.subarray(at, at + length)));
  if (!isFilled) expect(data.length).toBe(dataSize(member));
  expect(encoded.head.length % 512).toBe(0);
  const tar = Buffer.concat([encoded.head, data, Buffer.alloc(paddingOf(data.length))]);
  return { tar: Buffer.concat([tar, endOfTar(tar.length)]), losses: encoded.losses };
}
