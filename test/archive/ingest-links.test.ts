/** Files with several names, in the modes that link, and what is said of those that were copied. */
import { expect, test } from '@jest/globals';
import type { FileToIngest } from '../../src/archive/ingest/file-ingester.js';
import { LinkGroups } from '../../src/archive/ingest/link-groups.js';
import { Refusals } from '../../src/archive/ingest/refusals.js';
import type { Message } from '../../src/archive/api.js';

function fileCalled(path: string, ino: bigint, nlink: bigint): FileToIngest {
  const source = { path, stat: { dev: 1n, ino, nlink } };
  return { source, parent: 0, existing: undefined, attempts: 0 } as unknown as FileToIngest;
}

const pathsOf = (files: readonly FileToIngest[]): string[] =>
  files.map(({ source, shared }) => `${source.path}${shared === true ? ' shared' : ''}`);

test('a file waits until as many of its names were found as it has', () => {
  const groups = new LinkGroups();
  expect(groups.add(fileCalled('a', 1n, 3n))).toEqual([]);
  expect(groups.add(fileCalled('x', 2n, 2n))).toEqual([]);
  expect(groups.add(fileCalled('b', 1n, 3n))).toEqual([]);
  expect(pathsOf(groups.add(fileCalled('c', 1n, 3n)))).toEqual(['a', 'b', 'c']);
  expect(pathsOf(groups.rest())).toEqual(['x shared']);
  expect(groups.rest()).toEqual([]);
});

test('one name that comes twice, as where sources overlap, counts once', () => {
  const groups = new LinkGroups();
  groups.add(fileCalled('a', 1n, 2n));
  expect(groups.add(fileCalled('a', 1n, 2n))).toEqual([]);
  expect(pathsOf(groups.rest())).toEqual(['a shared', 'a shared']);
});

test('of too many that wait those go first that waited longest, as shared', () => {
  const groups = new LinkGroups(2);
  for (const [at, name] of ['a', 'b'].entries()) groups.add(fileCalled(name, BigInt(at), 2n));
  expect(pathsOf(groups.add(fileCalled('c', 9n, 2n)))).toEqual(['a shared']);
  expect(pathsOf(groups.add(fileCalled('d', 9n, 2n)))).toEqual(['c', 'd']);
});

test('files that were copied are told once for each reason', () => {
  const messages: Message[] = [];
  const refusals = new Refusals((message) => messages.push(message));
  for (const path of ['/a', '/b', '/c']) refusals.add('shared', path);
  refusals.add('busy', '/d');
  refusals.tell();
  refusals.tell();
  expect(messages).toMatchObject([
    { level: 'note', code: 'NOT_LINKED', path: '/a', text: expect.stringMatching(/outside.*; 2 more/) },
    { level: 'note', code: 'NOT_LINKED', path: '/d', text: expect.stringMatching(/open for writing$/) },
  ]);
});
