/**
 * Every command, every path that it takes, every way in which a path can be bad; and every way in which standard
 * output can be: one line with a code of the table, and never a bug, a hang or silence.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { hasTool, isRoot } from '../fs/scratch.js';
import { HEAVY } from '../projections/property.js';
import { hkfs, type Run, sh } from './hkfs.js';
import { BAD_PATHS, COMMANDS, slotsOf, usual } from './path-matrix.js';

const NOBODY = 65534;
const TIMEOUT_MS = 20_000;
/** Thousands of archives are made and synced, of which nothing is asked but what is said of them. */
const place = fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** As whom; root may read everything. */
const through =
  isRoot && hasTool('setpriv') ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
const TABLE = [0, 1, 2, 3, 4, 5, 6];

let scratch = '';
let listener: ChildProcess | undefined;

beforeAll(async () => {
  scratch = fs.mkdtempSync(join(place, 'hkfs-matrix-'));
  const template = join(scratch, 'template');
  for (const folder of ['', 'folder', 'locked', 'source', 'source/twin', 'out'])
    fs.mkdirSync(join(template, folder));
  for (const file of ['file', 'secret', 'locked/file', 'source/a', 'source/b', 'source/twin/a'])
    fs.writeFileSync(join(template, file), `bytes of ${file.slice(-1)}`);
  fs.symlinkSync('loop', join(template, 'loop'));
  fs.symlinkSync('nothing', join(template, 'dangling'));
  sh('mkfifo fifo', template);
  const run = (...words: string[]): Run => hkfs(words, { cwd: template, env: { HKFS_ARCHIVE: 'archive' } });
  for (const words of [
    ['init', 'archive'],
    ['ingest', 'source'],
    ['remote', 'add', 'disk', './remote'],
    ['backup', 'disk'],
    ['bundle', 'create', 'whole.bundle'],
    ['prove', '@3', '-o', 'proof'],
  ])
    expect(run(...words)).toMatchObject({ status: 0 });
  listener = spawn(process.execPath, ['-e', `require('net').createServer().listen('socket')`], {
    cwd: template,
  });
  while (!fs.existsSync(join(template, 'socket'))) await new Promise((resolve) => setTimeout(resolve, 10));
  if (through.length > 0) sh(`chown -R ${NOBODY}:${NOBODY} . && chown -R 0:0 locked secret`, template);
  sh('chmod 700 locked; chmod 600 secret', template);
  fs.chmodSync(scratch, 0o755);
});
afterAll(() => {
  listener?.kill();
  fs.rmSync(scratch, { recursive: true, force: true });
});

test('the command lines that words are put into are no wrong use by themselves', () => {
  const wrong = COMMANDS.filter((command) => HEAVY || command.length < 4).filter((command) => {
    const { status, stderr } = withLimit(usual(command));
    return status !== 0 && !/\[(CANNOT_UNDO|WRONG_ORIGIN|NOT_FOUND)\]/.test(stderr);
  });
  expect(wrong).toEqual([]);
});

/** Everything as it was made, for each command line. */
function freshBox(): string {
  const box = join(scratch, 'box');
  sh(`rm -rf '${box}' && cp -a template box`, scratch);
  return box;
}

function withLimit(words: readonly string[], script = '"$@"'): Run {
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', script, 'bash', ...through, process.execPath, bin, ...words],
    {
      cwd: freshBox(),
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', TZ: 'UTC', HKFS_ARCHIVE: 'archive' },
      input: '',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    },
  );
  return { status, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout };
}
const bin = join(import.meta.dirname, '../../bin/run.js');

/** The lines of stderr that are neither warnings nor told beside the result. */
function errorsOf({ stderr }: Run): string[] {
  return stderr
    .split('\n')
    .filter((line) => /^hkfs: .*\[[A-Z_]+\]$/.test(line) && !line.startsWith('hkfs: warning: '));
}

function problemOf(run: Run, allowed: readonly number[] = TABLE): string | null {
  const { status, stderr } = run;
  if (status === null) return 'it hung';
  if (!allowed.includes(status)) return `it left with ${status}`;
  if (/\[BUG\]|^ {4}at /m.test(stderr)) return 'it is told as a bug';
  if (errorsOf(run).length > 1) return 'it is told more than once';
  if ([2, 5, 6].includes(status) && errorsOf(run).length === 0) return 'nothing is told';
  return null;
}

/** All in the heavy form; else a few, other ones for each seed. */
function some<T>(all: readonly T[], count: number, salt: number): readonly T[] {
  if (HEAVY) return all;
  const seed = Number(process.env['HKFS_SEED'] ?? Date.now() % 1e6);
  return Array.from(
    { length: count },
    (_, at) => all[(seed * 7919 + salt * 104_729 + at * 31) % all.length]!,
  );
}

test.each(COMMANDS.map((command, index): [string, number] => [command, index]))(
  '%s: every path in it that is bad is told in one line, with a code of the table',
  (command, index) => {
    const cases = slotsOf(command).flatMap((slot) =>
      // An export into a fifo waits for whoever reads it, as it should.
      BAD_PATHS.filter(([what]) => what !== 'a fifo' || slot.name !== '--output').map(([what, path]) => ({
        title: `${slot.name} is ${what}`,
        words: slot.fill(path),
      })),
    );
    const wrong = some(cases, 1, index).flatMap(({ title, words }) => {
      const run = withLimit(words);
      const problem = problemOf(run);
      return problem === null
        ? []
        : [{ title, problem, words: words.join(' ').slice(0, 200), stderr: run.stderr.slice(0, 500) }];
    });
    expect(wrong).toEqual([]);
  },
  HEAVY ? 600_000 : 30_000,
);

const OUTPUTS = [
  ['a full disk', '"$@" > /dev/full'],
  ['a pipe whose reader is gone', '{ "$@"; echo $? > "$OLDPWD/status"; } | true'],
  ['closed', '"$@" >&-'],
  ['beside stderr that is full', '"$@" 2> /dev/full'],
] as const;

test.each(OUTPUTS)(
  'standard output that is %s is told in one line by every command',
  (_title, script) => {
    const wrong = some(COMMANDS, 4, script.length).flatMap((command) => {
      const run = withLimit(usual(command), script.replace('"$OLDPWD/status"', `'${scratch}/box/status'`));
      const statusFile = join(scratch, 'box/status');
      const status = fs.existsSync(statusFile) ? Number(fs.readFileSync(statusFile, 'utf8')) : run.status;
      const isSaid = script.includes('2>') || problemOf({ ...run, status }) === null;
      const isOf = status !== null && TABLE.includes(status);
      return isSaid && isOf ? [] : [{ command, status, stderr: run.stderr.slice(0, 500) }];
    });
    expect(wrong).toEqual([]);
  },
  HEAVY ? 600_000 : 30_000,
);
