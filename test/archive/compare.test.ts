import { describe, expect, test } from '@jest/globals';
import { compare, type Seen } from '../../src/archive/queries/compare.js';
import type { EntryEvent } from '../../src/events/types.js';
import { ATTRIBUTES, directory, file, hashOf } from '../projections/records.js';

/** A directory's id goes with it; whatever else is known by the identity that is given. */
function seen(identity: string, path: string, event: EntryEvent, directoryId: number | null = null): Seen {
  return { identity, path, entry: { parent: event.parent, name: event.name, directoryId, event } };
}

const one = (parent: number, name: string): EntryEvent => file(parent, name, { hash: hashOf('11') });
const two = (parent: number, name: string): EntryEvent => file(parent, name, { hash: hashOf('22') });

function differences(before: readonly Seen[], after: readonly Seen[]): string[] {
  return compare(before, after)
    .map(({ change, before, after }) => `${change} ${before?.path ?? '-'} ${after?.path ?? '-'}`)
    .sort();
}

describe('given two moments', () => {
  test('when nothing is seen, then nothing is different', () => {
    expect(compare([], [])).toEqual([]);
  });

  test('when the same entry is at the same place, then only what it is matters', () => {
    const before = seen('x', 'a', one(0, 'a'));
    expect(differences([before], [seen('x', 'a', one(0, 'a'))])).toEqual([]);
    expect(differences([before], [seen('x', 'a', two(0, 'a'))])).toEqual(['changed a a']);
    const later = { ...one(0, 'a'), attributes: { ...ATTRIBUTES, mtimeNs: 1n } } as EntryEvent;
    expect(differences([before], [seen('x', 'a', later)])).toEqual(['attributes a a']);
  });

  test.each([
    ['mode', { mode: 1 }],
    ['an owner', { user: null }],
    ['holes', { sparse: true }],
    ['a group of links', { linkGroup: [1n, 2n] as const }],
    ['an extended attribute', { xattrs: [['user.a', Buffer.from('b')]] as const }],
  ])('when %s differs, then that is a difference of attributes', (_title, attributes) => {
    const later = { ...one(0, 'a'), attributes: { ...ATTRIBUTES, ...attributes } } as EntryEvent;
    expect(differences([seen('x', 'a', one(0, 'a'))], [seen('x', 'a', later)])).toEqual(['attributes a a']);
  });

  test('when an identity is at another place, then it was renamed, whatever its content', () => {
    const before = [seen('x', 'a', one(0, 'a')), seen('y', 'b', two(0, 'b'))];
    const after = [seen('x', 'b', one(0, 'b')), seen('y', 'a', one(0, 'a'))];
    expect(differences(before, after)).toEqual(['changed b a', 'renamed a b', 'renamed b a']);
  });

  test('when something else has the place, then they are compared', () => {
    expect(differences([seen('x', 'a', one(0, 'a'))], [seen('y', 'a', two(0, 'a'))])).toEqual([
      'changed a a',
    ]);
  });

  test('when another directory has the place of one, then what is in them is compared', () => {
    const before = [
      seen('d1', 'd', directory(0, 'd'), 1),
      seen('x', 'd/f', one(1, 'f')),
      seen('y', 'd/g', two(1, 'g')),
    ];
    const after = [seen('d2', 'd', directory(0, 'd'), 2), seen('z', 'd/f', one(2, 'f'))];
    expect(differences(before, after)).toEqual(['removed d/g -']);
  });

  test('when a file went and one of its content came, then it was renamed, a kept name before another', () => {
    const before = [seen('1', 'p/a', one(1, 'a')), seen('2', 'p/b', one(1, 'b'))];
    const after = [seen('3', 'q/b', one(2, 'b')), seen('4', 'q/c', one(2, 'c'))];
    expect(differences(before, after)).toEqual(['renamed p/a q/c', 'renamed p/b q/b']);
  });

  test('when there are more on one side, then the rest came or went', () => {
    const before = [seen('1', 'p/a', one(1, 'a'))];
    const after = [seen('3', 'q/b', one(2, 'b')), seen('4', 'q/c', one(2, 'c'))];
    expect(differences(before, after)).toEqual(['added - q/c', 'renamed p/a q/b']);
    expect(differences(after, before)).toEqual(['removed q/c -', 'renamed q/b p/a']);
  });

  test('when empty files come and go, then they are not taken for each other', () => {
    const empty = (name: string): EntryEvent => file(0, name, { hash: null, size: 0 });
    expect(differences([seen('1', 'a', empty('a'))], [seen('2', 'b', empty('b'))])).toEqual([
      'added - b',
      'removed a -',
    ]);
  });
});
