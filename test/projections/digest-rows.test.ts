import { expect, test } from '@jest/globals';
import {
  readCheckpoint,
  readRow,
  writeAllRows,
  writeChangedRows,
} from '../../src/projections/digest-rows.js';
import { DirectoryRow } from '../../src/projections/directory-row.js';
import { openViews, withLocation } from './records.js';

const PIECE = 32 * 1024;
const LENGTHS = [72, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 5 * PIECE];

function rowOf(length: number, fill: number): DirectoryRow {
  return new DirectoryRow(Buffer.alloc(length, fill));
}

test('a row of any length is read as it was written, whatever was there before', async () => {
  await withLocation(async (location) => {
    const views = await openViews(location);
    const { level } = views;
    const expectRows = (rows: ReadonlyMap<number, DirectoryRow>): void => {
      for (const [id, { value }] of rows) expect(readRow(level, id)?.value.equals(value)).toBe(true);
    };
    try {
      for (const [round, before] of LENGTHS.entries()) {
        const written = new Map(LENGTHS.map((_, id) => [id, rowOf(before, round)]));
        await writeAllRows(level, written, round);
        expectRows(written);
        const changed = new Map(LENGTHS.map((length, id) => [id, rowOf(length, round + (id % 2))]));
        await writeChangedRows(level, changed, round + 1);
        expectRows(changed);
        const longest = new Map(LENGTHS.map((_, id) => [id, rowOf(5 * PIECE - 1, round)]));
        await writeChangedRows(level, longest, round + 2);
        expectRows(longest);
        expect(readCheckpoint(level)).toBe(round + 2);
      }
    } finally {
      await views.close();
    }
  });
});
