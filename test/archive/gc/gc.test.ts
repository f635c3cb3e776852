/** gc and what it leaves: orphans, what is needed, the log, and the same content again. */
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Archive, LogRow } from 'hkfs';
import { hashOf } from '../archive-model.js';
import { collect, withArchive, type Scratch } from '../scratch.js';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const LETTER = hashOf(Buffer.from('letter'));
const CLEAN = { damaged: [], missing: [], unlinked: [], untracked: [], views: [] };

/** An archive with `d/letter` and `d/other`, and a clock to turn. */
function withFiles(use: (scratch: Scratch & { clock: { now: number } }) => Promise<void>): Promise<void> {
  const clock = { now: START };
  return withArchive(
    async (scratch) => {
      writeFileSync(join(scratch.source, 'letter'), 'letter');
      writeFileSync(join(scratch.source, 'other'), 'other');
      await scratch.archive.ingest({ sources: [scratch.source], to: 'd' });
      await use({ ...scratch, clock });
    },
    () => clock.now,
  );
}

/** Another change of names, so that the last one is not the removal. */
async function changeSomething(archive: Archive, clock: { now: number }): Promise<void> {
  clock.now += 1000;
  await archive.move({ from: 'd/other', to: 'd/moved' });
}

function objectOf(root: string, hash: string): string {
  return join(root, '.hkfs/objects', hash.slice(0, 2), hash.slice(2));
}

test('an orphan has its last path, and the time when its last name went', () =>
  withFiles(async ({ archive, clock }) => {
    expect(await collect(archive.orphans())).toEqual([]);
    await archive.move({ from: 'd', to: 'e' });
    clock.now += DAY;
    await archive.remove({ paths: ['e/letter'] });
    const since = new Date(START + DAY).toISOString();
    const orphan = { hash: LETTER, size: 6, lastPath: 'e/letter', since };
    expect(await collect(archive.orphans())).toEqual([orphan]);
    expect(await collect(archive.orphans({ at: '@4' }))).toEqual([]);
    await archive.undo();
    expect(await collect(archive.orphans())).toEqual([]);
  }));

test('of a directory that went with all below, each content is an orphan from that event on', () =>
  withFiles(async ({ archive }) => {
    await archive.remove({ paths: ['d'] });
    const orphans = await collect(archive.orphans());
    expect(orphans.map(({ lastPath }) => lastPath ?? '').sort()).toEqual(['d/letter', 'd/other']);
  }));

