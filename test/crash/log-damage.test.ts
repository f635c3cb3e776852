/** A log that is not what hkfs wrote: one clear line, the right exit status, and nothing is changed. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { encode } from 'cborg';
import { encodeCommit } from '../../src/events/commit-record.js';
import { scanCommits } from '../../src/events/commit-scan.js';
import { commitKey, eventKey } from '../../src/events/log-keys.js';
import type { CommitRecord } from '../../src/events/types.js';
import type { VerifySummary } from '../../src/archive/api.js';
import { appendBytes, flipBit, saved, withLevel } from './damage.js';
import { describe as say, hkfs, row, rows, withArchive } from './hkfs.js';
import { heavyTest, isHeavy, printSeed, randomFrom, seed, some } from './random.js';
import { expectRefusal, ingestOnce, listingOf } from './soundness.js';
import { makeSource } from './source-tree.js';

printSeed('log damage');

function withIngested(use: (archive: string, source: string) => Promise<void>): Promise<void> {
  return withArchive(async (archive, source) => {
    mkdirSync(source);
    makeSource(source, { random: randomFrom(seed), files: 40 });
    await ingestOnce(archive, source, 'copy');
    await use(archive, source);
  });
}

/** Runs commands that must be refused, and that must leave every file of ours as it was. */
async function expectRefused(
  archive: string,
  commands: readonly (readonly string[])[],
  refusal: { status: number; code: string; text?: RegExp },
): Promise<void> {
  const before = listingOf(archive);
  for (const command of commands) await expectRefusal([...command, '-a', archive], refusal);
  expect(listingOf(archive)).toEqual(before);
}

const UNKNOWN_EVENTS: readonly [what: string, bytes: Uint8Array][] = [
  ['type', encode([1, 'file.transmogrified', 0])],
  ['schema version', encode([99, 'path.removed', 0, Buffer.from('x')])],
];

test.each(some(UNKNOWN_EVENTS, 1))(
  'an event of an unknown %s at the end of the log: every command refuses, exit 6',
  (what, bytes) =>
    withIngested(async (archive, source) => {
      const position = await appendBytes(archive, Buffer.from(bytes));
      const text = new RegExp(
        `^hkfs: event ${position} has the unknown ${what} .*\\[UNKNOWN_EVENT\\]\nhint: .*upgrade`,
      );
      const commands = [['ls'], ['head'], ['log'], ['ops'], ['ingest', source], ['verify'], ['replay']];
      await expectRefused(archive, commands, { status: 6, code: 'UNKNOWN_EVENT', text });
    }),
);

test('an archive.json of a newer format: every command refuses, exit 6', () =>
  withIngested(async (archive, source) => {
    const file = join(archive, '.hkfs/archive.json');
    const contents = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...contents, format: 2 }));
    const commands = [['ls'], ['head'], ['ingest', source], ['verify'], ['replay']];
    await expectRefused(archive, commands, {
      status: 6,
      code: 'NEWER_FORMAT',
      text: /has format 2.*knows 1/,
    });
  }));

heavyTest('an archive.json that is no JSON: every command refuses, exit 4', () =>
  withIngested(async (archive) => {
    writeFileSync(join(archive, '.hkfs/archive.json'), '{"format": 1, "id"');
    await expectRefused(archive, [['ls'], ['verify']], { status: 4, code: 'ARCHIVE_FILE_DAMAGED' });
  }),
);

test('a position removed from the log: verify and replay name it, exit 4, and ls goes on', () =>
  withIngested(async (archive) => {
    await withLevel(`${archive}/.hkfs/log`, (level) => level.del(eventKey(7)));
    await expectRefused(archive, [['log'], ['replay'], ['replay', '--check']], {
      status: 4,
      code: 'LOG_GAP',
      text: /event 7 is missing/,
    });
    const { views } = await row<VerifySummary>(['verify', '-a', archive], [4]);
    expect(views).toEqual(['the log has a gap: event 7 is missing']);
    expect((await hkfs(['ls', '-a', archive])).status).toBe(0);
  }));

heavyTest('the last position removed from the log: every command names it, exit 4', () =>
  withIngested(async (archive, source) => {
    const { size } = await row<{ size: number }>(['head', '-a', archive]);
    await withLevel(`${archive}/.hkfs/log`, (level) => level.del(eventKey(size - 1)));
    const text = new RegExp(`event ${size - 1} is missing`);
    const commands = [['ls'], ['head'], ['ingest', source], ['verify'], ['replay']];
    await expectRefused(archive, commands, { status: 4, code: 'LOG_GAP', text });
  }),
);

test('an event that was exchanged for another: verify and replay name its commit, exit 4', () =>
  withIngested(async (archive) => {
    const bytes = Buffer.from(encode([1, 'tag.added', Buffer.from('forged'), 3]));
    await withLevel(`${archive}/.hkfs/log`, (level) => level.put(eventKey(9), bytes));
    const { views } = await row<VerifySummary>(['verify', '-a', archive], [4]);
    expect(views).toEqual([expect.stringMatching(/^(the commit of events \d+ to \d+|event 9) /)]);
    await expectRefusal(['replay', '-a', archive], { status: 4, code: 'LOG_DAMAGED' });
  }));

const READERS: readonly (readonly string[])[] = [
  ['log'],
  ['show', '@9'],
  ['show', '1', '--all'],
  ['replay'],
  ['replay', '--check'],
  ['backup', 'disk', '--dry-run'],
  ['bundle', 'create', 'BUNDLE'],
  ['prove', '@9'],
];

