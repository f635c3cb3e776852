import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runs } from '../projections/property.js';
import { END, member, pax } from './make-tar.js';
import { readTar } from './read-tar.js';

const bytes = fc.uint8Array({ maxLength: 1500 }).map((array) => Buffer.from(array));
const name = fc
  .uint8Array({ minLength: 1, maxLength: 99 })
  .map((array) => Buffer.from(array.map((byte) => byte || 1)));
const anyMember = fc.record({
  name,
  content: bytes,
  type: fc.constantFrom('0', '7', 'x', 'g', 'L', 'S', '1', '5'),
});
const cuts = fc.array(fc.nat(), { maxLength: 12 });

function tarOf(members: readonly { name: Buffer; content: Buffer; type: string }[]): Buffer {
  return Buffer.concat([...members.map(({ content, ...fields }) => member(fields, content)), END]);
}

test('a tar reads the same in whatever pieces it comes', () => {
  fc.assert(
    fc.property(fc.array(anyMember, { maxLength: 6 }), cuts, (members, at) => {
      const tar = tarOf(members);
      expect(readTar(tar, {}, at)).toEqual(readTar(tar));
    }),
    runs(300),
  );
});

test('what is written comes back: names as bytes, contents and sizes', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ name, content: bytes }), { maxLength: 6 }), (files) => {
      const slashless = files.map(({ name: path, content }) => ({
        path: Buffer.concat([path, Buffer.from('.')]),
        content,
      }));
      const tar = Buffer.concat([
        ...slashless.flatMap(({ path, content }) => [pax({ path }), member({}, content)]),
        END,
      ]);
      const { members, problems } = readTar(tar);
      expect(problems).toEqual([]);
      expect(members.map(({ name: path, content }) => ({ path: Buffer.from(path), content }))).toEqual(
        slashless,
      );
    }),
    runs(300),
  );
});

test('damage anywhere never throws, and all members before the damage are whole', () => {
  const intact = [0, 1, 2, 3].map((n) => member({ name: `f${n}` }, Buffer.alloc(700, n + 1)));
  const tar = Buffer.concat([...intact, END]);
  fc.assert(
    fc.property(
      fc.nat(tar.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(tar.length),
      (at, flip, length) => {
        const damaged = Buffer.from(tar);
        damaged[at]! ^= flip;
        const cut = damaged.subarray(0, length);
        const whole = readTar(cut).members.filter(({ isWhole }) => isWhole);
        const untouched = Math.min(
          Math.floor(at / 1536),
          Math.floor(Math.max(0, length - 512 - 700 + 1536) / 1536),
        );
        for (let n = 0; n < Math.min(untouched, 4); n += 1)
          expect(whole[n]?.content.equals(Buffer.alloc(700, n + 1))).toBe(true);
      },
    ),
    runs(300),
  );
});

test('any bytes at all are read to their end without throwing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), cuts, (array, at) => {
      readTar(Buffer.from(array), {}, at);
    }),
    runs(300),
  );
});
