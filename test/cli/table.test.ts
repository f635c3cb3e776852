import { expect, test } from '@jest/globals';

import { type Column, displayWidth, tableLines } from '../../src/cli/table.js';

interface Row {
  readonly size: number;
  readonly name: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'size', text: (row) => String(row.size), right: true },
  { header: 'name', text: (row) => row.name, paint: (cell) => `<${cell}>` },
];

async function* from(...rows: Row[]): AsyncIterable<Row> {
  yield* rows;
}

async function lines(rows: AsyncIterable<Row>, options: Partial<Parameters<typeof tableLines>[2]> = {}) {
  const found: string[] = [];
  for await (const line of tableLines(rows, COLUMNS, { headers: false, colour: false, ...options })) {
    found.push(line);
  }
  return found;
}

test('numbers line up at the right and nothing trails the last column', async () => {
  expect(await lines(from({ size: 5, name: 'a' }, { size: 1234, name: 'bb' }))).toEqual([
    '   5  a\n',
    '1234  bb\n',
  ]);
});

test('headers come once and only before rows', async () => {
  const headers = true;
  expect(
    await lines(from({ size: 5, name: 'a' }, { size: 6, name: 'b' }), { headers, lookahead: 1 }),
  ).toEqual(['size  name\n', '   5  a\n', '   6  b\n']);
  expect(await lines(from(), { headers })).toEqual([]);
});

test('rows are written as they come, without waiting for the last', async () => {
  let made = 0;
  async function* endless(): AsyncIterable<Row> {
    for (;;) yield { size: made++, name: 'x' };
  }
  const iterator = tableLines(endless(), COLUMNS, { headers: false, colour: false, lookahead: 10 })[
    Symbol.asyncIterator
  ]();
  expect((await iterator.next()).value).toBe('0  x\n');
  expect(made).toBeLessThanOrEqual(11);
  await iterator.return?.();
});

test('colour comes after padding, so that it moves no column', async () => {
  expect(await lines(from({ size: 5, name: 'a' }), { colour: true })).toEqual(['5  <a>\n']);
});

test.each([
  ['abc', 3],
  ['日本', 4],
  ['e\u0301', 1],
  ['🎉', 2],
])('%s takes %d columns', (text, width) => expect(displayWidth(text)).toBe(width));