test('an event with a bit that flipped: whatever reads it is refused and names it, exit 4', () =>
  withIngested(async (archive, source) => {
    await hkfs(['remote', 'add', 'disk', `${source} remote`, '-a', archive]);
    await flipInEvent(archive, 9);
    const text = /events? \d+ to \d+ does not have (their|the) fingerprint.*\nhint: `hkfs recover`/s;
    for (const command of READERS) {
      const words = command.map((word) => (word === 'BUNDLE' ? `${source} bundle` : word));
      await expectRefusal([...words, '-a', archive], { status: 4, code: 'LOG_DAMAGED', text });
    }
  }));

test('an event with a bit that flipped, and views that are gone: no view is made of it, exit 4', () =>
  withIngested(async (archive, source) => {
    await flipInEvent(archive, 9);
    rmSync(`${archive}/.hkfs/views`, { recursive: true });
    for (const command of [
      ['ls'],
      ['restore', '/', '--to', `${source} restored`],
      ['export', '/', '-o', `${source}.tar`],
      ['ingest', source],
    ])
      await expectRefusal([...command, '-a', archive], { status: 4, code: 'LOG_DAMAGED' });
  }));

/** In its last byte, which most often is no part of what tells how to decode it. */
function flipInEvent(archive: string, position: number): Promise<void> {
  return withLevel(`${archive}/.hkfs/log`, async (level) => {
    const bytes = (await level.get(eventKey(position)))!;
    bytes[bytes.length - 1]! ^= 1;
    await level.put(eventKey(position), bytes);
  });
}

test('a commit whose Merkle range was changed: replay, replay --check and verify name it, exit 4', () =>
  withIngested(async (archive, source) => {
    await ingestOnce(archive, `${source}/m`, 'copy');
    const first = await withLevel(`${archive}/.hkfs/log`, async (level) => {
      const commits: CommitRecord[] = [];
      for await (const commit of scanCommits(level, { from: 0, to: Infinity })) commits.push(commit);
      const commit = commits[1]!;
      const range = commit.range.map((hash) => Buffer.from(hash).fill(7, 0, 1));
      await level.put(commitKey(commit.first), encodeCommit({ ...commit, range }));
      return commit.first;
    });
    const text = new RegExp(`commit (of events ${first} to \\d+|record of event ${first}) `);
    for (const command of [['replay'], ['replay', '--check']])
      await expectRefusal([...command, '-a', archive], { status: 4, code: 'LOG_DAMAGED', text });
    const { views } = await row<VerifySummary>(['verify', '-a', archive], [4]);
    expect(views).toEqual([expect.stringMatching(text)]);
    expect((await hkfs(['ls', '-a', archive])).status).toBe(0);
  }));

test.each(['backup disk', 'backup disk --dry-run', 'bundle create'])(
  'an event that was exchanged, and contents that take a while to send: %s ends, exit 4',
  (line) =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      for (let at = 0; at < 48; at += 1) writeFileSync(join(source, `${at}`), Buffer.alloc(3 << 20, `${at}`));
      await ingestOnce(archive, source, 'copy');
      await hkfs(['remote', 'add', 'disk', `${source} remote`, '-a', archive]);
      const bytes = Buffer.from(encode([1, 'tag.added', Buffer.from('forged'), 3]));
      await withLevel(`${archive}/.hkfs/log`, (level) => level.put(eventKey(9), bytes));
      const command = line.split(' ');
      const file = command[0] === 'bundle' ? [`${source} bundle`] : [];
      await expectRefusal([...command, ...file, '-a', archive], { status: 4, code: 'LOG_DAMAGED' });
    }),
  30_000,
);

heavyTest(
  'a bit that flipped in a table of the log is told by verify, or changed nothing',
  () =>
    withIngested(async (archive, source) => {
      const log = `${archive}/.hkfs/log`;
      const before = await rows(['log', '-a', archive]);
      const random = randomFrom(seed);
      const state = saved(archive, `${source} saved`);
      for (let round = 0; round < (isHeavy ? 40 : 4); round += 1) {
        state.bringBack();
        const tables = readdirSync(log).filter((name) => name.endsWith('.ldb'));
        const table = tables[round % tables.length]!;
        const share = random();
        flipBit(join(log, table), share);
        const ended = await hkfs(['verify', '-a', archive]);
        const moment = { table, share };
        if (ended.status === 0) {
          const after = await rows(['log', '-a', archive]);
          expect({ ...moment, events: after.slice(0, before.length) }).toEqual({ ...moment, events: before });
        } else
          expect({ ...moment, said: say(ended) }).toEqual({
            ...moment,
            said: expect.stringMatching(/^ended with 4\n/),
          });
      }
    }),
  120_000,
);

heavyTest('a log whose folder is gone is told, exit 4, and no empty one is made in its place', () =>
  withIngested(async (archive) => {
    rmSync(`${archive}/.hkfs/log`, { recursive: true });
    for (const command of ['ls', 'verify', 'replay']) {
      const ended = await hkfs([command, '-a', archive]);
      expect(say(ended)).toMatch(/^ended with 4\n[^]*\[LOG_DAMAGED\]/);
    }
    expect(readdirSync(`${archive}/.hkfs`)).toContain('objects');
  }),
);
