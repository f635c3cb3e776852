/** The built command line as a user runs it: one process each, from `bin/run.js`. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
let empty: string;

beforeAll(() => {
  empty = mkdtempSync(join(tmpdir(), 'hkfs-empty-'));
});
afterAll(() => rmSync(empty, { recursive: true }));

function run(script: string, args: string[], env: Record<string, string> = {}): SpawnSyncReturns<string> {
  const options = {
    cwd: empty,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: empty, ...env },
  } as const;
  return spawnSync(process.execPath, [join(root, script), ...args], options);
}

const hkfs = (...args: string[]): SpawnSyncReturns<string> => run('bin/run.js', args);

test('--version names the version of package.json', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { stdout, status } = hkfs('--version');
  expect(stdout).toBe(`hkfs/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
  expect(status).toBe(0);
});

describe('help', () => {
  test.each([[['--help']], [[]], [['help']]])('hkfs %j lists the commands', (argv) => {
    const { stdout, status } = hkfs(...argv);
    expect(stdout).toMatch(/COMMANDS[^]* ingest [^]* verify /);
    expect(status).toBe(0);
  });

  test.each([[['find', '--help']], [['help', 'find']], [['find', '--nonsense', '--help']]])(
    'hkfs %j shows usage, flags, description and examples',
    (argv) => {
      const { stdout } = hkfs(...argv);
      for (const part of ['USAGE', 'FLAGS', 'DESCRIPTION', 'EXAMPLES', '--same-as'])
        expect(stdout).toContain(part);
    },
  );

  test('completion is set up by oclif, and knows the commands', () => {
    const { status, stdout } = hkfs('autocomplete', 'script', 'bash');
    expect(status).toBe(0);
    expect(stdout).toContain('AC_BASH_SETUP');
  });
});

test('HKFS_ARCHIVE that is empty is as good as not set', () => {
  const { status, stderr } = run('bin/run.js', ['ls'], { HKFS_ARCHIVE: '' });
  expect({ status, stderr }).toEqual({ status: 6, stderr: expect.stringContaining('no archive here') });
});

test('outside of any archive a query exits 6 with a hint, and stdout stays empty', () => {
  const { status, stdout, stderr } = hkfs('ls');
  expect({ status, stdout }).toEqual({ status: 6, stdout: '' });
  expect(stderr).toMatch(/^hkfs: .* \[NOT_AN_ARCHIVE\]\nhint: /);
});

test('a pipe gets no colours, whatever the environment asks for', () => {
  const environment = { CI: 'true', FORCE_COLOR: '1' };
  const { stdout } = run('bin/run.js', ['init', './plain'], environment);
  expect(stdout).toMatch(/^Made an archive/);
  const { stdout: operations } = run('bin/run.js', ['log', '-a', './plain'], environment);
  expect(operations).toContain('created');
  expect(operations).not.toContain('\u001b');
});

describe('npm start', () => {
  test('passes arguments, output and exit code through, and is silent when nothing is to be set up', () => {
    const { status, stdout, stderr } = run('scripts/start.mjs', ['lss', '--json']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^\{"error":\{"code":"USAGE"/);
  });

  test('takes relative paths from where npm was called', () => {
    const environment = { npm_lifecycle_event: 'start', INIT_CWD: empty };
    const { stdout, status, stderr } = run('scripts/start.mjs', ['init', './made', '--json'], environment);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ archive: join(empty, 'made') });
  });
});
