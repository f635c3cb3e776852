/** What the holder's socket takes for a question. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Archive } from '../../../src/archive/archive.js';
import { readReply } from '../../../src/archive/holder/ask.js';
import { QUERIES, QUERY_METHODS, readRequest } from '../../../src/archive/holder/queries.js';
import { isHkfsError } from '../../../src/errors.js';
import { runs } from '../../projections/property.js';

const HASH = 'ab'.repeat(32);

function isRefused(line: string): boolean {
  try {
    readRequest(line);
    return false;
  } catch (error) {
    if (!isHkfsError(error, 'USAGE')) throw error;
    return true;
  }
}

function ask(method: string, ...args: unknown[]): string {
  return JSON.stringify({ method, args });
}

test('of all that an archive can do, only the queries can be asked', () => {
  const names = new Set<string>(['__proto__', 'prototype', 'length', '']);
  for (let at: unknown = Archive.prototype; at !== null; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  for (const name of ['ingest', 'remove', 'gc', 'close', 'exclusively', 'constructor', 'toString'])
    expect(names).toContain(name);
  const asked = [...names].filter((name) =>
    [0, 1, 2].some((n) => !isRefused(ask(name, ...Array(n).fill('x')))),
  );
  expect(asked.filter((name) => !(QUERY_METHODS as readonly string[]).includes(name))).toEqual([]);
});

const ASKED: readonly (readonly [string, ...unknown[]])[] = [
  ['resolveMoment', null],
  ['resolveMoment', 'yesterday'],
  ['ls', 'a/b', { at: '@3', recursive: true }],
  ['stat', '', {}],
  ['find', { name: '*.jpg', minSize: 1, kind: 'file' }, { at: null }],
  ['locate', 'x', { everywhere: true }],
  ['du', '', { depth: 2 }],
  ['dups', { kind: 'dir', under: ['a'], against: ['b'], sameNames: false }],
  ['unique', 'a', { than: 'b' }],
  ['log'],
  ['log', { path: 'a', operation: 1, from: 0, limit: 10 }],
  ['ops', { operation: 3 }],
  ['diff', { from: 'op:1', path: 'x' }],
  ['show', 1, { limit: 5 }],
  ['lookUp', [HASH], { paths: true }],
  ['contents', { at: '@1' }],
  ['similar', { is: 'all', min: 0.5 }],
  ['similar', { is: 'outside', contents: [{ hash: HASH, size: 1, files: 2 }], missing: true }, {}],
  ['head'],
  ['signedHead'],
  ['prove', { since: { size: 4, root: HASH } }],
  ['prove', { position: 4 }],
  ['tags'],
  ['orphans'],
  ['remotes'],
  ['copies', { path: 'x', min: 2 }],
];

test('every query is taken with its arguments', () => {
  for (const [method, ...args] of ASKED) expect(readRequest(ask(method, ...args))).toMatchObject({ method });
  expect(new Set(ASKED.map(([method]) => method))).toEqual(new Set(QUERY_METHODS));
});

const WRONG: readonly (readonly [string, ...unknown[]])[] = [
  ['ls', 5],
  ['ls', 'a', { at: 3 }],
  ['ls', 'a', { recursive: 'yes' }],
  ['ls', 'a', { toString: 'x' }],
  ['ls', 'a', {}, 'more'],
  ['ls', ['a']],
  ['ls'],
  ['find', null],
  ['find', { minSize: -1 }],
  ['find', { minSize: 2 ** 53 }],
  ['du', '', { depth: 1.5 }],
  ['show', '1'],
  ['lookUp', ['../../etc/passwd']],
  ['lookUp', HASH],
  ['similar', { is: 'outside', contents: [{ hash: HASH, size: '1', files: 2 }] }],
  ['prove', { position: -1 }],
  ['prove', {}],
  ['dups', { under: 'a' }],
];

test('a query with what is no argument of it is refused', () => {
  expect(WRONG.filter(([method, ...args]) => !isRefused(ask(method, ...args)))).toEqual([]);
});

test('whatever comes is either a query with its arguments or refused as no question', () => {
  const line = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({ method: fc.constantFrom(...QUERY_METHODS), args: fc.jsonValue() })
      .map((r) => JSON.stringify(r)),
    fc
      .record({ method: fc.constantFrom(...QUERY_METHODS), args: fc.array(fc.jsonValue(), { maxLength: 3 }) })
      .map((r) => JSON.stringify(r)),
  );
  fc.assert(
    fc.property(line, (text) => {
      if (isRefused(text)) return;
      const { method, args } = readRequest(text);
      expect(QUERIES[method].args.every((judge, index) => judge(args[index]))).toBe(true);
    }),
    runs(300),
  );
});

const NO_ANSWERS = [
  '',
  'x',
  '[]',
  'null',
  '{}',
  '{"error":{"code":"NO_SUCH_CODE","message":"exit 0","hint":null}}',
  '{"error":{"code":"toString","message":"x","hint":null}}',
  '{"error":{"code":"NOT_FOUND","message":7}}',
  '{"row":1,"end":true}',
];

test('an answer that no hkfs gives is an error with a code', () => {
  for (const line of NO_ANSWERS)
    expect(() => readReply(line)).toThrow(expect.objectContaining({ code: 'IO_ERROR' }));
});
