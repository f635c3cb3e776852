import { expect, test } from '@jest/globals';

import type { LogRow, OperationRow } from '../../src/archive/api.js';
import { formatMinute } from '../../src/cli/format.js';
import {
  describeDifference,
  describeEvent,
  describeOperation,
  eventBlock,
  eventLines,
  operationBlock,
} from '../../src/cli/log-words.js';
import { collect } from '../archive/scratch.js';

const row = (type: LogRow['type'], fields: LogRow['data']): LogRow => ({
  position: 7,
  time: '2026-01-01T12:00:00.000Z',
  operation: 3,
  type,
  data: fields,
});

test.each([
  ['file.ingested', { path: 'a\nb', size: 1536 }, 'file a\\nb ingested, 1.5 KiB'],
  ['path.renamed', { from: 'a', to: 'b' }, 'a renamed to b'],
  ['directory.added', { path: '' }, 'directory / added'],
  [
    'object.damaged',
    { hash: 'f'.repeat(64), finding: 'missing' },
    `object ${'f'.repeat(16)} damaged: missing`,
  ],
  ['paths.pruned', { entries: [{}, {}] }, '2 entries proven to be kept elsewhere'],
  [
    'object.removed',
    { hash: 'f'.repeat(64), size: 1536, lastPath: 'a\nb' },
    `object ${'f'.repeat(16)} removed, 1.5 KiB, last at a\\nb`,
  ],
  ['object.removed', { hash: 'f'.repeat(64), size: 1536 }, `object ${'f'.repeat(16)} removed, 1.5 KiB`],
  ['objects.verified', { hashes: ['a', 'b'] }, '2 objects verified'],
  ['tag.added', { tag: 't', position: 5 }, 'tag t given to @5'],
  ['tar.ingested', { name: 'a.tar', size: 10240, path: 'a' }, 'tar a.tar ingested as a tree, 10.0 KiB'],
  ['remote.added', { name: 'nas', url: '/mnt/nas' }, 'remote nas added: /mnt/nas'],
  ['remote.removed', { name: 'nas' }, 'remote nas removed'],
  [
    'backup.completed',
    { remote: 'nas', size: 8, objects: 2, bytes: 1536 },
    'backup to nas completed up to @7: 2 objects sent, 1.5 KiB',
  ],
  [
    'copies.verified',
    { remote: 'nas', objects: 2, damaged: ['a'], missing: [] },
    '2 copies at nas verified, 1 damaged',
  ],
] as const)('%s is told in plain words', (type, fields, words) => {
  const line = describeEvent(row(type, fields));
  expect(line).toBe(`  @7  ${words}`);
});

const operation: OperationRow = {
  operation: 3,
  status: 'completed',
  command: 'ingest',
  args: ['/mnt/a\tb', '--mirror'],
  user: 'u',
  host: 'h',
  sources: ['/mnt/a\tb'],
  started: '2026-01-01T11:00:00.000Z',
  ended: null,
  first: 1,
  last: 9,
  counts: { files: 2000, newBytes: 1536, removed: 0 },
  reason: null,
};
const noon = Date.parse('2026-01-01T12:00:00Z');
const eleven = formatMinute(new Date(operation.started));

test('an operation is one line: number, when, by whom, what, and the counts that are not zero', () => {
  expect(describeOperation(operation, noon)).toBe(
    `op 3  ${eleven} (1 hour ago)  u@h  ingest /mnt/a\\tb --mirror  (2,000 files, 1.5 KiB new)`,
  );
});

test('an operation that did not complete says so and why', () => {
  const failed = { ...operation, status: 'failed', reason: 'disk full', counts: {} } as const;
  expect(describeOperation(failed, noon)).toBe(
    `op 3  ${eleven} (1 hour ago)  u@h  ingest /mnt/a\\tb --mirror [failed: disk full]`,
  );
  const stopped = { ...failed, status: 'interrupted', reason: 'interrupted' } as const;
  expect(describeOperation(stopped, noon)).toContain('--mirror [interrupted]');
});

test('counts that have no words of their own are told by their names', () => {
  const counts = { renamed: 1, brokenLinks: 2, directories: 1 };
  expect(describeOperation({ ...operation, counts }, noon)).toMatch(
    /\(1 directory, 1 renamed, 2 broken links\)$/,
  );
});

test('events stand below a line of their operation', async () => {
  const rows = [
    { ...row('archive.created', { archiveId: 'x' }), operation: 0, position: 0 },
    row('path.removed', { path: 'a' }),
    { ...row('path.removed', { path: 'b' }), position: 8 },
  ];
  const asked: number[] = [];
  const operationOf = (number: number): Promise<OperationRow> => {
    asked.push(number);
    return Promise.resolve(operation);
  };
  const lines = await collect(eventLines(listed(rows), operationOf, noon));
  expect(lines.map((line) => line.split('  ').slice(0, 2).join('  '))).toEqual([
    `op 0  ${formatMinute(new Date(noon))} (now)`,
    '  @0',
    `op 3  ${eleven} (1 hour ago)`,
    '  @7',
    '  @8',
  ]);
  expect(asked).toEqual([3]);
});

async function* listed<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('an operation in full tells how many of its events are not told', () => {
  const events = [row('path.removed', { path: 'a' })];
  const detail = { ...operation, types: { 'path.removed': 8, 'operation.started': 1 } as const, events };
  const block = operationBlock(detail, { restFollows: false });
  expect(block).toContain('by         u@h\n');
  expect(block).toContain('events     8 path.removed\n           1 operation.started\n');
  expect(block).toMatch(/ {2}@7 {2}a removed\n {2}… and 8 more; --all shows them$/);
  expect(operationBlock(detail, { restFollows: true })).toMatch(/a removed$/);
});

test('an event in full has every field', () => {
  const block = eventBlock(row('path.renamed', { from: 'a\nb', to: 'c' }), operation);
  expect(block).toContain('operation  3: ingest /mnt/a\\tb --mirror\n');
  expect(block).toContain('from       a\\nb\nto         c');
});

test.each([
  ['added', null, 'A  p'],
  ['removed', null, 'D  p'],
  ['renamed', 'o\n', 'R  o\\n -> p'],
  ['changed', null, 'M  p'],
  ['attributes', null, 'm  p'],
] as const)('a difference of the kind %s is one line', (change, from, line) => {
  expect(describeDifference({ change, path: 'p', from, hash: null })).toBe(line);
});
