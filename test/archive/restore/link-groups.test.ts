import { describe, expect, test } from '@jest/globals';
import type { Attributes, EntryEvent } from '../../../src/events/types.js';
import { groupKey } from '../../../src/archive/restore/link-groups.js';

const ATTRIBUTES: Attributes = {
  mode: 0o644,
  uid: 1000,
  gid: 100,
  user: 'ann',
  group: 'users',
  mtimeNs: 1_700_000_000_123_456_789n,
  linkGroup: [66n, 1234n],
  xattrs: [['user.note', Buffer.from('first')]],
};

function keyOf(
  attributes: Partial<Attributes>,
  content: { hash?: string; size?: number } = {},
): string | null {
  const event: EntryEvent = {
    type: 'file.ingested',
    parent: 0,
    name: 'a',
    hash: 'ab'.repeat(32),
    size: 5,
    attributes: { ...ATTRIBUTES, ...attributes },
    source: null,
    ...content,
  };
  return groupKey({ event } as Parameters<typeof groupKey>[0]);
}

describe('names of one inode of the source', () => {
  test('are one file again where they were taken in alike', () => {
    expect(keyOf({})).not.toBeNull();
    expect(keyOf({})).toBe(keyOf({ xattrs: [['user.note', Buffer.from('first')]] }));
  });

  test.each<[what: string, attributes: Partial<Attributes>]>([
    ['another value of an extended attribute', { xattrs: [['user.note', Buffer.from('second')]] }],
    ['another extended attribute', { xattrs: [['user.other', Buffer.from('first')]] }],
    ['no extended attributes', { xattrs: [] }],
    ['another mode', { mode: 0o600 }],
    ['another owner', { uid: 1001 }],
    ['another time', { mtimeNs: 1n }],
    ['another inode', { linkGroup: [66n, 1235n] }],
  ])('are files of their own where one was taken in with %s', (_what, attributes) => {
    expect(keyOf(attributes)).not.toBe(keyOf({}));
  });

  test('are files of their own where one was taken in with another content', () => {
    expect(keyOf({}, { hash: 'cd'.repeat(32) })).not.toBe(keyOf({}));
  });
});

test('a file with one name is of no group', () => {
  const { linkGroup: _, ...single } = ATTRIBUTES;
  expect(groupKey({ event: { type: 'file.ingested', attributes: single } } as never)).toBeNull();
});
