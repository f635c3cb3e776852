/** Each fault at a command of an archive that has seen many of them: what it said, what is left, how it goes on. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { VerifySummary } from '../../../src/archive/api.js';
import { describe as say, hkfs, type Ended } from '../hkfs.js';
import { below, type Random } from '../random.js';
import { CALLS, type Call, type FaultDisk, type Fault } from './fault-disk.js';
import { makeFiles, must, type Round, type Trial } from './trials.js';

/** ESTALE, EUCLEAN, EBADMSG, EDQUOT have no name in Node, E200 has none anywhere. */
export const ERRNOS = [
  ...['EIO', 'ESTALE', 'EUCLEAN', 'EBADMSG', 'EDQUOT', 'ENOSPC', 'EFBIG'],
  ...['EACCES', 'EPERM', 'EROFS', 'E200'],
];

export interface Case {
  readonly side: string;
  readonly call: Call;
  readonly errno: string;
  readonly skip: number;
  readonly times: number;
}

/** An archive with one source, `base`, all of which a remote has. */
export async function makeWorld(disk: FaultDisk, name = 'a'): Promise<Round> {
  for (const entry of fs.readdirSync(disk.behind))
    fs.rmSync(join(disk.behind, entry), { recursive: true, force: true });
  const archive = join(disk.path, name);
  makeFiles(join(disk.behind, 'src/base'), -1);
  await must(['init', archive]);
  await must(['ingest', join(disk.path, 'src/base'), '-a', archive]);
  await must(['remote', 'add', 'disk', join(disk.path, 'remote'), '-a', archive]);
  await must(['backup', 'disk', '-a', archive]);
  return { disk, archive, n: 0 };
}

/** How often the command makes each call on each side when nothing fails. */
export async function countCalls(
  trial: Trial,
  round: Round,
): Promise<{ side: string; call: Call; count: number }[]> {
  await trial.prepare(round);
  const kinds = Object.entries(trial.sides(round.n)).flatMap(([side, path]) =>
    CALLS.map((call) => ({ side, path, call })),
  );
  round.disk.inject(kinds.map(({ path, call }): Fault => ({ call, path, errno: null })));
  await must(trial.args(round));
  const hits = round.disk.clear();
  return kinds.map(({ side, call }, index) => ({ side, call, count: hits[index]!.matched }));
}

/** Of each call, so many errnos: those of the next seed are others, and all have been there after a few. */
const ERRNOS_EACH = 2;

/** Each call that is made fails with some errnos: once at a moment by chance, or from one on. */
export function casesOf(
  counts: Awaited<ReturnType<typeof countCalls>>,
  seed: number,
  random: Random,
): Case[] {
  return counts
    .filter(({ count }) => count > 0)
    .flatMap(({ side, call, count }, index) =>
      Array.from({ length: ERRNOS_EACH }, (_, nth) => ({
        ...{ side, call, errno: ERRNOS[(index + seed * ERRNOS_EACH + nth) % ERRNOS.length]! },
        ...{ skip: below(random, count), times: below(random, 2) },
      })),
    );
}

/** @returns what is wrong; nothing where all is as it has to be */
export async function tryCase(trial: Trial, round: Round, fault: Case): Promise<string[]> {
  const { disk, n } = round;
  await trial.prepare(round);
  disk.inject([{ ...fault, path: trial.sides(n)[fault.side]! }]);
  const ended = await hkfs(trial.args(round));
  const [hits] = disk.clear();
  const isOfTable = /^read .*\.ldb$/.test(hits!.last);
  const wrong = [
    ...wrongForm(ended, isOfTable),
    ...(await trial.judge(round, ended)),
    ...(await goesOn(trial, round)),
  ];
  const where = `${trial.name}: ${JSON.stringify(fault)} hit ${hits!.failed} times, last ${hits!.last}`;
  return wrong.map((text) => `${where}: ${text}\n${say(ended)}`);
}

/**
 * A code that says what failed, for each failure; no stack, nobody's bug.
 * @param isOfTable LevelDB maps its tables: a page that cannot be read ends the process, whoever maps it
 */
function wrongForm({ status, signal, stdout, stderr }: Ended, isOfTable: boolean): string[] {
  if (isOfTable && signal === 'SIGBUS') return [];
  if (![0, 1, 2, 3, 4].includes(status ?? -1)) return ['ended in a way of no command'];
  const wrong: string[] = [];
  if (/^ {4}at |\[BUG\]/m.test(stderr)) wrong.push('a stack or a bug is shown');
  if (status === 2 && !/^hkfs: .*\[[A-Z_]+\]$/m.test(stderr)) wrong.push('no code is told');
  if (
    (status === 3 || status === 4) &&
    !/\[[A-Z0-9_]+\]|damaged|missing|not at the remote/.test(stdout + stderr)
  )
    wrong.push('nothing is told');
  return wrong;
}

/** The archive is sound, the same command ends, and nothing is left of what failed. */
async function goesOn(trial: Trial, round: Round): Promise<string[]> {
  const wrong = await unsound(round, 'after it', trial.leaves);
  const again = await hkfs(trial.args(round));
  const isDone = again.status === 0 || trial.isDone?.test(again.stderr.match(/\[(\w+)\]$/m)?.[1] ?? '-');
  if (!isDone) wrong.push(`the same command does not go on: ${say(again)}`);
  else wrong.push(...(await trial.judge(round, { ...again, status: 0 })));
  wrong.push(...(await unsound(round, 'after the same command')));
  const left = fs.readdirSync(join(round.disk.behind, 'a/.hkfs/staging'));
  if (left.length > 0) wrong.push(`left in staging: ${left.join(', ')}`);
  return wrong;
}

async function unsound({ archive }: Round, when: string, leaves?: Trial['leaves']): Promise<string[]> {
  const ended = await hkfs(['verify', '--json', '-a', archive]);
  if (![0, 1, 4].includes(ended.status ?? -1) || ended.stdout === '')
    return [`${when} verify says: ${say(ended)}`];
  const { damaged, missing, views, unlinked } = JSON.parse(ended.stdout) as VerifySummary;
  const found = [
    leaves === 'damage' ? [] : damaged,
    missing,
    views,
    leaves === 'unlinked' ? [] : unlinked,
  ].flat();
  return found.length === 0 ? [] : [`${when} verify finds ${JSON.stringify(found).slice(0, 1000)}`];
}
