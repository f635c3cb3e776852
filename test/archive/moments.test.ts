import { describe, expect, test } from '@jest/globals';
import type { HkfsEvent } from '../../src/events/types.js';
import { directory } from '../projections/records.js';
import { completed, madeHistory, START, started, withHistory, type Commit } from './made-history.js';

const HOUR = 3_600_000;
const at = (hours: number): number => START + hours * HOUR;
const tag = (name: string, position: number): HkfsEvent => ({ type: 'tag.added', tag: name, position });

/** Positions 0 | 1–3 at +1 h | 4–5 at +2 h | 6 at +2 h, its clock an hour back | 7–8 at +10 h, never closed. */
const HISTORY: readonly Commit[] = [
  { timeMs: at(1), operation: 1, events: [started(1), directory(0, 'a'), completed(1)] },
  { timeMs: at(2), operation: 2, events: [started(2), tag('v1', 2)] },
  { timeMs: at(1), operation: 2, events: [completed(2)] },
  { timeMs: at(10), operation: 3, events: [started(3), tag('v1', 5)] },
];
const NOW = at(24);

const history = madeHistory(HISTORY);

async function position(text: string | undefined, nowMs = NOW): Promise<number> {
  return (await history.reader(nowMs).resolveMoment(text)).position;
}

describe('a moment', () => {
  test.each([
    ['@0', 0],
    ['@5', 5],
    ['@00005', 5],
    ['@8', 8],
    [' @3 ', 3],
    ['op:0', 0],
    ['op:1', 3],
    ['op:2', 6],
    ['op:3', 8],
    ['tag:v1', 5],
  ])('%s is the position %i', async (text, expected) => {
    expect(await position(text)).toBe(expected);
  });

  test('that is left out is the newest position', async () => {
    expect(await position(undefined)).toBe(8);
  });

  test.each([
    ['exactly at a commit is its last event', at(1), 3],
    ['a millisecond before a commit is the last event of the one before', at(1) - 1, 0],
    ['between two commits is the last event of the earlier', at(1.5), 3],
    ['of several commits at one time is the last of them', at(2), 6],
    ['of a commit whose clock had jumped back is that of the commit before it', at(1) + 1, 3],
    ['at the very beginning is the making of the archive', START, 0],
    ['at the last commit is the newest position', at(10), 8],
    ['after the last commit is the newest position', at(20), 8],
  ])('as a time %s', async (_claim, timeMs, expected) => {
    expect(await position(new Date(timeMs).toISOString())).toBe(expected);
  });

  test('as a time may have a space, an offset, no seconds or no clock time', async () => {
    expect(await position('2026-01-01 13:00:00Z')).toBe(3);
    expect(await position('2026-01-01T15:00+02:00')).toBe(3);
    expect(await position('2026-01-01T13:00Z')).toBe(3);
    expect(await position('2026-01-02', at(48))).toBe(8);
    expect(await position('2026-1-2', at(48))).toBe(8);
  });

  test('as a date with dots has the day first', async () => {
    const nowMs = Date.parse('2026-06-01T00:00Z');
    for (const text of ['3.1.2026', '03.01.2026', '03.01.2026 12:00', '3.1.2026 12:00Z'])
      expect(await position(text, nowMs)).toBe(8);
    await expect(position('3.12.2025', nowMs)).rejects.toThrow('before the beginning');
    await expect(position('12.3.2027', nowMs)).rejects.toThrow('in the future');
  });

  test('as a phrase starts from now', async () => {
    expect(await position('23 hours ago')).toBe(3);
    expect(await position('1 hour ago')).toBe(8);
    expect(await position('yesterday', at(48))).toBe(8);
  });

  test('tells the time of the commit that holds it, never an earlier one than before it', async () => {
    const times: number[] = [];
    for (let each = 0; each <= 8; each += 1)
      times.push((Date.parse((await history.reader().resolveMoment(`@${each}`)).time) - START) / HOUR);
    expect(times).toEqual([0, 1, 1, 1, 2, 2, 2, 10, 10]);
  });

  test('ahead of the clock is taken where the log has such times', async () => {
    expect(await position(new Date(at(9)).toISOString(), at(5))).toBe(6);
  });
});

describe('a moment that cannot be', () => {
  test.each([
    ['@9', 'the log ends at @8'],
    ['@', 'cannot read'],
    ['@-1', 'cannot read'],
    ['@1.5', 'cannot read'],
    ['@99999999999999999999', 'cannot read'],
    ['op:4', 'no operation 4'],
    ['op:', 'cannot read'],
    ['op:x', 'cannot read'],
    ['tag:v2', 'no tag v2'],
    ['tag:v', 'no tag v'],
    ['tag:', 'no tag'],
    ['', 'cannot read'],
    ['   ', 'cannot read'],
    ['gibberish', 'cannot read'],
    ['2026-13-45', 'cannot read'],
    ['2026-13-01', 'cannot read'],
    ['2026-02-30', 'cannot read'],
    ['2026-02-29', 'cannot read'],
    ['2026-04-31T10:00Z', 'cannot read'],
    ['2026-01-00', 'cannot read'],
    ['2026-01-02T25:00', 'cannot read'],
    ['30.2.2026', 'cannot read'],
    ['1.13.2026', 'cannot read'],
    ['1/2/2026', 'cannot read'],
    ['2026-02-30 at noon', 'cannot read'],
    ['since 2.1.2026', 'cannot read'],
    ['Feb 30 2026', 'cannot read'],
    ['yesterday at 25:00', 'cannot read'],
    ['not yesterday', 'cannot read'],
    ['1999-01-01', 'before the beginning'],
    ['2026-01-01T11:59:59.999Z', 'before the beginning'],
    ['2030-01-01', 'in the future'],
    ['tomorrow', 'in the future'],
  ])('%j is refused: %s', async (text, reason) => {
    const error = { name: 'HkfsError', code: 'BAD_MOMENT', message: expect.stringContaining(reason) };
    await expect(position(text)).rejects.toMatchObject(error);
  });
});

describe('a tag', () => {
  test('is found under any name that stands for bytes, the newest of a name wins', async () => {
    const events = [tag('a b', 1), tag('a', 2), tag('a b', 3), tag('\udcff', 4), tag('', 0)];
    await withHistory([{ timeMs: at(1), operation: 0, events }], async (reader) => {
      const named = async (name: string): Promise<number> =>
        (await reader.resolveMoment(`tag:${name}`)).position;
      expect([await named('a b'), await named('a'), await named('\udcff')]).toEqual([3, 2, 4]);
    });
  });
});
