import { describe, expect, test } from '@jest/globals';
import { judge, type Rules, type Standing } from '../../../src/archive/restore/judge.js';
import type { Attributes, EntryEvent, EntryKind } from '../../../src/events/types.js';
import type { FileStat } from '../../../src/fs/stats.js';

const attributes: Attributes = { mode: 0o640, uid: 5, gid: 6, user: null, group: null, mtimeNs: 123n };
const place = { parent: 0, name: 'x' };
const file: EntryEvent = {
  ...{ type: 'file.ingested', ...place, hash: 'ab'.repeat(32), size: 7, attributes, source: null },
};
const directory: EntryEvent = { type: 'directory.added', ...place, attributes };
const symlink: EntryEvent = { type: 'symlink.added', ...place, target: 'there', attributes };

const rules = (overwrite: Rules['overwrite'], mirror = false, uid = 0): Rules => ({ overwrite, mirror, uid });

function standing(
  kind: EntryKind,
  change: Partial<FileStat & Pick<Standing, 'target' | 'xattrs'>> = {},
): Standing {
  const { target = null, xattrs = [], ...stat } = change;
  const usual = { mode: 0o100640n, uid: 5n, gid: 6n, size: 7n, mtimeNs: 123n, ino: 9n, dev: 1n };
  const rest = { nlink: 1n, rdev: 0n, ctimeNs: 0n, blocks: 8n };
  return { kind, stat: { ...usual, ...rest, ...stat }, target, xattrs };
}

test('where nothing stands it is made, whatever the rules', () => {
  for (const overwrite of ['never', 'if-different', 'always'] as const)
    expect(judge(file, null, rules(overwrite))).toBe('create');
});

describe('a file that is as wanted', () => {
  test.each([
    ['never', 'keep'],
    ['if-different', 'keep'],
    ['always', 'replace'],
  ] as const)('under %s: %s', (overwrite, verdict) => {
    expect(judge(file, standing('file'), rules(overwrite))).toBe(verdict);
  });
});

describe('a file that differs in', () => {
  const cases: readonly (readonly [string, Standing])[] = [
    ['kind', standing('fifo')],
    ['size', standing('file', { size: 8n })],
    ['mtime, by a nanosecond', standing('file', { mtimeNs: 124n })],
    ['mode', standing('file', { mode: 0o100600n })],
    ['owner', standing('file', { uid: 1n })],
    ['group', standing('file', { gid: 1n })],
    ['an xattr too many', standing('file', { xattrs: [['user.x', Buffer.from('y')]] })],
  ];
  test.each(cases)('%s stays under never, makes room under if-different', (_what, there) => {
    expect(judge(file, there, rules('never'))).toBe('differs');
    expect(judge(file, there, rules('if-different'))).toBe('replace');
  });
});

test('a file whose ACL has another mask than its mode is as wanted with the mask in its mode', () => {
  const entry = (tag: number, bits: number): number[] => [tag, 0, bits, 0, 255, 255, 255, 255];
  const acl = Buffer.from([2, 0, 0, 0, ...entry(1, 6), ...entry(4, 4), ...entry(16, 6), ...entry(32, 0)]);
  const xattrs = [['system.posix_acl_access', acl]] as const;
  const wanted = { ...file, attributes: { ...attributes, xattrs } };
  expect(judge(wanted, standing('file', { mode: 0o100660n, xattrs }), rules('never'))).toBe('keep');
  expect(judge(wanted, standing('file', { xattrs }), rules('never'))).toBe('differs');
});

test('an ordinary user keeps what differs only in what they cannot set', () => {
  const there = standing('file', {
    uid: 1000n,
    gid: 1000n,
    xattrs: [['security.selinux', Buffer.from('l')]],
  });
  expect(judge(file, there, rules('if-different', false, 1000))).toBe('keep');
  const setuid = { ...file, attributes: { ...attributes, mode: 0o4640 } };
  expect(judge(setuid, there, rules('if-different', false, 1000))).toBe('keep');
  expect(judge(setuid, standing('file'), rules('if-different', false, 0))).toBe('replace');
});

test('a symlink is compared by its text and never by its mode', () => {
  const there = (target: string): Standing => standing('symlink', { mode: 0o120777n, size: 5n, target });
  expect(judge(symlink, there('there'), rules('if-different'))).toBe('keep');
  expect(judge(symlink, there('else'), rules('if-different'))).toBe('replace');
});

describe('directories', () => {
  test('a directory for a directory is entered, a file or symlink in its place makes room only when told', () => {
    expect(judge(directory, standing('directory'), rules('never'))).toBe('enter');
    for (const kind of ['file', 'symlink'] as const) {
      expect(judge(directory, standing(kind), rules('never'))).toBe('differs');
      expect(judge(directory, standing(kind), rules('always'))).toBe('replace');
    }
  });

  test('a directory in the place of a file goes only with --delete', () => {
    expect(judge(file, standing('directory'), rules('never'))).toBe('differs');
    expect(judge(file, standing('directory'), rules('always'))).toBe('blocked');
    expect(judge(file, standing('directory'), rules('if-different', true))).toBe('clear');
  });
});

test('a file that is to be a link is as wanted where it is one of the inodes, and only there', () => {
  const inodes = [{ device: 1n, inode: 9n }];
  const there = standing('file', { mode: 0o100444n, uid: 0n });
  expect(judge(file, there, rules('always'), inodes)).toBe('keep');
  expect(judge(file, standing('file', { ino: 10n }), rules('if-different'), inodes)).toBe('replace');
});

test('a file that shares its inode, where the entry had its own, makes room under if-different only', () => {
  const shared = standing('file', { nlink: 2n });
  expect(judge(file, shared, rules('never'))).toBe('keep');
  expect(judge(file, shared, rules('if-different'))).toBe('replace');
  const grouped = { ...file, attributes: { ...attributes, linkGroup: [1n, 2n] as const } };
  expect(judge(grouped, shared, rules('if-different'))).toBe('keep');
});
