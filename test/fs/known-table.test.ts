import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KnownRecords, KnownTable, mergeKnown, RECORD_BYTES, shareKnown } from '../../src/fs/known-table.js';
import { runs } from '../projections/property.js';

const number = fc.oneof(fc.bigInt(0n, 40n), fc.bigInt(-(1n << 63n), (1n << 63n) - 1n));
const seen = fc.record({
  stat: fc.record({ ino: number, size: fc.bigInt(0n, 3n), mtimeNs: number, ctimeNs: number }),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
type Seen = { stat: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }; hash: Uint8Array };

function recordsOf(files: readonly Seen[]): Uint8Array {
  const records = new KnownRecords();
  for (const { stat, hash } of files) records.push(stat, hash);
  return records.take();
}

describe('a table of known files', () => {
  test('finds exactly what was put there last, for any inodes', () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 60 }), fc.array(seen, { maxLength: 60 }), (older, newer) => {
        const merged = mergeKnown(recordsOf(older), recordsOf(newer));
        const table = new KnownTable(shareKnown(merged));
        const twin = new Map([...older, ...newer].map((file) => [file.stat.ino, file]));
        expect(merged).toHaveLength(twin.size * RECORD_BYTES);
        for (const { stat } of [...older, ...newer]) {
          const known = twin.get(stat.ino)!;
          const isSame =
            known.stat.size === stat.size &&
            known.stat.mtimeNs === stat.mtimeNs &&
            known.stat.ctimeNs === stat.ctimeNs;
          expect(table.find(stat)).toEqual(isSame ? known.hash : null);
        }
      }),
      runs(200),
    );
  });

  test('without files finds nothing', () => {
    const table = new KnownTable(shareKnown(new Uint8Array(0)));
    expect(table.find({ ino: 0n, size: 0n, mtimeNs: 0n, ctimeNs: 0n })).toBeNull();
  });
});
