import { describe, expect, test } from '@jest/globals';

import {
  parseDuration,
  parseShare,
  parseSince,
  parseSize,
  parseSizeRange,
} from '../../src/cli/parse-values.js';

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    ['64k', 65_536],
    ['64K', 65_536],
    ['64KiB', 65_536],
    ['1.5M', 1_572_864],
    ['2G', 2_147_483_648],
    ['1T', 1_099_511_627_776],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', 'k', '-1', '1x', '1 k', '1e3', '0x10', 'NaN'])('"%s" is refused as wrong use', (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('+N is at least, -N at most, N exactly that many', () => {
    expect(parseSizeRange('+1k')).toEqual({ minSize: 1024 });
    expect(parseSizeRange('-1k')).toEqual({ maxSize: 1024 });
    expect(parseSizeRange('1k')).toEqual({ minSize: 1024, maxSize: 1024 });
  });
});

describe('shares', () => {
  test.each([
    ['0.5', 0.5],
    ['1', 1],
    ['0', 0],
    ['50%', 0.5],
    ['87.5 %', 0.875],
  ])('%s is %d', (text, share) => expect(parseShare(text)).toBe(share));

  test.each(['', '2', '101%', '-0.5', 'half', '.5', '%'])('"%s" is refused as wrong use', (text) => {
    expect(() => parseShare(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('spans of time', () => {
  test.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
  ])('%s is %d milliseconds', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '10', 's', '10 m', '-5m', '3x', '5mm', '1h-30m'])('"%s" is refused as wrong use', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('the begin of a span of time', () => {
  const now = Date.UTC(2026, 0, 31);

  test.each([
    ['30d', '2026-01-01T00:00:00.000Z'],
    ['1h30m', '2026-01-30T22:30:00.000Z'],
    ['1000y', '1970-01-01T00:00:00.000Z'],
    ['tag:before', 'tag:before'],
    ['2 days ago', '2 days ago'],
    ['2026-01-05', '2026-01-05'],
  ])('%s is %s', (text, moment) => expect(parseSince(text, now)).toBe(moment));
});
