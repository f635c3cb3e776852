import { describe, expect, test } from '@jest/globals';
import { encodeEvent } from '../../src/events/codec.js';
import type { EventType, HkfsEvent } from '../../src/events/types.js';
import { evolve, parseEntryValue, parseSourceValue } from '../../src/projections/evolve.js';
import * as keys from '../../src/projections/keys.js';
import {
  A_FIFO,
  A_FILE,
  A_SYMLINK,
  AT,
  entry,
  folded,
  GONE,
  HASH,
  HASH_BYTES,
  OTHER,
  placeValue,
  posting,
  rows,
  type Rows,
  withId,
} from './fold-one.js';
import {
  ATTRIBUTES,
  CREATED,
  directory,
  file,
  hashOf,
  recordsOf,
  removal,
  rename,
  SOURCE,
  stored,
  timeOf,
} from './records.js';

const markValue = Buffer.concat([keys.positionBytes(AT), keys.positionBytes(timeOf(AT))]);
const INODE = { device: 1n, inode: 5n };
const MOVED = { device: 2n, inode: 6n };
const time = keys.positionBytes(timeOf(AT));
const REMOTE: HkfsEvent = { type: 'remote.added', name: 'nas', url: '/mnt/nas', kind: 'directory' };
const BACKUP: HkfsEvent = {
  type: 'backup.completed',
  remote: 'nas',
  size: AT,
  root: HASH,
  objects: 2,
  bytes: 99,
};
const COPIES: HkfsEvent = {
  type: 'copies.verified',
  remote: 'nas',
  quick: true,
  objects: 2,
  bytes: 99,
  damaged: [HASH],
  missing: [],
  healed: [],
  size: AT,
  before: AT,
  after: null,
  upTo: HASH,
};

const CASES: Record<
  Exclude<EventType, 'path.renamed' | 'path.restored' | 'attributes.changed'>,
  [HkfsEvent, Rows]
> = {
  'archive.created': [CREATED, {}],
  'directory.added': [
    directory(3, 'd'),
    rows(
      [entry({ parent: 3, name: 'd' }), withId(AT, directory(3, 'd'))],
      [keys.placeKey(AT, AT), placeValue(3, 'd')],
    ),
  ],
  'file.ingested': [A_FILE, rows([entry(A_FILE), encodeEvent(A_FILE)], [posting(A_FILE), GONE])],
  'symlink.added': [A_SYMLINK, rows([entry(A_SYMLINK), encodeEvent(A_SYMLINK)])],
  'special.added': [A_FIFO, rows([entry(A_FIFO), encodeEvent(A_FIFO)])],
  'path.removed': [removal(3, 'f'), rows([entry(A_FILE), GONE])],
  'paths.pruned': [
    { type: 'paths.pruned', entries: [{ parent: 3, name: 'f', hash: HASH, kept: { parent: 0, name: 'g' } }] },
    {},
  ],
  'object.stored': [
    stored(HASH, 5n, 77),
    rows(
      [keys.objectKey(HASH_BYTES, INODE, AT), keys.positionBytes(77)],
      [keys.inodeKey(INODE, AT), HASH_BYTES],
    ),
  ],
  'object.relocated': [
    { type: 'object.relocated', hash: HASH, size: 77, from: INODE, to: MOVED },
    rows(
      [keys.objectKey(HASH_BYTES, INODE, AT), GONE],
      [keys.inodeKey(INODE, AT), GONE],
      [keys.objectKey(HASH_BYTES, MOVED, AT), keys.positionBytes(77)],
      [keys.inodeKey(MOVED, AT), HASH_BYTES],
    ),
  ],
  'object.removed': [
    { ...stored(HASH, 5n), type: 'object.removed' },
    rows([keys.objectKey(HASH_BYTES, INODE, AT), GONE], [keys.inodeKey(INODE, AT), GONE]),
  ],
  'object.damaged': [
    { type: 'object.damaged', hash: HASH, finding: 'content' },
    rows([keys.hashPositionKey(keys.PREFIX.finding, HASH_BYTES, AT), Buffer.from('content')]),
  ],
  'object.healed': [
    { type: 'object.healed', hash: HASH, from: 'verify' },
    rows([keys.hashPositionKey(keys.PREFIX.finding, HASH_BYTES, AT), GONE]),
  ],
  'objects.verified': [
    { type: 'objects.verified', hashes: [HASH, hashOf('bb')] },
    rows(
      [keys.hashPositionKey(keys.PREFIX.verified, HASH_BYTES, AT), keys.positionBytes(timeOf(AT))],
      [
        keys.hashPositionKey(keys.PREFIX.verified, Buffer.from(hashOf('bb'), 'hex'), AT),
        keys.positionBytes(timeOf(AT)),
      ],
    ),
  ],
  'operation.started': [
    { type: 'operation.started', operation: 4, command: 'x', args: [], user: 'u', host: 'h', sources: [] },
    rows([keys.operationKey(keys.PREFIX.started, 4), markValue]),
  ],
  'operation.completed': [
    { type: 'operation.completed', operation: 4, counts: {} },
    rows([keys.operationKey(keys.PREFIX.ended, 4), markValue]),
  ],
  'operation.failed': [
    { type: 'operation.failed', operation: 4, reason: 'no', counts: {} },
    rows([keys.operationKey(keys.PREFIX.ended, 4), markValue]),
  ],
  'tag.added': [
    { type: 'tag.added', tag: 'v1', position: 7 },
    rows([keys.tagKey('v1', AT), keys.positionBytes(7)]),
  ],
  'tar.ingested': [
    { type: 'tar.ingested', directory: 3, name: 'a.tar', hash: HASH, size: 10_240 },
    rows([
      keys.hashPositionKey(keys.PREFIX.tar, HASH_BYTES, AT),
      Buffer.concat([keys.positionBytes(3), keys.positionBytes(1)]),
    ]),
  ],
  'remote.added': [
    REMOTE,
    rows([keys.remoteKey(keys.PREFIX.remote, 'nas', AT), Buffer.concat([time, encodeEvent(REMOTE)])]),
  ],
  'remote.removed': [
    { type: 'remote.removed', name: 'nas' },
    rows([keys.remoteKey(keys.PREFIX.remote, 'nas', AT), GONE]),
  ],
  'backup.completed': [
    BACKUP,
    rows([keys.remoteKey(keys.PREFIX.backup, 'nas', AT), Buffer.concat([time, encodeEvent(BACKUP)])]),
  ],
  'copies.verified': [
    COPIES,
    rows([keys.remoteKey(keys.PREFIX.copies, 'nas', AT), Buffer.concat([time, encodeEvent(COPIES)])]),
  ],
};

