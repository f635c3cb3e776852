/** Names are bytes: whatever the filesystem takes goes in, is found, and comes out as it was. */
import { readdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { EntryRow } from '../../src/archive/api.js';
import { nameFromBytes } from '../../src/fs/names.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, parseRows } from './hkfs.js';

const NAMES: readonly (readonly [title: string, bytes: Buffer])[] = [
  ['bytes that are not UTF-8', Buffer.from('caf\xe9', 'latin1')],
  ['other bytes that are not UTF-8', Buffer.from('caf\xea', 'latin1')],
  ['half of a character of three bytes', Buffer.from('\xe2\x82', 'latin1')],
  ['a newline', Buffer.from('line\nbreak')],
  ['quotes', Buffer.from(`it's "so"`)],
  ['a leading dash', Buffer.from('-rf')],
  ['two leading dashes', Buffer.from('--json')],
  ['a backslash', Buffer.from('back\\slash')],
  ['255 bytes', Buffer.from('a'.repeat(255))],
  ['255 bytes of characters', Buffer.from(`${'é'.repeat(127)}x`)],
  ['é composed', Buffer.from('\u00e9')],
  ['é decomposed', Buffer.from('e\u0301')],
  ['an emoji', Buffer.from('\u{1f600}')],
  ['U+FFFD itself', Buffer.from('\ufffd')],
  ['DEL', Buffer.from('del\u007f')],
  ['an escape sequence', Buffer.from('red\u001b[31m')],
  ['spaces at the ends', Buffer.from(' x ')],
  ['a hash-like word', Buffer.from('deadbeef')],
];

const scratch = scratchDirectory();
let box: Box;

beforeAll(() => {
  box = Box.make(scratch.path);
  for (const [title, name] of NAMES) writeFileSync(inSource(name), title);
  expect(box.ingest('--to', '/').files).toBe(NAMES.length);
});

/** A glob for the very name; the parser of flags takes no value that looks like a flag. */
function escaped(name: string): string {
  return name.replaceAll(/[[\\]/g, '\\$&').replace(/^-/, '[-]');
}

function inSource(name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${box.source}/`), name]);
}

describe.each(NAMES)('a name with %s', (title, name) => {
  test('is printed by cat when given as it is', () => {
    const { stdout, stderr, status } = box.run('cat', '--', name);
    expect({ stdout, stderr, status }).toEqual({ stdout: title, stderr: '', status: 0 });
  });

  test('is found by find --name, and by nothing else', () => {
    const glob = Buffer.from(escaped(name.toString('latin1')), 'latin1');
    const { stdout, stderr } = box.run('find', Buffer.concat([Buffer.from('--name='), glob]), '--json');
    expect(stderr).toBe('');
    expect(parseRows<EntryRow>(stdout).map(({ path }) => path)).toEqual([nameFromBytes(name)]);
  });
});

test('ls --json tells all names apart, bytes that are not UTF-8 as \\udcXX', () => {
  const { stdout } = box.run('ls', '--json');
  const paths = parseRows<EntryRow>(stdout).map(({ path }) => path);
  expect(paths.toSorted()).toEqual(NAMES.map(([, name]) => nameFromBytes(name)).toSorted());
  expect(stdout).toContain('"path":"caf\\udce9"');
});

test('ls -0 writes the raw bytes, ordered by bytes, each ended by NUL', () => {
  const sorted = NAMES.map(([, name]) => name).toSorted((a, b) => Buffer.compare(a, b));
  const expected = Buffer.concat(sorted.flatMap((name) => [name, Buffer.from([0])]));
  expect(box.run('ls', '-0').bytes.equals(expected)).toBe(true);
  expect(box.run('find', '--kind', 'file', '-0').bytes.equals(expected)).toBe(true);
});

test('ls for people shows one line each, and no control character reaches the terminal', () => {
  const { stdout } = box.run('ls');
  expect(stdout.split('\n')).toHaveLength(NAMES.length + 1);
  expect(stdout.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f]/);
  for (const shown of ['caf\\351', 'line\\nbreak', 'red\\033[31m', 'del\\177', 'back\\\\slash'])
    expect(stdout).toContain(shown);
});

test('stat for people and the hint of an error show control characters escaped', () => {
  expect(box.run('stat', 'line\nbreak').stdout).toContain('line\\nbreak');
  const { stderr } = box.run('stat', 'no\u001b[31m\nsuch');
  expect(stderr.split('\n')).toHaveLength(3);
  expect(stderr).not.toContain('\u001b');
});

test('the tree on disk holds the very same bytes, and everything verifies', () => {
  const onDisk = readdirSync(box.root, 'buffer').filter((name) => name.toString() !== '.hkfs');
  const hex = (names: readonly Buffer[]): string[] => names.map((name) => name.toString('hex')).toSorted();
  expect(hex(onDisk)).toEqual(hex(NAMES.map(([, name]) => name)));
  box.expectSound();
});

test('sources and --to of such names are taken as they are', () => {
  const to = Buffer.from('--to=in/\xff', 'latin1');
  expect(box.ingest(inSource(NAMES[0]![1]), to).duplicateFiles).toBe(1);
  expect(box.run('cat', Buffer.from('in/\xff', 'latin1')).stdout).toBe(NAMES[0]![0]);
  expect(box.ingest(inSource(NAMES[3]![1]), inSource(NAMES[1]![1]), '--to', 'two').files).toBe(2);
  expect(box.paths('two').toSorted()).toEqual(['two/caf\udcea', 'two/line\nbreak']);
});
