import { describe, expect, test } from '@jest/globals';
import type { HkfsEvent } from '../../../src/events/types.js';
import { LogJudge } from '../../../src/projections/judge/log-judge.js';
import {
  ATTRIBUTES,
  CREATED,
  directory,
  file,
  removal,
  rename,
  restoration,
  SOURCE,
  symlink,
} from '../records.js';
import { HOSTILE_NAMES, numbered } from './hostile-events.js';

/** What is refused of events that follow the archive's creation; null where all are taken. */
async function refusal(events: readonly HkfsEvent[]): Promise<string | null> {
  try {
    await new LogJudge(null).judge(numbered([CREATED, ...events]));
    return null;
  } catch (error) {
    expect(error).toMatchObject({ code: 'LOG_DAMAGED', exitCode: 4 });
    return (error as Error).message;
  }
}

describe('a log from elsewhere is refused for', () => {
  test.each(HOSTILE_NAMES)('the name %j, whatever has it', async (name) => {
    const added = [directory(0, name), file(0, name), symlink(0, name, 'x')];
    const kept = { type: 'paths.pruned', entries: [{ parent: 0, name, hash: null, kept: null }] } as const;
    for (const event of [...added, kept, rename([0, 'a'], [0, name]), restoration(0, name, 1)])
      expect(await refusal([file(0, 'a'), event])).toContain('event 2 is not one that hkfs writes');
  });

  const attributes = (fields: object): HkfsEvent =>
    file(0, 'f', { attributes: { ...ATTRIBUTES, ...fields } });
  test.each<[string, HkfsEvent]>([
    ['a link target with a NUL', symlink(0, 's', 'a\0b')],
    ['a number of an owner of 33 bits', attributes({ uid: 2 ** 32 })],
    ['a number of a group of 53 bits', attributes({ gid: 2 ** 53 - 1 })],
    ['a time of modification of 65 bits', attributes({ mtimeNs: 1n << 63n })],
    ['an extended attribute with a NUL in its name', attributes({ xattrs: [['user.\0', new Uint8Array()]] })],
    ['a ctime of 65 bits', file(0, 'f', { source: { ...SOURCE, ctimeNs: -(1n << 63n) - 1n } })],
    ['bytes without a content', file(0, 'f', { hash: null, size: 1 })],
    ['a content without bytes', file(0, 'f', { size: 0 })],
    ['an entry in a directory that never was', file(7, 'f')],
    ['an entry in what is its own event', directory(2, 'd')],
    ['an entry in what is no directory', file(1, 'f')],
    ['a rename of what is not there', rename([0, 'x'], [0, 'y'])],
    ['a removal of what is not there', removal(0, 'x')],
    [
      'new attributes of what is not there',
      { type: 'attributes.changed', parent: 0, name: 'x', attributes: ATTRIBUTES, source: null },
    ],
    ['what was not there then and is to be there again', restoration(0, 'b', 1)],
    ['a restored moment that is still to come', restoration(0, 'a', 2)],
    ['a tag of a moment that is still to come', { type: 'tag.added', tag: 't', position: 2 }],
    ['a tag that could not be typed', { type: 'tag.added', tag: 'a\nb', position: 1 }],
    ['a remote that is a path', { type: 'remote.removed', name: '../../x' }],
    [
      'a backup of a log that is longer',
      { type: 'backup.completed', remote: 'r', size: 3, root: 'a'.repeat(64), objects: 0, bytes: 0 },
    ],
    [
      'a tar in what is no directory',
      { type: 'tar.ingested', directory: 1, name: 'x.tar', hash: 'a'.repeat(64), size: 1 },
    ],
    ['a second creation', CREATED],
    ['the end of another operation', { type: 'operation.completed', operation: 2, counts: {} }],
  ])('%s', async (_what, event) => {
    expect(await refusal([file(0, 'a'), event])).toContain('event 2 is not one that hkfs writes');
  });

  test.each<[string, HkfsEvent[]]>([
    ['what is in a directory that went', [file(1, 'f'), removal(0, 'd'), file(1, 'g')]],
    ['what is below one that went', [directory(1, 'e'), file(2, 'f'), removal(0, 'd'), file(2, 'g')]],
    ['what is in one that something took the place of', [file(1, 'f'), file(0, 'd'), file(1, 'g')]],
    ['a directory that is moved into itself', [rename([0, 'd'], [1, 'x'])]],
    [
      'a directory that is moved far below itself',
      [directory(1, 'e'), directory(2, 'f'), rename([0, 'd'], [3, 'x'])],
    ],
    ['a directory that would be in two places', [rename([0, 'd'], [0, 'e']), restoration(0, 'd', 1)]],
    [
      'a directory that would be in two places, the other one in what went',
      [directory(0, 'e'), rename([0, 'd'], [2, 'd']), removal(0, 'e'), restoration(0, 'd', 1)],
    ],
  ])('%s', async (_what, events) => {
    expect(await refusal([directory(0, 'd'), ...events.slice(0, -1)])).toBeNull();
    expect(await refusal([directory(0, 'd'), ...events])).toContain(`event ${events.length + 1} `);
  });

  test('a first event that creates no archive', async () => {
    const judged = new LogJudge(null).judge(numbered([directory(0, 'd')]));
    await expect(judged).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
  });

  test('times and operations that cannot be', async () => {
    const [created, record] = numbered([CREATED, file(0, 'a')]);
    for (const wrong of [{ timeMs: 2 ** 53 - 1 }, { operation: 2 }]) {
      const judged = new LogJudge(null).judge([created!, { ...record!, ...wrong }]);
      await expect(judged).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
    }
  });
});

describe('a log from elsewhere is taken with', () => {
  test.each<[string, HkfsEvent[]]>([
    [
      'names of any bytes',
      [file(0, '\udcff'), file(0, 'n'.repeat(255)), directory(0, '...'), file(3, '.hkfs')],
    ],
    [
      'what takes the place of something else',
      [file(0, 'a'), directory(0, 'a'), file(2, 'f'), symlink(0, 'a', '/')],
    ],
    ['a rename to where it is', [directory(0, 'a'), rename([0, 'a'], [0, 'a']), file(1, 'f')]],
    [
      'a directory that comes back, and what is in it',
      [directory(0, 'a'), removal(0, 'a'), restoration(0, 'a', 1), file(1, 'f')],
    ],
    [
      'a directory that gets its attributes of before',
      [directory(0, 'a'), file(1, 'f'), restoration(0, 'a', 1), removal(1, 'f')],
    ],
    [
      'a directory that comes back after it was moved',
      [directory(0, 'a'), rename([0, 'a'], [0, 'b']), removal(0, 'b'), restoration(0, 'a', 1)],
    ],
  ])('%s', async (_what, events) => {
    expect(await refusal(events)).toBeNull();
  });
});
