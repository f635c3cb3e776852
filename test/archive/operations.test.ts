import { describe, expect, test } from '@jest/globals';
import type { OperationRow } from 'hkfs';
import { directory } from '../projections/records.js';
import { completed, failed, madeHistory, START, started, withHistory, type Commit } from './made-history.js';
import { collect } from './scratch.js';

const at = (seconds: number): number => START + seconds * 1000;
const iso = (seconds: number): string => new Date(at(seconds)).toISOString();

/** Positions 1–3 completed, 4 cut off, 5–6 failed, 7–8 stopped by a signal, 9–10 still open. */
const HISTORY: readonly Commit[] = [
  { timeMs: at(1), operation: 1, events: [started(1)] },
  { timeMs: at(2), operation: 1, events: [directory(0, 'a'), completed(1, 7)] },
  { timeMs: at(3), operation: 2, events: [started(2, 'verify')] },
  { timeMs: at(4), operation: 3, events: [started(3), failed(3, 'no space')] },
  { timeMs: at(5), operation: 4, events: [started(4), failed(4, 'interrupted')] },
  { timeMs: at(6), operation: 5, events: [started(5), directory(0, 'b')] },
];

const history = madeHistory(HISTORY);

async function operations(running: number | null = null): Promise<OperationRow[]> {
  const reader = history.reader();
  reader.running = running;
  return collect(reader.ops());
}

describe('the operations', () => {
  test('come in order, each with where it begins and ends', async () => {
    const rows = await operations();
    expect(rows.map(({ operation, first, last }) => [operation, first, last])).toEqual([
      [1, 1, 3],
      [2, 4, 4],
      [3, 5, 6],
      [4, 7, 8],
      [5, 9, 10],
    ]);
  });

  test('are completed, failed, or interrupted: by a signal, or by an end that nobody wrote down', async () => {
    const statuses = (await operations()).map(({ status }) => status);
    expect(statuses).toEqual(['completed', 'interrupted', 'failed', 'interrupted', 'interrupted']);
  });

  test('are running only where this process runs them', async () => {
    expect((await operations(5)).at(-1)).toMatchObject({ status: 'running', ended: null, last: 10 });
    expect((await operations(1))[0]!.status).toBe('completed');
  });

  test('tell what was asked by whom, and when', async () => {
    const [first, second, third] = await operations();
    expect(first).toEqual({
      operation: 1,
      status: 'completed',
      command: 'ingest',
      args: ['x'],
      user: 'u',
      host: 'h',
      sources: ['/s'],
      started: iso(1),
      ended: iso(2),
      first: 1,
      last: 3,
      counts: { files: 7 },
      reason: null,
    });
    expect(second).toMatchObject({
      command: 'verify',
      started: iso(3),
      ended: null,
      counts: {},
      reason: null,
    });
    expect(third).toMatchObject({ started: iso(4), ended: iso(4), reason: 'no space' });
  });

  test('of an archive that was only made are none', () =>
    withHistory([], async (reader) => expect(await collect(reader.ops())).toEqual([])));
});
