import { describe, expect, test } from '@jest/globals';
import { encode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { decodeEvent, encodeEvent } from '../../src/events/codec.js';
import type { Attributes, FileIngested, HkfsEvent } from '../../src/events/types.js';
import { upcast, type UpcastStep } from '../../src/events/upcast.js';
import { event, EVENT_TYPES, eventOfType } from './arbitraries.js';

const ATTRIBUTES: Attributes = { mode: 0o644, uid: 1000, gid: 1000, user: 'a', group: null, mtimeNs: -5n };
const FILE: FileIngested = {
  type: 'file.ingested',
  parent: 3,
  name: 'caf\udce9',
  hash: 'ab'.repeat(32),
  size: 7,
  attributes: ATTRIBUTES,
  source: null,
};
const cbor = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const decoding = (value: unknown) => () => decodeEvent(cbor(value), 41);
const damaged = expect.objectContaining({ code: 'LOG_DAMAGED', message: expect.stringContaining('41') });
const unknown = expect.objectContaining({ code: 'UNKNOWN_EVENT', message: expect.stringContaining('41') });

describe('the codec', () => {
  test.each(EVENT_TYPES)('%s comes back from its bytes, and its bytes from it', (type) => {
    fc.assert(
      fc.property(eventOfType(type), (given) => {
        const bytes = encodeEvent(given);
        const back = decodeEvent(bytes, 0);
        expect(back).toEqual(given);
        expect(hex(encodeEvent(back))).toBe(hex(bytes));
      }),
      { numRuns: 150 },
    );
  });

  test('a file has the bytes that format 1 promises', () => {
    expect(hex(encodeEvent(FILE))).toBe(
      `88016d66696c652e696e6765737465640344636166e95820${'ab'.repeat(32)}07861901a41903e81903e86161f624f6`,
    );
  });

  test('rare attributes that are empty leave no trace', () => {
    const attributes: Attributes = { ...ATTRIBUTES, xattrs: [], sparse: false };
    expect(hex(encodeEvent({ ...FILE, attributes }))).toBe(hex(encodeEvent(FILE)));
  });

  test('fields that a later version appended are ignored', () => {
    expect(decodeEvent(cbor([1, 'path.removed', 3, Buffer.from('x'), 'later', [1]]), 0)).toEqual({
      type: 'path.removed',
      parent: 3,
      name: 'x',
    });
  });

  test('a Buffer decodes as a plain array does', () => {
    expect(decodeEvent(Buffer.from(encodeEvent(FILE)), 0)).toEqual(FILE);
  });
});

describe('a damaged record', () => {
  test.each<[string, unknown]>([
    ['that is no array', { a: 1 }],
    ['without fields', []],
    ['without a version', ['1', 'path.removed', 3, Buffer.from('x')]],
    ['of version 0', [0, 'path.removed', 3, Buffer.from('x')]],
    ['without a type', [1, 5]],
    ['that ends early', [1, 'path.removed', 3]],
    ['with text for a name', [1, 'path.removed', 3, 'x']],
    ['with a negative parent', [1, 'path.removed', -3, Buffer.from('x')]],
    ['with a broken number', [1, 'path.removed', 1.5, Buffer.from('x')]],
    ['with a short hash', [1, 'object.damaged', Buffer.from('x'), 'missing']],
    ['with an unknown finding', [1, 'object.damaged', Buffer.alloc(32), 'tired']],
    ['with bytes for plain text', [1, 'tag.added', Buffer.from('plain'), 3]],
    ['with counts that are no numbers', [1, 'operation.completed', 1, { files: 'many' }]],
    ['with an inode below 0', [1, 'object.stored', Buffer.alloc(32), 1, 1, -1]],
    ['with a mode above 0o7777', [1, 'directory.added', 0, Buffer.from('x'), [0o10000, 0, 0, null, null, 0]]],
    ['with a list for attributes of one', [1, 'directory.added', 0, Buffer.from('x'), [0]]],
  ])('%s is LOG_DAMAGED and names its position', (_, stored) => {
    expect(decoding(stored)).toThrow(damaged);
  });

  test.each(['', '84', '8401', '1801', 'ff', '9f01ff', '80ff', '8318011863f6'])(
    'of the bytes %j is LOG_DAMAGED',
    (given) => {
      expect(() => decodeEvent(Buffer.from(given, 'hex'), 41)).toThrow(damaged);
    },
  );

  test('never gives anything but an event or a typed error', () => {
    const change = fc.tuple(event, fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([given, at, flip]) => {
        const bytes = Uint8Array.from(encodeEvent(given));
        bytes[at % bytes.length]! ^= flip;
        expect(outcomeOf(bytes)).toMatch(/^(LOG_DAMAGED|UNKNOWN_EVENT|event)$/);
      }),
      { numRuns: 1500 },
    );
  });
});

