import { expect, test } from '@jest/globals';
import { NamedObjects } from '../../../src/archive/remote/named-objects.js';
import { encodeEvent } from '../../../src/events/codec.js';
import { withLink } from '../../../src/events/commit-chain.js';

const stored = (digit: string): Buffer =>
  Buffer.from(encodeEvent({ type: 'object.stored', hash: digit.repeat(64), size: 7, device: 1n, inode: 2n }));

test('contents are listed also where a link to the commit before makes their event a rare one', () => {
  const named = new NamedObjects();
  const commit = { format: 2, first: 0, count: 2, timeMs: 0, operation: 0, range: [] } as const;
  named.add([{ commit, events: [withLink(stored('a'), Buffer.alloc(32)), stored('b'), stored('b')] }]);
  expect(Array.from(named.list, ({ hash, size }) => [hash, size])).toEqual([
    ['a'.repeat(64), 7],
    ['b'.repeat(64), 7],
  ]);
  expect(named.isComplete).toBe(true);
});
