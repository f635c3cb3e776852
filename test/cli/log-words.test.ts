import { expect, test } from '@jest/globals';

import type { LogRow, OperationRow } from '../../src/archive/api.js';
import { describeEvent, describeOperation } from '../../src/cli/log-words.js';

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
  ['objects.verified', { hashes: ['a', 'b'] }, '2 objects verified'],
  ['tag.added', { tag: 't', position: 5 }, 'tag t given to @5'],
] as const)('%s is told in plain words', (type, fields, words) => {
  const line = describeEvent(row(type, fields));
  expect(line.endsWith(`op 3  ${words}`)).toBe(true);
  expect(line.startsWith('@7  ')).toBe(true);
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

test('an operation is one line: number, when, what, and the counts that are not zero', () => {
  expect(describeOperation(operation, noon)).toBe(
    'op 3  1 hour ago  ingest /mnt/a\\tb --mirror  (files 2,000, newBytes 1.5 KiB)',
  );
});

test('an operation that did not complete says so and why', () => {
  const failed = { ...operation, status: 'failed', reason: 'disk full', counts: {} } as const;
  expect(describeOperation(failed, noon)).toBe(
    'op 3  1 hour ago  ingest /mnt/a\\tb --mirror [failed: disk full]',
  );
});
