import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeEvent } from '../../src/events/codec.js';
import { peekType, RawEvent } from '../../src/events/raw-event.js';
import type { EventRecord, HkfsEvent } from '../../src/events/types.js';
import { evolve, needsLookup } from '../../src/projections/evolve.js';
import { evolveRaw } from '../../src/projections/evolve-raw.js';
import { event as anyEvent } from '../events/arbitraries.js';

type Fold = (record: EventRecord, rows: { put(key: Buffer, value: Uint8Array): void }) => void;

describe('folding from bytes', () => {
  test('gives the rows of folding the decoded event, whatever the event', () => {
    const raw = new RawEvent();
    fc.assert(
      fc.property(anyEvent, fc.maxSafeNat(), (event, position) => {
        fc.pre(!needsLookup(event.type));
        const record = recordOf(event, position);
        expect(rowsOf((each, rows) => evolveRaw(each, rows, raw), record)).toEqual(rowsOf(evolve, record));
      }),
      { numRuns: 2000 },
    );
  });

  test('leaves bytes that are not canonical, cut off or have a tail to the codec', () => {
    const raw = new RawEvent();
    const event = { type: 'object.stored', hash: 'ab'.repeat(32), size: 5, device: 1n, inode: 300n } as const;
    const bytes = Buffer.from(encodeEvent(event));
    expect(raw.read(bytes)).toBe('object.stored');
    for (let length = 0; length < bytes.length; length += 1)
      expect(raw.read(bytes.subarray(0, length))).toBeNull();
    expect(raw.read(Buffer.concat([bytes, Buffer.from([0])]))).toBeNull();
    const longer = Buffer.from(bytes.toString('hex').replace(/05(01)(19012c)$/, '180501$2'), 'hex');
    expect(longer).not.toEqual(bytes);
    expect(raw.read(longer)).toBeNull();
  });

  test("a peeked type is the event's own", () => {
    fc.assert(fc.property(anyEvent, (event) => peekType(encodeEvent(event)) === event.type));
  });
});

function recordOf(event: HkfsEvent, position: number): EventRecord {
  return { position, timeMs: 1000, operation: 1, event, bytes: Buffer.from(encodeEvent(event)) };
}

function rowsOf(fold: Fold, record: EventRecord): string[] {
  const rows: string[] = [];
  fold(record, {
    put: (key, value) => rows.push(`${key.toString('hex')} ${Buffer.from(value).toString('hex')}`),
  });
  return rows;
}