test('gc leaves what lost its name less than 30 days ago, and takes it afterwards', () =>
  withFiles(async ({ archive, root, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    clock.now = START + 30 * DAY - 1;
    expect(await archive.gc()).toMatchObject({ operation: null, objects: 0, kept: { recent: 1 } });
    clock.now = START + 30 * DAY;
    const before = await archive.head();
    const tried = await archive.gc({ dryRun: true });
    expect(tried).toMatchObject({ operation: null, objects: 1, bytes: 6, dryRun: true });
    expect(tried.plan).toEqual([`delete ${LETTER.slice(0, 16)}, 6 bytes, last named d/letter`]);
    expect(await archive.head()).toEqual(before);
    expect(await archive.gc()).toMatchObject({ operation: 4, objects: 1, bytes: 6 });
    expect(existsSync(objectOf(root, LETTER))).toBe(false);
    expect(await archive.verify()).toMatchObject(CLEAN);
    expect(await archive.replay({ check: true })).toMatchObject({ equal: true });
    expect(await collect(archive.orphans())).toEqual([]);
    expect(await archive.gc()).toMatchObject({ operation: null, objects: 0 });
  }));

test('a clock that jumped ahead takes nothing that the last change of names can give back', () =>
  withFiles(async ({ archive, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    clock.now = START + 10_000 * DAY;
    expect(await archive.gc()).toMatchObject({ operation: null, kept: { undo: 1 } });
    expect(await archive.undo()).toMatchObject({ undone: 2, restored: 1 });
    expect(await archive.gc({ olderThanMs: Infinity })).toMatchObject({ kept: { undo: 0 } });
    expect(await archive.undo()).toMatchObject({ removed: 1 });
    expect(await archive.gc({ olderThanMs: Infinity })).toMatchObject({ operation: null, kept: { undo: 1 } });
  }));

test('what was named at a tag stays until the tag means another moment', () =>
  withFiles(async ({ archive, clock }) => {
    await archive.tag({ name: 'before' });
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    const all = { olderThanMs: Infinity };
    expect(await archive.gc(all)).toMatchObject({ operation: null, kept: { tagged: 1 } });
    await archive.tag({ name: 'before', force: true });
    expect(await archive.gc(all)).toMatchObject({ objects: 1, kept: { tagged: 0 } });
  }));

test('an object with another name on the disk stays: a link made by hand, or a source of link mode', () =>
  withFiles(async ({ archive, root, source, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    linkSync(objectOf(root, LETTER), join(source, 'linked'));
    expect(await archive.gc({ olderThanMs: Infinity })).toMatchObject({
      operation: null,
      kept: { linked: 1 },
    });
    expect(existsSync(objectOf(root, LETTER))).toBe(true);
  }));

test('an object that is not as recorded stays until a verification has seen it', () =>
  withFiles(async ({ archive, root, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    const object = objectOf(root, LETTER);
    const bytes = readFileSync(object);
    writeFileSync(`${object}.new`, bytes);
    renameSync(`${object}.new`, object);
    const all = { olderThanMs: Infinity };
    expect(await archive.gc(all)).toMatchObject({ operation: null, kept: { unverified: 1 } });
    await archive.verify();
    expect(await archive.gc(all)).toMatchObject({ objects: 1 });
  }));

test('an object that was written to through a link stays, read because no seal fits, and is told', () =>
  withFiles(async ({ archive, root, clock }) => {
    const object = objectOf(root, LETTER);
    chmodSync(object, 0o644);
    writeFileSync(object, 'LETTER');
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    clock.now += 40 * DAY;
    expect(await archive.gc({})).toMatchObject({ operation: null, kept: { unverified: 1 } });
    expect(readFileSync(object, 'utf8')).toBe('LETTER');
  }));

test('the events of a gc have hash, size and last path of each object', () =>
  withFiles(async ({ archive, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    const { operation } = await archive.gc({ olderThanMs: Infinity });
    const events: LogRow[] = await collect(archive.log({ operation: operation! }));
    expect(events.map(({ type }) => type)).toEqual([
      'operation.started',
      'object.removed',
      'operation.completed',
    ]);
    expect(events[1]!.data).toMatchObject({ hash: LETTER, size: 6, lastPath: 'd/letter' });
    expect(events[2]!.data).toMatchObject({ counts: { objects: 1, bytes: 6 } });
  }));

test('cat and restore of a collected content say when and by which operation it went, undo says it too', () =>
  withFiles(async ({ archive, source, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    clock.now += DAY;
    const { operation } = await archive.gc({ olderThanMs: Infinity });
    const time = new Date(clock.now).toISOString();
    const said = `was removed at ${time} by operation ${operation} (gc)`;

    const { collected } = await archive.locate('d/letter', { at: 'op:1' });
    expect(collected).toEqual({ operation, command: 'gc', time, lastPath: 'd/letter' });
    expect((await archive.locate(LETTER)).collected).toEqual(collected);
    const to = join(source, 'restored');
    mkdirSync(to);
    const { failed, files } = await archive.restore({ paths: ['d'], to, at: 'op:1' });
    expect(files).toBe(1);
    expect(failed).toEqual([
      { path: join(to, 'd/letter'), code: 'OBJECT_COLLECTED', message: expect.stringContaining(said) },
    ]);
    await expect(archive.undo({ operation: 2 })).rejects.toMatchObject({
      code: 'CANNOT_UNDO',
      message: expect.stringContaining(said),
    });
  }));

test('the same content again is stored again, and what was collected can be had back', () =>
  withFiles(async ({ archive, root, source, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    await archive.gc({ olderThanMs: Infinity });
    expect(await archive.ingest({ sources: [source], to: 'd' })).toMatchObject({ newObjects: 1, failed: [] });
    const { ino, nlink } = lstatSync(objectOf(root, LETTER));
    expect([ino, nlink]).toEqual([lstatSync(join(root, 'd/letter')).ino, 2]);
    expect(await archive.undo({ operation: 2 })).toMatchObject({ operation: null, skipped: [] });
    expect((await archive.locate('d/letter', { at: 'op:1' })).files).toEqual([objectOf(root, LETTER)]);
    expect(await archive.verify()).toMatchObject(CLEAN);
    expect(await archive.replay({ check: true })).toMatchObject({ equal: true });
  }));

test('a confirmation that is not given changes nothing', () =>
  withFiles(async ({ archive, root, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    const before = await archive.head();
    const confirm = (): Promise<boolean> => Promise.resolve(false);
    expect(await archive.gc({ olderThanMs: Infinity, confirm })).toMatchObject({
      operation: null,
      objects: 0,
    });
    expect(await archive.head()).toEqual(before);
    expect(existsSync(objectOf(root, LETTER))).toBe(true);
  }));

test('what gets another name on the disk while somebody is asked stays', () =>
  withFiles(async ({ archive, root, source, clock }) => {
    await archive.remove({ paths: ['d/letter'] });
    await changeSomething(archive, clock);
    const confirm = (): Promise<boolean> => {
      linkSync(objectOf(root, LETTER), join(source, 'linked'));
      return Promise.resolve(true);
    };
    const summary = await archive.gc({ olderThanMs: Infinity, confirm });
    expect(summary).toMatchObject({ operation: null, objects: 0, kept: { linked: 1 } });
    expect(existsSync(objectOf(root, LETTER))).toBe(true);
  }));
