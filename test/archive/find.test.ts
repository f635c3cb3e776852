import { describe, expect, test } from '@jest/globals';
import type { FindQuery } from 'hkfs';
import { directory, file, hashOf, removal, rename, stored } from '../projections/records.js';
import { madeHistory, oneCommit } from './made-history.js';
import { collect } from './scratch.js';

const ONE = hashOf('ab');
const history = madeHistory(
  oneCommit([
    directory(0, 'new\nline'), // 1
    file(1, 'a.txt', { hash: ONE }), // 2
    stored(ONE, 5n), // 3
    file(0, 'b.txt', { hash: ONE }), // 4
    rename([0, 'new\nline'], [0, 'moved\nline']), // 5
    removal(0, 'b.txt'), // 6
  ]),
);

async function find(query: FindQuery, at?: string): Promise<string[]> {
  const rows = await collect(history.reader().find(query, at === undefined ? {} : { at }));
  return rows.map(({ path }) => path);
}

describe('find by hash', () => {
  test.each([ONE, 'ab', 'a', ONE.toUpperCase()])('%s gives the names of its content', async (hash) => {
    expect(await find({ hash })).toEqual(['moved\nline/a.txt']);
    expect(await find({ hash }, '@4')).toEqual(['b.txt', 'new\nline/a.txt']);
    expect(await find({ hash }, '@1')).toEqual([]);
  });

  test('gives nothing for digits that no object begins with', async () => {
    expect(await find({ hash: 'abc' })).toEqual([]);
  });

  test.each(['', 'zz', 'abz', '../x', `${ONE}00`])('%j is refused, because it is no hash', async (hash) => {
    await expect(find({ hash })).rejects.toMatchObject({ code: 'BAD_TARGET' });
  });
});

describe('find by name', () => {
  test('crosses directories whose names have newlines', async () => {
    expect(await find({ name: '**/*.txt' })).toEqual(['moved\nline/a.txt']);
    expect(await find({ name: '*.txt' })).toEqual(['moved\nline/a.txt']);
  });

  test('looks only below its path, the path itself included', async () => {
    expect(await find({ name: 'moved*', path: '/moved\nline/' })).toEqual(['moved\nline']);
    expect(await find({ path: 'b.txt' }, '@4')).toEqual(['b.txt']);
  });

  test('refuses a path that was not there at the moment', async () => {
    await expect(find({ path: 'b.txt' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(find({ path: 'moved\nline' }, '@4')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
