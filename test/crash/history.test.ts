/** kill -9 at every named step of mv, rm, prune and undo: before or after, never between; then the same again. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { UndoSummary } from '../../src/archive/api.js';
import { describe as say, hkfs, row, withArchive } from './hkfs.js';
import { isHeavy } from './random.js';
import { entriesOf, expectSound, operationsOf } from './soundness.js';

interface Case {
  readonly what: string;
  /** Operations before; the first is the ingest. */
  readonly given: readonly (readonly string[])[];
  readonly command: readonly string[];
  /** Step and the times at which it is reached. */
  readonly steps: readonly (readonly [step: string, times: readonly number[]])[];
  /** Of an undo of several commits, which can be half done. */
  readonly inCommits?: true;
}

/** Stands for the path of the source. */
const SOURCE = '@source';

/** Each operation commits its opening, its events and its end. */
const COMMITS: Case['steps'] = [
  ['commit.append', [1, 2, 3]],
  ['commit.appended', [1, 2, 3]],
  ['commit.views', [2]],
  ['commit.tree', [2]],
  ['commit.done', [2, 3]],
  ['tree.sync', [1]],
];

const CASES: readonly Case[] = [
  {
    what: 'mv of a directory',
    given: [],
    command: ['mv', 's/d', 's/e/n'],
    steps: [...COMMITS, ['tree.apply', [1]], ['tree.rename', [1]]],
  },
  {
    what: 'mv onto a file of the same content',
    given: [],
    command: ['mv', '--force', 's/same', 's/d/f'],
    steps: [
      ['tree.rename', [1]],
      ['commit.views', [2]],
      ['commit.tree', [2]],
    ],
  },
  {
    what: 'rm of a file and a directory',
    given: [],
    command: ['rm', 's/d', 's/other', '--yes'],
    steps: [...COMMITS, ['tree.apply', [1, 4]], ['tree.unlink', [1, 3]], ['tree.rmdir', [1, 2]]],
  },
  {
    what: 'prune of a directory',
    given: [['ingest', SOURCE, '--to', 't']],
    command: ['prune', 't/d', '--yes'],
    steps: [...COMMITS, ['tree.unlink', [1, 3]], ['tree.rmdir', [1, 2]]],
  },
  {
    what: 'undo of mv --force',
    given: [['mv', '--force', 's/other', 's/d/f']],
    command: ['undo', '2', '--yes'],
    steps: [
      ['commit.append', [2, 3]],
      ['commit.appended', [2, 3]],
      ['commit.views', [2, 3]],
      ['commit.tree', [2, 3]],
      ['tree.rename', [1]],
      ['tree.link', [1]],
    ],
    inCommits: true,
  },
  {
    what: 'undo of rm',
    given: [['rm', 's/d', '--yes']],
    command: ['undo', '2'],
    steps: [...COMMITS, ['tree.apply', [1, 3]], ['tree.link', [1, 2]]],
  },
  {
    what: 'undo of an ingest',
    given: [['mv', 's/other', 'kept']],
    command: ['undo', '1', '--yes'],
    steps: [...COMMITS, ['tree.unlink', [1]], ['tree.rmdir', [1]]],
  },
];
/** One round for each kind of window when there is little time. */
const SMALL = [
  'prune of a directory tree.unlink 3',
  'mv onto a file of the same content tree.rename 1',
  'undo of rm tree.link 2',
];

const rounds = CASES.flatMap((each) =>
  each.steps.flatMap(([step, times]) => times.map((time) => ({ ...each, step, time }))),
).filter(({ what, step, time }) => isHeavy || SMALL.includes(`${what} ${step} ${time}`));

test.each(rounds)(
  '$what killed at $step the $time. time is as before or done, and the tree follows',
  ({ given, command, step, time, inCommits }) =>
    withArchive(async (archive, source) => {
      await prepare(archive, source, given);
      const before = await namesOf(archive);
      const after = await unharmed(archive, source, { given, command });
      const killed = await hkfs([...command, '-a', archive], { failpoint: `${step}=kill@${time}` });
      expect({ signal: killed.signal, why: killed.signal ? '' : say(killed) }).toEqual({
        signal: 'SIGKILL',
        why: '',
      });

      const there = await namesOf(archive);
      if (!inCommits) expect([before, after]).toContainEqual(there);
      await expectSound(archive);
      expect(await namesOf(archive)).toEqual(there);

      const isDone = JSON.stringify(there) === JSON.stringify(after);
      const again = await hkfs([...command, '-a', archive]);
      const isUndo = command[0] === 'undo';
      expect({ status: again.status, why: say(again) }).toMatchObject({ status: isDone && !isUndo ? 2 : 0 });
      expect(await namesOf(archive)).toEqual(after);
      await expectSound(archive);
      const reversed = await row<UndoSummary>(['undo', '1', '--yes', '-a', archive]);
      expect(reversed.undone).toBe(1);
      await expectSound(archive);
    }),
  60_000,
);

test('an operation that was cut short is undone as far as it went', () =>
  withArchive(async (archive, source) => {
    await prepare(archive, source, []);
    const before = await namesOf(archive);
    await hkfs(['rm', 's/d', '--yes', '-a', archive], { failpoint: 'commit.appended=kill@2' });
    expect((await operationsOf(archive)).at(-1)).toMatchObject({ command: 'rm', status: 'interrupted' });
    expect(await row<UndoSummary>(['undo', '-a', archive])).toMatchObject({ undone: 2, restored: 1 });
    expect(await namesOf(archive)).toEqual(before);
    await expectSound(archive);
  }));

async function prepare(archive: string, source: string, given: Case['given']): Promise<void> {
  mkdirSync(`${source}/d/deep`, { recursive: true });
  mkdirSync(`${source}/e`);
  writeFileSync(`${source}/d/f`, 'same');
  writeFileSync(`${source}/same`, 'same');
  writeFileSync(`${source}/other`, 'other');
  writeFileSync(`${source}/d/deep/g`, 'g');
  writeFileSync(`${source}/d/empty`, '');
  symlinkSync('f', `${source}/d/l`);
  for (const args of [['ingest', source, '--to', 's'], ...given])
    await row([...args.map((arg) => (arg === SOURCE ? source : arg)), '-a', archive]);
}

/** What the command makes of an archive in which nothing is killed. */
async function unharmed(
  archive: string,
  source: string,
  { given, command }: Pick<Case, 'given' | 'command'>,
): Promise<Names> {
  const other = `${archive}-whole`;
  await row(['init', other]);
  for (const args of [['ingest', source, '--to', 's'], ...given, command])
    await row([...args.map((arg) => (arg === SOURCE ? source : arg)), '-a', other]);
  return namesOf(other);
}

type Names = readonly (readonly [path: string, what: string | null])[];

async function namesOf(archive: string): Promise<Names> {
  return [...(await entriesOf(archive))].map(([path, { hash, target, kind }]) => [
    path,
    hash ?? target ?? kind,
  ]);
}
