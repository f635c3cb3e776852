import { describe, expect, test } from '@jest/globals';

interface Target {
  readonly sense: 'at most' | 'at least';
  readonly limit: number;
}

// A variable, because the bench has no types.
const script: string = './statistics.mjs';
const { judge, median, ratio } = (await import(script)) as {
  judge: (value: number, target: Target) => { reached: boolean; margin: number };
  median: (values: readonly number[]) => number;
  ratio: (ours: readonly number[], theirs: readonly number[]) => Record<string, number>;
};

describe('the median', () => {
  test.each([
    [[5], 5],
    [[9, 1, 2], 2],
    [[10, 2, 1, 4], 3],
    [[100, 20, 3], 20],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected));

  test('leaves its values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test('of nothing is an error', () => expect(() => median([])).toThrow(RangeError));
});

test('a ratio is that of the medians, with the span of the runs that followed each other', () => {
  expect(ratio([1, 3, 2], [4, 4, 8])).toEqual({ value: 0.5, least: 0.25, greatest: 0.75 });
});

describe('a target', () => {
  test.each([
    [0.6, { sense: 'at most', limit: 0.8 }, true, 0.25],
    [0.8, { sense: 'at most', limit: 0.8 }, true, 0],
    [1, { sense: 'at most', limit: 0.8 }, false, -0.25],
    [300, { sense: 'at least', limit: 200 }, true, 0.5],
    [100, { sense: 'at least', limit: 200 }, false, -0.5],
  ] as const)('%d, when it is to be %j: reached is %s', (value, target, reached, margin) => {
    const verdict = judge(value, target);
    expect(verdict.reached).toBe(reached);
    expect(verdict.margin).toBeCloseTo(margin);
  });
});
