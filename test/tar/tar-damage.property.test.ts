/** Whatever happens to the bytes of a tar: what was lost is told, or nothing was lost that headers speak of. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runs } from '../projections/property.js';
import { END, header, member, pax } from './make-tar.js';
import { readTar, type ReadTar } from './read-tar.js';

const RECORD = 10_240;

interface Part {
  readonly bytes: Buffer;
  /** Bytes that nothing in a tar vouches for: contents, padding, the text of records and of long names. */
  readonly loose: readonly (readonly [from: number, to: number])[];
}

const name = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8}){0,2}$/);
const size = fc.oneof(fc.nat(2000), fc.nat(20_000));
const kind = fc.constantFrom(
  'file',
  'file',
  'long',
  'pax',
  'directory',
  'symlink',
  'link',
  'global',
  'sized',
);
const parts = fc.array(fc.record({ name, size, kind }), { minLength: 1, maxLength: 14 });
const damage = fc.record({
  what: fc.constantFrom('page', 'sector', 'bit', 'cut'),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bit: fc.nat(7),
});

function partOf(one: { name: string; size: number; kind: string }): Part {
  const content = Buffer.alloc(one.size, `${one.name} `);
  const file = member({ name: one.name }, content);
  const before = (first: Buffer): Part => ({
    bytes: Buffer.concat([first, file]),
    loose: [
      [512, first.length],
      [first.length + 512, first.length + file.length],
    ],
  });
  switch (one.kind) {
    case 'long':
      return before(
        member({ name: '././@LongLink', type: 'L', magic: 'ustar ' }, `${'l'.repeat(200)}/${one.name}\0`),
      );
    case 'pax':
      return before(pax({ path: `${'p'.repeat(120)}/${one.name}`, 'SCHILY.xattr.user.a': 'x' }));
    case 'global':
      return before(pax({ gname: 'staff' }, 'g'));
    case 'directory':
      return { bytes: header({ name: `${one.name}/`, type: '5' }), loose: [] };
    case 'sized':
      return { bytes: header({ name: `${one.name}/`, type: '5', size: one.size }), loose: [] };
    case 'symlink':
      return { bytes: header({ name: one.name, type: '2', link: 'target' }), loose: [] };
    case 'link':
      return { bytes: header({ name: one.name, type: '1', link: 'f', size: one.size }), loose: [] };
    default:
      return { bytes: file, loose: [[512, file.length]] };
  }
}

function damaged(tar: Buffer, { what, at, bit }: { what: string; at: number; bit: number }): Buffer {
  const bytes = Buffer.from(tar);
  const offset = Math.floor(at * tar.length);
  if (what === 'cut') return bytes.subarray(0, offset);
  if (what === 'bit') bytes[offset]! ^= 1 << bit;
  else {
    const unit = what === 'page' ? 4096 : 512;
    const from = offset - (offset % unit);
    bytes.fill(0, from, Math.min(from + unit, bytes.length));
  }
  return bytes;
}

const isTold = ({ problems }: ReadTar): boolean => problems.some(({ kind: of }) => of !== 'odd');

test.each(['two blocks', 'a record'])(
  'damage of a tar that ends with %s never passes without a word',
  (ending) => {
    fc.assert(
      fc.property(parts, damage, (list, harm) => {
        const made = list.map(partOf);
        const body = Buffer.concat([...made.map(({ bytes }) => bytes), END]);
        const filled = ending === 'a record' ? Math.ceil(body.length / RECORD) * RECORD : body.length;
        const tar = Buffer.concat([body, Buffer.alloc(filled - body.length)]);
        const bytes = damaged(tar, harm);
        const [before, after] = [readTar(tar), readTar(bytes)];
        expect(before.problems).toEqual([]);
        if (isTold(after)) return;
        const first = bytes.findIndex((byte, at) => byte !== tar[at]);
        // From there on nothing but zeros: no reader can tell them from an end.
        if (first >= 0 && bytes.subarray(first - (first % 512)).every((byte) => byte === 0)) return;
        expect(after.members.length).toBe(before.members.length);
        const isLoose = looseIn(made)(bytes, tar);
        for (const [at, one] of after.members.entries()) {
          const was = before.members[at]!;
          expect({ kind: one.kind, size: one.size, isWhole: one.isWhole }).toEqual({
            kind: was.kind,
            size: was.size,
            isWhole: true,
          });
          if (!isLoose) expect({ ...one, content: 0 }).toEqual({ ...was, content: 0 });
          if (!isLoose) expect(one.content.equals(was.content)).toBe(true);
        }
      }),
      runs(200, 6000),
    );
  },
);

/** Whether what differs is of what nothing vouches for. */
function looseIn(made: readonly Part[]): (bytes: Buffer, tar: Buffer) => boolean {
  const ranges: [number, number][] = [];
  let start = 0;
  for (const { bytes, loose } of made) {
    for (const [from, to] of loose) ranges.push([start + from, start + to]);
    start += bytes.length;
  }
  return (bytes, tar) => {
    for (const [at, byte] of bytes.entries())
      if (byte !== tar[at] && !ranges.some(([from, to]) => at >= from && at < to)) return false;
    return true;
  };
}
