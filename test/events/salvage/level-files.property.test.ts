/** What LevelDB wrote is read without it; what rotted is left out or put right, and never made up. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { readLevelFiles, type DamagedFile } from '../../../src/events/salvage/level-files.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'hkfs-salvage-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

type Rows = Map<string, string>;

/** Values that compress and values that do not, of a byte and of more than a block of a write-ahead log. */
async function write(location: string, { tables }: { tables: boolean }): Promise<Rows> {
  const level = new ClassicLevel<Buffer, Buffer>(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  await level.open({ createIfMissing: true });
  const rows: Rows = new Map();
  let seed = 1;
  for (let at = 0; at < 600; at += 1) {
    const length = at % 97 === 0 ? 40_000 : 1 + ((at * 37) % 300);
    const value = Buffer.alloc(length, `row ${at} `);
    if (at % 3 === 0)
      for (let byte = 0; byte < length; byte += 1)
        value[byte] = (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16;
    const key = Buffer.from(`key ${String(at).padStart(6, '0')}`);
    await level.put(key, value);
    rows.set(key.toString('hex'), value.toString('hex'));
  }
  if (tables) await level.compactRange(Buffer.from([0]), Buffer.from([255]));
  await level.close();
  return rows;
}

function read(location: string): { rows: Rows; damaged: DamagedFile[] } {
  const rows: Rows = new Map();
  const take = (key: Buffer, value: Buffer): void =>
    void rows.set(key.toString('hex'), value.toString('hex'));
  return { damaged: [...readLevelFiles(location, take)].flat(), rows };
}

test.each([
  ['tables', true],
  ['a write-ahead log', false],
])('%s: all rows, and no damage', async (name, tables) => {
  const location = join(scratch, name);
  const rows = await write(location, { tables });
  const found = read(location);
  expect(found.damaged).toEqual([]);
  expect(found.rows).toEqual(rows);
});

/** The file with most bytes of the kind. */
function largest(location: string, ending: string): string {
  const files = fs.readdirSync(location).filter((name) => name.endsWith(ending));
  const path = (name: string): string => join(location, name);
  return path(files.sort((a, b) => fs.statSync(path(b)).size - fs.statSync(path(a)).size)[0]!);
}

const KINDS = [
  ['tables', true, '.ldb'],
  ['a write-ahead log', false, '.log'],
] as const;

test.each(KINDS)(
  '%s with one flipped bit: no row is wrong, and nearly always all are there',
  async (name, tables, ending) => {
    const location = join(scratch, `bit ${name}`);
    const rows = await write(location, { tables });
    const file = largest(location, ending);
    const whole = fs.readFileSync(file);
    let complete = 0;
    const runs = 60;
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7), (share, bit) => {
        const bytes = Buffer.from(whole);
        bytes[Math.floor(share * bytes.length)]! ^= 1 << bit;
        fs.writeFileSync(file, bytes);
        const found = read(location);
        for (const [key, value] of found.rows) expect(rows.get(key)).toBe(value);
        if (found.rows.size === rows.size) complete += 1;
        else expect(found.damaged.some(({ mended }) => !mended)).toBe(true);
      }),
      { numRuns: runs },
    );
    expect(complete).toBeGreaterThan(runs * 0.9);
  },
);

test.each(KINDS)(
  '%s with bytes overwritten and cut anywhere: no row is wrong, and it is told',
  async (name, tables, ending) => {
    const location = join(scratch, `cut ${name}`);
    const rows = await write(location, { tables });
    const file = largest(location, ending);
    const whole = fs.readFileSync(file);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.uint8Array({ minLength: 2, maxLength: 300 }),
        fc.boolean(),
        (share, noise, isCut) => {
          const bytes = Buffer.from(whole);
          const at = Math.floor(share * bytes.length);
          bytes.set(noise.subarray(0, bytes.length - at), at);
          fs.writeFileSync(file, isCut ? bytes.subarray(0, at) : bytes);
          const found = read(location);
          for (const [key, value] of found.rows) expect(rows.get(key)).toBe(value);
          if (found.rows.size < rows.size && !isCut) expect(found.damaged.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 40 },
    );
  },
);
