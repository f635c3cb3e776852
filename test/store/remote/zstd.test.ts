/** One format of compressed contents, by whatever does it on this machine. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { framesOf, hasFramesOf } from '../../../src/store/remote/zstd-frames.js';
import { libraryZstd } from '../../../src/store/remote/zstd-library.js';
import { wasmZstd } from '../../../src/store/remote/zstd-wasm.js';
import { decompress, nodeZstd, zstd, type Zstd } from '../../../src/store/remote/zstd.js';
import { runs } from '../../projections/property.js';

const WORDS = Buffer.from('the same words again and again; '.repeat(5000));
/** 2 GB of zeros in 66 kB: what `head -c 2G /dev/zero | zstd` gives, begins so. */
const BOMB_FRAME = Buffer.from('28b52ffda400ca9a3b', 'hex');

let all: Zstd[] = [];
beforeAll(async () => {
  all = [nodeZstd(), libraryZstd(), await wasmZstd()].filter((each) => each !== null);
});

describe('zstd', () => {
  test('is there on every Node, and each of its kinds reads what the others make', async () => {
    expect(all.map(({ kind }) => kind)).toContain('wasm');
    expect(await zstd()).toHaveProperty('kind', all[0]!.kind);
    for (const { compress } of all) {
      const packed = await compress(WORDS);
      expect(packed.length).toBeLessThan(WORDS.length / 10);
      for (const other of all)
        expect(Buffer.compare(await other.decompress(packed, WORDS.length), WORDS)).toBe(0);
    }
  });

  test('of several frames is one content, also with frames that are to be skipped', async () => {
    const half = WORDS.length / 2;
    const skipped = Buffer.from('502a4d1803000000616263', 'hex');
    for (const { compress } of all) {
      const [first, second] = [await compress(WORDS.subarray(0, half)), await compress(WORDS.subarray(half))];
      const packed = Buffer.concat([first, skipped, second]);
      expect(framesOf(packed)).toHaveLength(2);
      for (const other of all)
        expect(Buffer.compare(await other.decompress(packed, WORDS.length), WORDS)).toBe(0);
    }
  });

  test('that is of another size than the log says is none', async () => {
    for (const { compress } of all) {
      const packed = await compress(WORDS);
      for (const size of [0, 5, WORDS.length - 1, WORDS.length + 1])
        expect(await decompress(packed, size)).toBeNull();
      expect((await decompress(packed, WORDS.length))?.equals(WORDS)).toBe(true);
      for (const other of all) await expect(other.decompress(packed, 5)).rejects.toThrow(/./);
    }
  });

  test('that claims gigabytes reserves nothing', async () => {
    // One block of 128 KiB of zeros, as often as 2 GB need.
    const block = Buffer.from('02001000', 'hex');
    const bomb = Buffer.concat([BOMB_FRAME, ...Array.from({ length: 15_000 }, () => block)]);
    for (const bytes of [BOMB_FRAME, bomb, Buffer.concat([bomb, Buffer.from('03001000', 'hex')])]) {
      const before = process.memoryUsage().rss;
      expect(await decompress(bytes, 1000)).toBeNull();
      expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
    }
  });

  test('whose bytes were altered or cut off is null, and never another content of the size', async () => {
    const { compress } = all[0]!;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat(), fc.nat(255), async (bytes, at, bits) => {
        const packed = await compress(Buffer.from(bytes));
        const cut = packed.subarray(0, at % packed.length);
        expect(await decompress(cut, bytes.length)).toBeNull();
        const altered = Buffer.from(packed);
        altered[at % packed.length]! ^= bits;
        const result = await decompress(altered, bytes.length);
        if (result !== null) expect(result).toHaveLength(bytes.length);
      }),
      runs(100, 2000),
    );
  });

  test('has frames of what every kind makes of any length', async () => {
    for (const { compress } of all)
      for (const length of [1, 2, 255, 256, 257, 65_535, 65_792, 70_000, 200_000]) {
        const bytes = length % 2 === 0 ? randomBytes(length) : WORDS.subarray(0, length);
        const packed = await compress(bytes);
        expect(hasFramesOf(packed, bytes.length)).toBe(true);
        expect(await decompress(packed, bytes.length - 1)).toBeNull();
        expect((await decompress(packed, bytes.length))?.equals(bytes)).toBe(true);
      }
  });
});
