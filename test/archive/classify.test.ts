import { describe, expect, test } from '@jest/globals';
import {
  classifyNonFile,
  identityOf,
  isUnchangedFile,
  splitDevice,
  type SourceEntry,
} from '../../src/archive/ingest/classify.js';
import type { EntryEvent, SpecialKind } from '../../src/events/types.js';
import type { FileStat } from '../../src/fs/stats.js';
import type { Entry } from '../../src/projections/namespace.js';
import { ATTRIBUTES, directory, file, SOURCE, symlink } from '../projections/records.js';

const STAT: FileStat = {
  dev: SOURCE.device,
  ino: SOURCE.inode,
  mode: 0o100640n,
  nlink: 1n,
  uid: 1000n,
  gid: 100n,
  rdev: 0n,
  size: 3n,
  mtimeNs: ATTRIBUTES.mtimeNs,
  ctimeNs: SOURCE.ctimeNs,
  blocks: 8n,
};
const FILE = file(0, 'x', { source: SOURCE });

describe('a file that was ingested before', () => {
  test('is unchanged while inode, ctime, mtime and size are as they were', () => {
    expect(isUnchangedFile(FILE, STAT)).toBe(true);
    expect(isUnchangedFile(FILE, { ...STAT, nlink: 5n, uid: 0n, mode: 0n, blocks: 0n })).toBe(true);
  });

  test.each<[string, Partial<FileStat>]>([
    ['device', { dev: 8n }],
    ['inode', { ino: 8n }],
    ['ctime', { ctimeNs: SOURCE.ctimeNs + 1n }],
    ['mtime', { mtimeNs: ATTRIBUTES.mtimeNs - 1n }],
    ['size', { size: 4n }],
  ])('is not unchanged with another %s', (_field, changed) => {
    expect(isUnchangedFile(FILE, { ...STAT, ...changed })).toBe(false);
  });

  test('is not unchanged where nobody knows from which source it came', () => {
    expect(isUnchangedFile({ ...FILE, source: null }, STAT)).toBe(false);
  });

  test('is told by device, inode and ctime', () => {
    expect(identityOf(STAT)).toEqual(SOURCE);
  });
});

function source(kind: SourceEntry['kind'], fields: Partial<SourceEntry> = {}): SourceEntry {
  return { name: 'x', path: '/s/x', kind, stat: STAT, attributes: ATTRIBUTES, target: undefined, ...fields };
}

function entry(event: EntryEvent): Entry {
  const kind =
    event.type === 'special.added'
      ? event.kind
      : ({ 'file.ingested': 'file', 'directory.added': 'directory', 'symlink.added': 'symlink' } as const)[
          event.type
        ];
  return { parent: 0, name: 'x', kind, directoryId: kind === 'directory' ? 7 : null, event, position: 7 };
}

/** A device with the numbers 8:1, as Linux packs them. */
const DEVICE = { ...STAT, rdev: 0x801n };
const special = (kind: SpecialKind, major = 0, minor = 0): Entry =>
  entry({ type: 'special.added', parent: 0, name: 'x', kind, major, minor, attributes: ATTRIBUTES });
const OTHER = { attributes: { ...ATTRIBUTES, mode: 0o600 } };

describe('what is no file', () => {
  test.each<[string, SourceEntry, Entry, 'nothing' | 'attributes' | 'add']>([
    ['a directory as it was', source('directory'), entry(directory(0, 'x')), 'nothing'],
    ['a directory with other attributes', source('directory', OTHER), entry(directory(0, 'x')), 'attributes'],
    ['a directory where a file was', source('directory'), entry(FILE), 'add'],
    ['a symlink as it was', source('symlink', { target: 't' }), entry(symlink(0, 'x', 't')), 'nothing'],
    ['a symlink with another text', source('symlink', { target: 'u' }), entry(symlink(0, 'x', 't')), 'add'],
    [
      'a symlink of another owner',
      source('symlink', { target: 't', ...OTHER }),
      entry(symlink(0, 'x', 't')),
      'attributes',
    ],
    ['a symlink where a directory was', source('symlink', { target: 't' }), entry(directory(0, 'x')), 'add'],
    ['a fifo as it was', source('fifo'), special('fifo'), 'nothing'],
    ['a fifo where a socket was', source('fifo'), special('socket'), 'add'],
    ['a device as it was', source('blockdev', { stat: DEVICE }), special('blockdev', 8, 1), 'nothing'],
    ['a device with another number', source('blockdev', { stat: DEVICE }), special('blockdev', 8, 2), 'add'],
    [
      'a character device where a block device was',
      source('chardev', { stat: DEVICE }),
      special('blockdev', 8, 1),
      'add',
    ],
  ])('%s', (_what, source, existing, action) => {
    const expected = action === 'add' ? { do: 'add', replaces: existing } : { do: action };
    expect(classifyNonFile(source, existing)).toEqual(expected);
  });

  test('is added where nothing was', () => {
    expect(classifyNonFile(source('directory'), undefined)).toEqual({ do: 'add', replaces: null });
  });

  test('has device numbers only where it is a device', () => {
    expect(splitDevice(source('chardev', { stat: DEVICE }))).toEqual({ major: 8, minor: 1 });
    expect(splitDevice(source('fifo', { stat: DEVICE }))).toEqual({ major: 0, minor: 0 });
  });
});