function outcomeOf(bytes: Uint8Array): string {
  try {
    decodeEvent(bytes, 0);
    return 'event';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

describe('an event of a newer hkfs', () => {
  test.each<[string, unknown]>([
    ['of an unknown type', [1, 'copy.seen', 3]],
    ['of a type that names an object property', [1, 'constructor', 3]],
    ['of the next schema version', [3, 'path.removed', 3, Buffer.from('x')]],
  ])('%s is UNKNOWN_EVENT with its position and a hint', (_, stored) => {
    expect(decoding(stored)).toThrow(unknown);
    expect(decoding(stored)).toThrow(expect.objectContaining({ hint: expect.stringContaining('upgrade') }));
  });
});

describe('values outside their range', () => {
  const withAttributes = (change: Partial<Attributes>): HkfsEvent => ({
    ...FILE,
    attributes: { ...ATTRIBUTES, ...change },
  });
  test.each<[string, HkfsEvent]>([
    ['a size of NaN', { ...FILE, size: NaN }],
    ['a negative size', { ...FILE, size: -1 }],
    ['a short hash', { ...FILE, hash: 'abcd' }],
    ['a hash that is not hexadecimal', { ...FILE, hash: 'zz'.repeat(32) }],
    ['a mode with a file type', withAttributes({ mode: 0o100644 })],
    ['a time beyond 65 bits', withAttributes({ mtimeNs: 1n << 70n })],
    ['a count without a name', { type: 'operation.completed', operation: 1, counts: { '': 1 } }],
  ])('%s is refused before it is written', (_, given) => {
    expect(() => encodeEvent(given)).toThrow(TypeError);
  });

  test('a name that stands for no bytes is BAD_PATH', () => {
    expect(() => encodeEvent({ ...FILE, name: '\ud800' })).toThrow(
      expect.objectContaining({ code: 'BAD_PATH' }),
    );
  });
});

describe('upcasting', () => {
  /** A made-up history: version 1 had no size, version 2 called the type otherwise. */
  const steps: readonly UpcastStep[] = [
    (fields) => (fields[1] === 'file.seen' ? [...fields, 0] : fields),
    (fields) => (fields[1] === 'file.seen' ? [fields[0], 'file.ingested', ...fields.slice(2)] : fields),
  ];

  test('an event of the oldest version takes every step to the newest', () => {
    expect(upcast([1, 'file.seen', 'a'], 0, steps)).toEqual([3, 'file.ingested', 'a', 0]);
  });
  test('an event of a middle version takes only the later steps', () => {
    expect(upcast([2, 'file.seen', 'a', 9], 0, steps)).toEqual([3, 'file.ingested', 'a', 9]);
  });
  test('an event that never changed only gets the newest version', () => {
    expect(upcast([1, 'path.removed', 3], 0, steps)).toEqual([3, 'path.removed', 3]);
  });
  test('an event of the newest version is left as it is', () => {
    const fields = [3, 'file.ingested', 'a', 0];
    expect(upcast(fields, 0, steps)).toBe(fields);
  });
  test('a version beyond the newest is UNKNOWN_EVENT', () => {
    expect(() => upcast([4, 'file.ingested'], 41, steps)).toThrow(unknown);
  });
});
