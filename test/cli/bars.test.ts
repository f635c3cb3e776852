import { expect, test } from '@jest/globals';
import { barLines, barOf, showsBars } from '../../src/cli/bars.js';

const row = (path: string, uniqueBytes: number, sharedBytes: number, bytes: number) => ({
  ...{ path, uniqueBytes, sharedBytes, bytes, files: 1 },
});

async function lines(rows: ReturnType<typeof row>[], columns = 80): Promise<string[]> {
  async function* given(): AsyncGenerator<ReturnType<typeof row>> {
    yield* rows;
  }
  const all: string[] = [];
  for await (const line of barLines(given(), columns)) all.push(line);
  return all;
}

test('a bar has what is only there, what is elsewhere and what is repeated, as parts of the whole', () => {
  const scale = { width: 10, whole: 100 };
  expect(barOf(row('', 50, 20, 100), scale)).toBe('█████▒▒░░░');
  expect(barOf(row('', 0, 0, 0), scale)).toBe('');
  expect(barOf(row('', 0, 0, 0), { width: 10, whole: 0 })).toBe('');
  expect(barOf(row('', 4, 4, 8), scale)).toBe('▒');
});

test('directories stand below the one that holds them, the largest first, names escaped', async () => {
  const given = [
    row('d/a', 10, 0, 10),
    row('d/b\n/c', 30, 0, 30),
    row('d/b\n', 60, 0, 60),
    row('d', 70, 0, 100),
  ];
  const shown = await lines(given, 40);
  expect(shown.map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
    '  100 B  ████████░░░  d',
    '  60 B  ███████  b\\n',
    '  30 B  ███  c',
    '  10 B  █  a',
    '█ only here  ▒ elsewhere as well  ░ repeated here: could be freed',
  ]);
});

test('of many directories the largest are shown and the others counted', async () => {
  const many = Array.from({ length: 15 }, (_, at) => row(`${at}`, at, 0, at));
  const shown = await lines([...many, row('', 105, 0, 105)]);
  expect(shown).toHaveLength(1 + 12 + 1 + 1);
  expect(shown.at(-2)).toMatch(/^ +3 B +and 3 more directories$/);
});

test('bars are for people who look', () => {
  expect(showsBars({ isTTY: true }, { json: false })).toBe(true);
  expect(showsBars({ isTTY: true }, { json: true })).toBe(false);
  expect(showsBars({ isTTY: true }, { json: false, null: true })).toBe(false);
  expect(showsBars({}, { json: false })).toBe(false);
});
