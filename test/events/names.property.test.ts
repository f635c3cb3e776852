import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nameFromBytes, nameToBytes } from '../../src/events/names.js';
import { nameBytes } from './arbitraries.js';

/** Made with Python 3.11: `bytes.fromhex(h).decode('utf-8', 'surrogateescape')`. */
const PYTHON: readonly [hex: string, name: string][] = [
  ['', ''],
  ['616263', 'abc'],
  ['c3a9', 'é'],
  ['65cc81', 'e\u0301'],
  ['e9', '\udce9'],
  ['61ff62', 'a\udcffb'],
  ['fffe', '\udcff\udcfe'],
  ['c080', '\udcc0\udc80'],
  ['e08080', '\udce0\udc80\udc80'],
  ['eda080', '\udced\udca0\udc80'],
  ['edb3bf', '\udced\udcb3\udcbf'],
  ['f09f9880', '😀'],
  ['f09f98', '\udcf0\udc9f\udc98'],
  ['f4908080', '\udcf4\udc90\udc80\udc80'],
  ['e28241', '\udce2\udc82A'],
  ['e282c3a9', '\udce2\udc82é'],
  ['efbfbd', '\ufffd'],
  ['efbfbdff', '\ufffd\udcff'],
  ['efbbbf61', '\ufeffa'],
  ['ffefbbbf', '\udcff\ufeff'],
];

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (of: Uint8Array): string => Buffer.from(of).toString('hex');

describe('names', () => {
  test.each(PYTHON)('the bytes %s give the name that Python gives, and come back', (given, name) => {
    expect(nameFromBytes(bytes(given))).toBe(name);
    expect(hex(nameToBytes(name))).toBe(given);
  });

  test('any bytes come back from their name', () => {
    fc.assert(
      fc.property(nameBytes, (given) => {
        expect(hex(nameToBytes(nameFromBytes(given)))).toBe(hex(given));
      }),
      { numRuns: 2000 },
    );
  });

  test('every sequence of one or two bytes comes back, and no two give one name', () => {
    const seen = new Set<string>();
    for (let value = 0; value < 0x10000; value += 1) {
      const given = Uint8Array.of(value >> 8, value & 0xff);
      const name = nameFromBytes(given);
      if (hex(nameToBytes(name)) !== hex(given)) throw new Error(`${hex(given)} came back as another`);
      seen.add(name);
    }
    expect(seen.size).toBe(0x10000);
  });

  test('well-formed text stands for its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(hex(nameToBytes(text))).toBe(hex(Buffer.from(text)));
        expect(nameFromBytes(Buffer.from(text))).toBe(text);
      }),
    );
  });

  test.each(['\ud800', 'a\udc00', '\udd00b', '\udc7f'])(
    'the surrogate in %j stands for no byte and is refused',
    (name) => {
      expect(() => nameToBytes(name)).toThrow(expect.objectContaining({ code: 'BAD_PATH' }));
    },
  );
});
