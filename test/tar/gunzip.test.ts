import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DecompressionError, TrailingJunkError } from '../../src/tar/decompression-error.js';
import { gunzip } from '../../src/tar/gunzip.js';
import { runs } from '../projections/property.js';

/** What comes out of pieces of this size, and the error at the end. */
async function unpack(bytes: Buffer, piece = bytes.length || 1): Promise<{ out: Buffer; error: unknown }> {
  const parts: Buffer[] = [];
  async function* source(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  try {
    for await (const part of gunzip(source())) parts.push(part);
    return { out: Buffer.concat(parts), error: null };
  } catch (error) {
    return { out: Buffer.concat(parts), error };
  }
}

const one = gzipSync(Buffer.alloc(3000, 'one '));
const two = gzipSync(Buffer.alloc(70_000, 'two '));
const both = Buffer.concat([Buffer.alloc(3000, 'one '), Buffer.alloc(70_000, 'two ')]);
/** With all that a header may have: extra bytes, a name, a comment, a checksum of its own. */
const dressed = Buffer.concat([
  Buffer.from([0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 0x61, 0x62]),
  Buffer.from('name\0comment\0hc'),
  one.subarray(10),
]);

test('members one after the other are one, in whatever pieces they come, with zeros between or after them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.nat(3), async (piece, zeros) => {
      const padding = Buffer.alloc(zeros * 300);
      const { out, error } = await unpack(Buffer.concat([dressed, padding, two, padding]), piece);
      expect({ same: out.equals(both), error }).toEqual({ same: true, error: null });
    }),
    runs(20),
  );
});

describe('what is behind the members', () => {
  test.each([1, 2, 17, 5000])(
    '%i bytes that hold no member are junk, and nothing of before is lost',
    async (count) => {
      const { out, error } = await unpack(Buffer.concat([one, two, Buffer.alloc(count, 'j')]), 1000);
      expect(out.equals(both)).toBe(true);
      expect(error).toBeInstanceOf(TrailingJunkError);
    },
  );

  test('a member with a bit of its beginning wrong is damage, and so is one behind junk', async () => {
    const flipped = Buffer.from(two);
    flipped[0]! ^= 4;
    for (const rest of [flipped, Buffer.concat([Buffer.from('junk'), two])]) {
      const { out, error } = await unpack(Buffer.concat([one, rest]), 1000);
      expect(out.length).toBe(3000);
      expect(error).toBeInstanceOf(DecompressionError);
      expect(error).not.toBeInstanceOf(TrailingJunkError);
    }
  });
});

test('a bit that is wrong, or an end too early, is never taken for the whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(two.length - 1), fc.nat(7), fc.boolean(), async (at, bit, isCut) => {
      const bytes = Buffer.from(two);
      bytes[at]! ^= 1 << bit;
      const { out, error } = await unpack(isCut ? two.subarray(0, at) : bytes, 100);
      // Flags, time and system of the header say nothing of the content.
      const isRight = out.equals(both.subarray(3000));
      expect(error !== null || (isRight && !isCut)).toBe(true);
    }),
    runs(150),
  );
});
