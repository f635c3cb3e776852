import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMinute,
  formatMode,
  formatRelative,
  plural,
} from '../../src/cli/format.js';

describe('bytes', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1_048_576, '1.0 MiB'],
    [1_048_575, '1.0 MiB'],
    [23 * 1024 ** 3, '23.0 GiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
  ])('%d shows as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test('no size below 1000 PiB shows more than three digits before its unit', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(formatBytes(bytes).replace(/\D/g, '').length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

test('counts group their thousands, and one thing is singular', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect(plural(1, 'entry', 'entries')).toBe('1 entry');
  expect(plural(2000, 'entry', 'entries')).toBe('2,000 entries');
});

test.each([
  [0.42, '0.4 s'],
  [12.3, '12 s'],
  [59.7, '1 min 00 s'],
  [185, '3 min 05 s'],
  [7380, '2 h 03 min'],
  [86_399, '1 d 0 h'],
  [446_400, '5 d 4 h'],
])('%d seconds show as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test.each([
  ['2026-01-01T11:59:30Z', '30 seconds ago'],
  ['2026-01-01T09:00:00Z', '3 hours ago'],
  ['2025-12-31T10:00:00Z', 'yesterday'],
  ['2024-11-01T12:00:00Z', 'last year'],
  ['2026-01-01T14:00:00Z', 'in 2 hours'],
])('%s is %s at noon of 2026-01-01', (iso, words) => {
  expect(formatRelative(iso, Date.parse('2026-01-01T12:00:00Z'))).toBe(words);
});

test('a time that no date can hold shows as dashes', () => {
  expect(formatMinute(new Date(Number.NaN))).toBe('---- -- -- --:--');
});

test.each([
  ['file', 0o644, '-rw-r--r--'],
  ['directory', 0o1777, 'drwxrwxrwt'],
  ['file', 0o4755, '-rwsr-xr-x'],
  ['file', 0o2644, '-rw-r-Sr--'],
  ['fifo', 0o1000, 'p--------T'],
] as const)('%s with mode %o shows as %s', (kind, mode, text) => expect(formatMode(kind, mode)).toBe(text));
