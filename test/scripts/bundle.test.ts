import { expect, test } from '@jest/globals';

// A variable, because scripts have no types.
const script: string = '../../scripts/build/bundle.mjs';
const { makeRequiresLazy } = (await import(script)) as {
  makeRequiresLazy: (source: string) => string;
};

/** Runs CommonJS text as Node would; gives its exports and what it required, in order. */
function run(source: string, modules: Record<string, unknown>) {
  const required: string[] = [];
  const require = (name: string): unknown => {
    required.push(name);
    return modules[name];
  };
  const exports: Record<string, () => unknown> = {};
  // oxlint-disable-next-line typescript/no-implied-eval -- the subject of the test is source text
  new Function('require', 'exports', makeRequiresLazy(source))(require, exports);
  return { exports, required };
}

test('a module is required when it is first used and not before', () => {
  const { exports, required } = run('const a_1 = require("./a");\nexports.f = () => a_1.value;', {
    './a': { value: 7 },
  });
  expect(required).toEqual([]);
  expect(exports.f()).toBe(7);
  expect(required).toEqual(['./a']);
});

test('a class of a lazy module can still be constructed', () => {
  const source = 'const a_1 = require("./a");\nexports.f = () => new a_1.Thing(5).n;';
  class Thing {
    readonly n: number;
    constructor(n: number) {
      this.n = n;
    }
  }
  expect(run(source, { './a': { Thing } }).exports.f()).toBe(5);
});

test('text, properties and longer names that hold the same letters stay', () => {
  const source =
    'const a_1 = require("./a");\nconst ba_1 = 1;\nexports.f = () => ["a_1", ba_1, { a_1: 2 }.a_1, a_1.value];';
  expect(run(source, { './a': { value: 7 } }).exports.f()).toEqual(['a_1', 1, 2, 7]);
});
