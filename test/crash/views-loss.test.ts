/** Views, holder files and staging as a crash or a person may leave them: the next command mends them. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ReplaySummary, VerifySummary } from '../../src/archive/api.js';
import { flipBit, saved } from './damage.js';
import { describe as say, hkfs, row, rows, withArchive } from './hkfs.js';
import { heavyTest, isHeavy, printSeed, randomFrom, seed } from './random.js';
import { entriesOf, expectHolds, expectMended, expectSound, ingestOnce, operationsOf } from './soundness.js';
import { makeSource, snapshotOf, type Snapshot } from './source-tree.js';

printSeed('views loss');

const REBUILD_STEPS = ['replay.set-aside', 'replay.fold', 'replay.folded', 'replay.switched'];

interface Place {
  readonly archive: string;
  readonly source: string;
  readonly hkfsFolder: string;
  readonly snapshot: Snapshot;
}

function withIngested(use: (place: Place) => Promise<void>, failpoint?: string): Promise<void> {
  return withArchive(async (archive, source) => {
    mkdirSync(source);
    makeSource(source, { random: randomFrom(seed), files: 40 });
    const snapshot = snapshotOf(source, 'source');
    await hkfs(['ingest', source, '-a', archive], { failpoint });
    await use({ archive, source, snapshot, hkfsFolder: join(archive, '.hkfs') });
  });
}

heavyTest('views that are gone are built again by the next query', () =>
  withIngested(async ({ archive, hkfsFolder, snapshot }) => {
    rmSync(join(hkfsFolder, 'views'), { recursive: true });
    await expectHolds(archive, snapshot);
    await expectSound(archive);
  }),
);

test('views that are gone after a kill: the tree of the interrupted operation is mended all the same', () =>
  withIngested(async ({ archive, source, hkfsFolder, snapshot }) => {
    rmSync(join(hkfsFolder, 'views'), { recursive: true });
    await expectMended(archive);
    await ingestOnce(archive, source, 'copy');
    await expectHolds(archive, snapshot);
    await expectSound(archive);
  }, 'commit.appended=kill@2'));

heavyTest.each(REBUILD_STEPS)(
  'a rebuild killed at %s after a kill of an ingest: nothing is lost, and the tree is mended',
  (step) =>
    withIngested(async ({ archive, source, hkfsFolder, snapshot }) => {
      rmSync(join(hkfsFolder, 'views'), { recursive: true });
      const killed = await hkfs(['ls', '-a', archive], { failpoint: `${step}=kill` });
      expect(killed.signal).toBe('SIGKILL');
      await expectMended(archive);
      await ingestOnce(archive, source, 'copy');
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }, 'commit.appended=kill@2'),
);

heavyTest.each(REBUILD_STEPS)(
  'a replay killed at %s leaves views that answer as before, and no leftovers after the next change',
  (step) =>
    withIngested(async ({ archive, snapshot }) => {
      const killed = await hkfs(['replay', '-a', archive], { failpoint: `${step}=kill` });
      expect(killed.signal).toBe('SIGKILL');
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }),
);

heavyTest(
  'a file of the views whose bytes flipped: a query answers or refuses with exit 4, and replay mends',
  () =>
    withIngested(async ({ archive, source, hkfsFolder, snapshot }) => {
      const views = join(hkfsFolder, 'views');
      const random = randomFrom(seed);
      const state = saved(archive, `${source} saved`);
      for (const name of readdirSync(views).filter((file) => !/^LO(CK|G)/.test(file)))
        for (let round = 0; round < (isHeavy ? 6 : 1); round += 1) {
          state.bringBack();
          const share = random();
          flipBit(join(views, name), share);
          const ended = await hkfs(['ls', '-R', '-a', archive, '--json']);
          const moment = { name, share };
          if (ended.status !== 0)
            expect({ ...moment, said: say(ended) }).toEqual({
              ...moment,
              said: expect.stringMatching(/^ended with 4\n/),
            });
          expect({ ...moment, status: (await hkfs(['replay', '-a', archive])).status }).toEqual({
            ...moment,
            status: 0,
          });
          expect([...(await entriesOf(archive)).keys()].sort()).toEqual([...snapshot.keys()].sort());
          expect((await row<ReplaySummary>(['replay', '--check', '-a', archive])).equal).toBe(true);
        }
    }),
  120_000,
);

heavyTest('all files of the views overwritten: the next query builds them again', () =>
  withIngested(async ({ archive, hkfsFolder, snapshot }) => {
    const views = join(hkfsFolder, 'views');
    for (const name of readdirSync(views))
      if (!name.startsWith('LO')) writeFileSync(join(views, name), Buffer.alloc(4096, 0xa5));
    await expectHolds(archive, snapshot);
    await expectSound(archive);
  }),
);

test('tables of the views that LevelDB opens and cannot read: the next query builds the views again', () =>
  withIngested(async ({ archive, hkfsFolder, snapshot }) => {
    const views = join(hkfsFolder, 'views');
    for (const name of readdirSync(views).filter((file) => file.endsWith('.ldb'))) {
      const bytes = readFileSync(join(views, name));
      writeFileSync(join(views, name), bytes.fill(0xa5, 0, 20)); // the head of its first block
    }
    await expectHolds(archive, snapshot);
    await expectSound(archive);
  }));

const CUTS: readonly [to: string, bytes: (size: number) => number][] = [
  ['half', (size) => size >> 1],
  ['all but a byte', (size) => Math.max(0, size - 1)],
  ['nothing', () => 0],
];

test.each(CUTS)(
  'a file of the views that is cut to %s locks nobody out: queries and replay build the views again',
  (_to, bytesLeft) =>
    withIngested(async ({ archive, source, hkfsFolder, snapshot }) => {
      await hkfs(['replay', '-a', archive]); // makes tables
      const views = join(hkfsFolder, 'views');
      const state = saved(archive, `${source} saved`);
      for (const name of readdirSync(views).filter((file) => !/^LO(CK|G)/.test(file)))
        for (const command of [['ls', '/'], ['replay'], ['verify']]) {
          state.bringBack();
          const { size } = statSync(join(views, name));
          truncateSync(join(views, name), bytesLeft(size));
          const ended = await hkfs([...command, '-a', archive]);
          expect({ name, command, said: say(ended) }).toEqual({
            name,
            command,
            said: expect.stringMatching(/^ended with 0\n/),
          });
          expect([...(await entriesOf(archive)).keys()].sort()).toEqual([...snapshot.keys()].sort());
        }
    }),
  60_000,
);

test('views that are a file and no folder are built again', () =>
  withIngested(async ({ archive, hkfsFolder, snapshot }) => {
    rmSync(join(hkfsFolder, 'views'), { recursive: true });
    writeFileSync(join(hkfsFolder, 'views'), 'no folder');
    await expectHolds(archive, snapshot);
    await expectSound(archive);
  }));

test('leftovers of a killed process (next and old views, holder, socket, staging) go with the next change', () =>
  withIngested(async ({ archive, source, hkfsFolder, snapshot }) => {
    for (const name of ['views.next', 'views.old', 'views.check', 'staging/left'])
      mkdirSync(join(hkfsFolder, name));
    writeFileSync(join(hkfsFolder, 'views.next/CURRENT'), 'half');
    writeFileSync(join(hkfsFolder, 'staging/17'), 'half a file');
    writeFileSync(join(hkfsFolder, 'holder.json'), '{"pid": 1, "command": "ingest", "sin');
    await leaveStaleSocket(join(hkfsFolder, 'socket'));
    await expectHolds(archive, snapshot);
    expect((await operationsOf(archive)).length).toBe(1);
    await ingestOnce(archive, source, 'copy');
    await expectSound(archive);
  }));

async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.kept`, resolve));
  renameSync(`${path}.kept`, path); // closing removes the name that was listened on
  await new Promise((resolve) => server.close(resolve));
  expect(existsSync(path)).toBe(true);
}

heavyTest('an object that was cut short is replaced by the next ingest that reads its content', () =>
  withIngested(async ({ archive, source, hkfsFolder }) => {
    const { hash } = (await entriesOf(archive)).get('source/m/large')!;
    truncateSync(join(hkfsFolder, 'objects', hash!.slice(0, 2), hash!.slice(2)), 100);
    const ended = await hkfs(['ingest', source, '--checksum', '-a', archive]);
    expect(say(ended)).toMatch(/^ended with 0\n[^]*\[OBJECT_DAMAGED\]/);
    const { damaged, missing } = await row<VerifySummary>(['verify', '-a', archive], [0, 1]);
    expect({ damaged, missing }).toEqual({ damaged: [], missing: [] });
    expect((await rows(['log', '-a', archive])).length).toBeGreaterThan(0);
  }),
);
