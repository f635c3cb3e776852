/** kill -9 at every named step of an ingest, then the same ingest again. */
import { existsSync, mkdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { IngestSummary } from '../../src/archive/api.js';
import { describe as say, hkfs, withArchive } from './hkfs.js';
import { isHeavy, printSeed, randomFrom, seed, some } from './random.js';
import {
  expectBytes,
  expectHolds,
  expectMended,
  expectNothingLost,
  expectSound,
  ingestOnce,
  operationsOf,
  type Mode,
} from './soundness.js';
import { makeSource, snapshotOf } from './source-tree.js';

/** A step, the times at which it is reached, and what `ops` says of the ingest after the kill. */
type Step = readonly [step: string, times: readonly number[], status?: 'completed' | 'none'];

/** Commits of an ingest: 1 its opening, 2 and 3 files before and after the batch breaker, 4 its end. */
const COMMITS: readonly Step[] = [
  ['commit.append', [1], 'none'],
  ['commit.append', [2, 3, 4]],
  ['commit.appended', [1, 2, 3]],
  ['commit.appended', [4], 'completed'],
  ['commit.views', [1, 2, 3]],
  ['commit.tree', [1, 2, 3]],
  ['commit.done', [1, 2, 3]],
  ['commit.done', [4], 'completed'],
  ['tree.sync', [1]],
  ['tree.synced', [1]],
  ['commit.sync', [1, 2]],
  ['commit.named', [1, 2]],
  ['object.name', [1, 60]],
  ['object.named', [1, 60]],
  ['tree.apply', [1, 30]],
  ['tree.link', [1, 60]],
  ['source.read', [1, 90]],
];
const LINKS: readonly Step[] = [
  ['stage.link', [1, 60]],
  ['stage.linked', [1, 60]],
  ['tree.protect', [1, 30]],
];
const STEPS: Readonly<Record<Mode, readonly Step[]>> = {
  copy: [...COMMITS, ['stage.open', [1, 60]], ['stage.write', [1, 60]], ['stage.written', [1, 60]]],
  link: [...COMMITS, ...LINKS],
  move: [
    ...LINKS,
    ['commit.appended', [2, 3]],
    ['object.named', [60]],
    ['source.release', [1, 60]],
    ['source.released', [1, 60]],
  ],
  assimilate: [
    ['commit.appended', [2, 3]],
    ['object.named', [60]],
    ['source.release', [1, 20]],
    ['source.relink', [1, 20]],
    ['source.released', [1, 20]],
  ],
};
/** One round for each kind of window when there is little time. */
const SMALL: readonly [mode: Mode, step: string, time: number][] = [
  ['move', 'source.released', 60],
  ['assimilate', 'source.relink', 20],
];

const rounds = Object.entries(STEPS).flatMap(([mode, steps]) =>
  steps.flatMap(([step, times, status]) =>
    times.map((time) => ({ mode: mode as Mode, step, time, status: status ?? 'interrupted' })),
  ),
);
const chosen = rounds.filter(
  ({ mode, step, time }) => isHeavy || SMALL.some(([a, b, c]) => a === mode && b === step && c === time),
);

printSeed('kill at steps');

test.each(chosen)(
  'a $mode killed at $step the $time. time is $status, loses nothing, and is finished by the same command',
  ({ mode, step, time, status }) =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), twoBatches: true });
      const snapshot = snapshotOf(source, 'source');

      const failpoint = `${step}=kill@${time}`;
      const killed = await hkfs(['ingest', source, '--mode', mode, '-a', archive], { failpoint });
      expect({ signal: killed.signal, why: killed.signal ? '' : say(killed) }).toEqual({
        signal: 'SIGKILL',
        why: '',
      });

      const [operation] = await operationsOf(archive);
      expect(operation?.status ?? 'none').toBe(status);
      await expectNothingLost(archive, source, snapshot);
      await expectMended(archive);
      const committed = await expectNothingLost(archive, source, snapshot);

      const { unchangedFiles, failed } = await ingestOnce<IngestSummary>(archive, source, mode);
      expect(failed).toEqual([]);
      const files = [...committed.values()].filter(({ kind }) => kind === 'file').length;
      if (mode === 'copy') expect(unchangedFiles).toBe(files);
      await expectHolds(archive, snapshot);
      await expectBytes(archive, 'source/m/a\nnew line', Buffer.from('new line'));
      await expectSound(archive);
      if (mode === 'move') expect(existsSync(source)).toBe(false);
      else expect(snapshotOf(source, 'source').size).toBe(snapshot.size);
    }),
  60_000,
);

test(
  'files of a finished commit are not read again: their reading fails, and nobody notices',
  () =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), twoBatches: true });
      const snapshot = snapshotOf(source, 'source');
      await hkfs(['ingest', source, '-a', archive], { failpoint: 'commit.appended=kill@3' });

      const again = await hkfs(['ingest', source, '-a', archive, '--json'], { failpoint: 'source.read=EIO' });
      expect({ status: again.status, why: again.status === 0 ? '' : say(again) }).toEqual({
        status: 0,
        why: '',
      });
      const { unchangedFiles, files } = JSON.parse(again.stdout) as IngestSummary;
      expect(unchangedFiles).toBe(files);
      await expectHolds(archive, snapshot);
    }),
  30_000,
);

/** Nothing in between: a verification would have told the next ingest what it is to find out itself. */
const BEFORE_HARD_LINKS: readonly [Mode, string][] = [
  ['link', 'commit.appended=kill@2'],
  ['link', 'tree.protect=kill@30'],
  ['move', 'commit.tree=kill@2'],
];

test.each(some(BEFORE_HARD_LINKS, 1))(
  'hard links of which a %s killed at %s took one keep their mode in the next',
  (mode, failpoint) =>
    withArchive(async (archive, source) => {
      mkdirSync(source);
      makeSource(source, { random: randomFrom(seed), twoBatches: true });
      const snapshot = snapshotOf(source, 'source');
      const killed = await hkfs(['ingest', source, '--mode', mode, '-a', archive], { failpoint });
      expect(killed.signal).toBe('SIGKILL');
      await ingestOnce(archive, source, mode);
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }),
  60_000,
);
