import { describe, expect, test } from '@jest/globals';
import type { ArchiveReader, LogRow } from 'hkfs';
import type { HkfsEvent } from '../../src/events/types.js';
import { directory, file, hashOf, removal, rename, SOURCE, symlink } from '../projections/records.js';
import { completed, madeHistory, START, started, type Commit } from './made-history.js';
import { collect } from './scratch.js';

const XATTRS = [['user.x', Buffer.from([0xff, 0])]] as const;
const withXattrs = file(2, 'f', {
  source: SOURCE,
  attributes: { ...directory(0, '').attributes, xattrs: XATTRS },
});

const EVENTS: readonly HkfsEvent[] = [
  started(1), // 1
  directory(0, 'd'), // 2
  withXattrs, // 3
  directory(2, 'e'), // 4
  file(4, 'g'), // 5
  completed(1), // 6
  started(2), // 7
  rename([0, 'd'], [0, 'n']), // 8
  symlink(4, 'l', 't'), // 9
  removal(4, 'g'), // 10
  removal(0, 'n'), // 11
  file(0, 'd'), // 12
  completed(2), // 13
];
const HISTORY: readonly Commit[] = [
  { timeMs: START + 1000, operation: 1, events: EVENTS.slice(0, 6) },
  { timeMs: START + 2000, operation: 2, events: EVENTS.slice(6) },
];

const history = madeHistory(HISTORY);
type Query = Parameters<ArchiveReader['log']>[0];

function rows(query: Query = {}): Promise<LogRow[]> {
  return collect(history.reader().log(query));
}
const positions = async (query: Query): Promise<number[]> =>
  (await rows(query)).map(({ position }) => position);

describe('the log', () => {
  test('has every event, oldest first, with time and operation', async () => {
    const all = await rows();
    expect(all.map(({ position }) => position)).toEqual([0, ...EVENTS.map((_, at) => at + 1)]);
    expect(all[0]).toMatchObject({
      operation: 0,
      type: 'archive.created',
      time: new Date(START).toISOString(),
    });
    expect(all[8]).toMatchObject({ operation: 2, time: new Date(START + 2000).toISOString() });
  });

  test('says paths as they were at the event, of a removal as they were before', async () => {
    const data = (await rows()).map(({ data }) => data['path'] ?? [data['from'], data['to']]);
    expect(data.slice(2, 6)).toEqual(['d', 'd/f', 'd/e', 'd/e/g']);
    expect(data.slice(8, 13)).toEqual([['d', 'n'], 'n/e/l', 'n/e/g', 'n', 'd']);
  });

  test('has values that JSON can hold', async () => {
    const [row] = await rows({ from: 3, limit: 1 });
    expect(row!.data).toMatchObject({
      hash: hashOf('aa'),
      source: { device: '7', inode: '42', ctimeNs: SOURCE.ctimeNs.toString() },
      attributes: { mtimeNs: '1600000000123456789', xattrs: [['user.x', '/wA=']] },
    });
    expect(JSON.parse(JSON.stringify(row))).toEqual(row);
  });
});

describe('a query of the log', () => {
  test.each<[string, Query, number[]]>([
    ['with a limit gives the newest, oldest of them first', { limit: 3 }, [11, 12, 13]],
    ['with a limit beyond the log gives all', { limit: 99, from: 10 }, [10, 11, 12, 13]],
    ['with a limit of none gives none', { limit: 0 }, []],
    ['with a start and a limit goes on from there', { from: 4, limit: 2 }, [4, 5]],
    ['from the end gives none', { from: 14 }, []],
    ['of an operation gives its events', { operation: 1 }, [1, 2, 3, 4, 5, 6]],
    ['of an operation with a limit gives its newest', { operation: 1, limit: 2 }, [5, 6]],
    [
      'of a file gives what made it and what took it away, directories above it included',
      { path: 'd/e/g' },
      [5, 8],
    ],
    ['of a file under its later path gives its whole life', { path: 'n/e/g' }, [5, 8, 10]],
    ['of a directory gives it, what is below, and its renames', { path: 'd' }, [2, 3, 4, 5, 8, 12]],
    ['of the new name follows it back to the old one', { path: '/n/' }, [2, 3, 4, 5, 8, 9, 10, 11]],
    ['of a path with a limit gives its newest', { path: 'd', limit: 2 }, [8, 12]],
    [
      'of a path, an operation and a start gives what is all of it',
      { path: 'n', operation: 2, from: 10 },
      [10, 11],
    ],
    ['of the root gives all', { path: '/', from: 11 }, [11, 12, 13]],
  ])('%s', async (_claim, query, expected) => {
    expect(await positions(query)).toEqual(expected);
  });

  test.each(['d/ee', 'x', 'd/f/g', 'n/x'])('of %s, which never was, is refused', async (path) => {
    await expect(rows({ path })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('of an operation that never was is refused', async () => {
    await expect(rows({ operation: 9 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('from beyond the end is refused', async () => {
    await expect(rows({ from: 15 })).rejects.toMatchObject({ code: 'BAD_MOMENT' });
  });
});
