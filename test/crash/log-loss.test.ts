/** A log that lost its tail, as after a power cut on a disk that lied: what is left is whole commits. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EventLog } from '../../src/events/log.js';
import { CompactRange } from '../../src/events/merkle.js';
import { expectMended, ingestOnce, operationsOf, entriesOf, expectHolds } from './soundness.js';
import { describe as say, hkfs, row, rows } from './hkfs.js';
import { flipBit, saved } from './damage.js';
import { isHeavy, printSeed, randomFrom, seed } from './random.js';
import { makeSource, snapshotOf, type Snapshot } from './source-tree.js';
import type { Head } from '../../src/events/types.js';
import type { ReplaySummary } from '../../src/archive/api.js';

const random = randomFrom(seed);
const ROUNDS = isHeavy ? 24 : 1;
/** Shares of the write-ahead file that are left. */
const SHARES = Array.from({ length: ROUNDS }, (_, round) => (round === 1 ? 0 : random()));

let directory = '';
let archive = '';
let source = '';
let snapshot: Snapshot;
/** Root of the log by its size, at the end of each commit. */
const heads = new Map<number, string>();
let state: { bringBack(): void };

printSeed('log loss');

/** An archive whose last ingest was killed: its commits are in the write-ahead file still. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hkfs-crash-'));
  [archive, source] = [join(directory, 'archive'), join(directory, 'source')];
  await row(['init', archive]);
  mkdirSync(source);
  makeSource(source, { random, files: 60, twoBatches: true });
  snapshot = snapshotOf(source, 'source');
  const killed = await hkfs(['ingest', source, '-a', archive], { failpoint: 'commit.done=kill@4' });
  expect(killed.signal).toBe('SIGKILL');
  state = saved(archive, join(directory, 'saved'));
  await readHeads(join(directory, 'saved/log'));
  state.bringBack();
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true }));

async function readHeads(location: string): Promise<void> {
  const copy = `${location} to read`; // opening a log rewrites its files
  cpSync(location, copy, { recursive: true });
  const log = await EventLog.open(copy);
  const ends = new Set([0]);
  for await (const { first, count } of log.readCommits()) ends.add(first + count);
  const range = CompactRange.empty();
  heads.set(0, range.root().toString('hex'));
  for await (const records of log.read())
    for (const { bytes, position } of records) {
      range.append(bytes);
      if (ends.has(position + 1)) heads.set(position + 1, range.root().toString('hex'));
    }
  await log.close();
}

/** The write-ahead file of the log, which is what it was before the first test. */
function freshLogFile(): string {
  state.bringBack();
  const log = join(archive, '.hkfs/log');
  const name = readdirSync(log).find((file) => file.endsWith('.log') && statSync(join(log, file)).size > 0);
  return join(log, name!);
}

describe.each(SHARES)('the write-ahead file cut to %d of its bytes', (share) => {
  test('leaves whole commits, is told, and goes on after a replay', async () => {
    const file = freshLogFile();
    truncateSync(file, Math.floor(statSync(file).size * share));
    const ended = await hkfs(['head', '-a', archive]);
    if (ended.status === 0) {
      const [size, root] = ended.stdout.trim().split(' ');
      expect({ size, root }).toEqual({ size, root: heads.get(Number(size)) });
    } else {
      expect(say(ended)).toMatch(/^ended with 4\n/);
      expect(ended.stderr).toMatch(
        /^hkfs: the log ends at position \d+, but .* \[LOG_SHORTER\]\nhint: .*replay/,
      );
      const [, position] = /position (\d+)/.exec(ended.stderr)!;
      expect([...heads.keys()]).toContain(Number(position));
      const refused = await hkfs(['ingest', source, '-a', archive]);
      expect(say(refused)).toMatch(/^ended with 4\n[^]*LOG_SHORTER/);
    }

    await row<ReplaySummary>(['replay', '-a', archive]);
    const { size, root } = await row<Head>(['head', '-a', archive]);
    expect({ size, root }).toEqual({ size, root: heads.get(size) });
    expect((await rows(['log', '-a', archive])).length).toBe(size);
    for (const [path, { hash }] of await entriesOf(archive)) expect(hash).toBe(snapshot.get(path)!.hash);
    expect((await row<ReplaySummary>(['replay', '--check', '-a', archive])).equal).toBe(true);

    await ingestOnce(archive, source, 'copy');
    await expectHolds(archive, snapshot);
    const { untracked } = await expectMended(archive);
    expect(untracked).toEqual([]);
    expect((await operationsOf(archive)).at(-1)?.status).toBe('completed');
    expect((await row<ReplaySummary>(['replay', '--check', '-a', archive])).equal).toBe(true);
  }, 60_000);
});

test('a bit that flipped in the write-ahead file never passes a verification unseen', async () => {
  for (let round = 0; round < (isHeavy ? 20 : 2); round += 1) {
    flipBit(freshLogFile(), random());
    const ended = await hkfs(['verify', '-a', archive]);
    expect(say(ended)).toMatch(/^ended with 4\n[^]*(LOG_SHORTER|LOG_GAP|LOG_DAMAGED|views {2}(the|event))/);
  }
}, 120_000);