describe('given nothing, when one event is folded', () => {
  test.each(Object.entries(CASES))('%s gives its rows and no other', async (_type, [event, expected]) => {
    expect(await folded(event)).toEqual(expected);
  });

  test('an empty file has no posting and no source, because it has no content', async () => {
    const empty = file(3, 'f', { hash: null, size: 0, source: SOURCE });
    expect(await folded(empty)).toEqual(rows([entry(empty), encodeEvent(empty)]));
  });

  test('a file with a known source can be recognised by the source alone', async () => {
    const read = file(3, 'f', { source: SOURCE, size: 2 ** 40 });
    const value = (await folded(read))[keys.sourceKey(SOURCE).toString('hex')]!;
    expect(parseSourceValue(Buffer.from(value, 'hex'))).toEqual({
      size: 2n ** 40n,
      mtimeNs: ATTRIBUTES.mtimeNs,
      ctimeNs: SOURCE.ctimeNs,
      position: AT,
      hash: HASH,
    });
  });

  test('a source from before 1970 keeps its times', async () => {
    const old = file(3, 'f', { attributes: OTHER, source: { ...SOURCE, ctimeNs: -7n } });
    const value = (await folded(old))[keys.sourceKey(SOURCE).toString('hex')]!;
    expect(parseSourceValue(Buffer.from(value, 'hex'))).toMatchObject({ mtimeNs: -1n, ctimeNs: -7n });
  });

  test('an event that needs an earlier row is refused where there is no lookup', () => {
    for (const event of [rename([0, 'a'], [0, 'b']), { ...A_FILE, type: 'attributes.changed' } as HkfsEvent])
      expect(() => evolve(recordsOf([event])[0]!, { put: () => {} })).toThrow('evolveWithLookup');
  });
});

describe('the value of an entry row', () => {
  test('tells a directory, with its id, from everything else', () => {
    expect(parseEntryValue(withId(2 ** 40, directory(3, 'd')), AT)).toEqual({
      event: directory(3, 'd'),
      directoryId: 2 ** 40,
    });
    const bytes = Buffer.from(encodeEvent(A_FILE));
    expect(parseEntryValue(bytes, AT)).toEqual({ event: A_FILE, directoryId: null });
    expect(parseEntryValue(GONE, AT)).toBeUndefined();
  });
});
