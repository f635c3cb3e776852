import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { HkfsError } from '../../src/errors.js';
import { answers, calls, entry, mockArchive, resetFake } from './fake-archive.js';

mockArchive();
const { COMMANDS } = await import('../../src/main.js');
const { launch } = await import('../../src/cli/launch.js');
const root = join(import.meta.dirname, '../..');

beforeEach(() => {
  resetFake();
  process.exitCode = undefined;
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: unknown;
}

/** Runs one command line in this process, with the streams caught. */
async function hkfs(...argv: string[]): Promise<Outcome> {
  const [out, err] = [catchStream(process.stdout), catchStream(process.stderr)];
  try {
    await launch(argv, COMMANDS, root);
  } finally {
    jest.restoreAllMocks();
  }
  return { out: out(), err: err(), code: process.exitCode ?? 0 };
}

function catchStream(stream: NodeJS.WriteStream): () => string {
  const chunks: Buffer[] = [];
  const write = (chunk: string | Uint8Array, done?: unknown): boolean => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
    if (typeof done === 'function') done();
    return true;
  };
  jest.spyOn(stream, 'write').mockImplementation(write);
  return () => Buffer.concat(chunks).toString('latin1');
}

const named = (name: string): unknown[][] => calls.filter(([call]) => call === name);

describe('queries', () => {
  test('ls --json gives the rows and nothing else, and closes the archive', async () => {
    const { out, err, code } = await hkfs('ls', '/photos', '-R', '--json');
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(answers.rows);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(calls).toMatchObject([
      ['openReader', '/archive', { wait: undefined, signal: expect.anything() }],
      ['ls', 'photos', { at: undefined, recursive: true }],
      ['close'],
    ]);
  });

  test('ls for people aligns the columns of ls -l and shows odd names escaped', async () => {
    const { out } = await hkfs('ls');
    expect(out).toMatch(
      /^-rw-r--r-- {2}root {2}0 {2}5 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}a\n.* {2}bad\\377\\nname\n$/,
    );
  });

  test('ls -0 gives raw bytes', async () => {
    expect((await hkfs('ls', '-0')).out).toBe('a\0bad\xff\nname\0');
  });

  test('--at is passed on, and the moment that it means goes to stderr', async () => {
    const { err } = await hkfs('ls', '--at', '2 days ago', '--json');
    expect(err).toBe('hkfs: as of @5, time of 2 days ago\n');
    expect(named('ls')).toEqual([['ls', '', { at: '2 days ago', recursive: undefined }]]);
  });

  test('a query that fails half-way leaves the rows, the error and its exit code, and closes', async () => {
    answers.fail = new HkfsError('LOG_DAMAGED', 'torn');
    const { out, err, code } = await hkfs('ls', '--json');
    expect(out.split('\n')).toHaveLength(3);
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'LOG_DAMAGED',
        message: 'torn',
        hint: expect.stringContaining('hkfs recover') as unknown,
      },
    });
    expect(code).toBe(4);
    expect(named('close')).toHaveLength(1);
  });

  test('without an archive the exit code is 6', async () => {
    answers.found = false;
    expect(await hkfs('head')).toEqual({
      out: '',
      err: 'hkfs: no archive here [NOT_AN_ARCHIVE]\nhint: hkfs init\n',
      code: 6,
    });
  });

  test('find takes its conditions, with +N as at least', async () => {
    await hkfs('find', 'media', '--name', '*.mkv', '--size', '+1G', '--kind', 'file');
    expect(named('find')[0]?.[1]).toEqual({ path: 'media', name: '*.mkv', kind: 'file', minSize: 1024 ** 3 });
    await hkfs('find', '--size', '-10k');
    expect(named('find')[1]?.[1]).toEqual({ path: '', maxSize: 10_240 });
  });

  test('find --same-as looks for the hash of the file, and for empty files by their size', async () => {
    await hkfs('find', '--same-as', 'x');
    expect(named('find')[0]?.[1]).toMatchObject({ hash: 'cd'.repeat(32) });
    await hkfs('find', '--same-as', 'empty');
    expect(named('find')[1]?.[1]).toEqual({ path: '', kind: 'file', minSize: 0, maxSize: 0 });
  });

  test('find by content exits 1 without a match; by name it exits 0', async () => {
    answers.rows = [];
    expect((await hkfs('find', '--hash', 'abcd')).code).toBe(1);
    process.exitCode = undefined;
    expect((await hkfs('find', '--name', 'x')).code).toBe(0);
    answers.rows = [entry('a')];
    expect((await hkfs('find', '--hash', 'abcd')).code).toBe(0);
  });

  test('cat writes the bytes and nothing else', async () => {
    const { out, err } = await hkfs('cat', 'ino:12', '--offset', '2k', '--length', '1');
    expect({ out, err }).toEqual({ out: '\xff\0', err: '' });
    expect(named('handOut')[0]).toMatchObject(['handOut', 'ino:12', { offset: 2048, length: 1 }]);
  });

  test('a target with a leading slash keeps it: it is a path, whatever it looks like', async () => {
    await hkfs('cat', '/abcd');
    expect(named('handOut')[0]?.[1]).toBe('/abcd');
  });

  test('head prints size and root only', async () => {
    expect((await hkfs('head', '--json')).out).toBe('{"size":3,"root":"ab"}\n');
    expect((await hkfs('head')).out).toBe('3 ab\n');
  });

  test('du shows sizes that people read', async () => {
    expect((await hkfs('du', '--depth', '2')).out).toBe('1.5 KiB  1 B unique  2 B shared  2,000 files  /\n');
    expect(named('du')).toEqual([['du', '', { at: undefined, depth: 2 }]]);
  });
});

describe('changes', () => {
  test('ingest passes every flag on', async () => {
    const flags = ['--to', 'x', '--mode', 'link', '--mirror', '--yes', '--checksum', '--dry-run'];
    await hkfs(
      'ingest',
      's1',
      's2',
      ...flags,
      '--exclude',
      '*.o',
      '--exclude',
      'tmp',
      '-a',
      '/other',
      '--wait',
    );
    expect(named('open')).toMatchObject([['open', '/other', { mode: 'write', wait: true }]]);
    expect(named('ingest')[0]?.[1]).toMatchObject({
      ...{ sources: ['s1', 's2'], to: 'x', mode: 'link', mirror: true, yes: true },
      ...{ checksum: true, dryRun: true },
      exclude: ['*.o', 'tmp'],
    });
  });

  test('an exclusion does not swallow the sources after it', async () => {
    await hkfs('ingest', '--exclude', '*.o', 's1');
    expect(named('ingest')[0]?.[1]).toMatchObject({ sources: ['s1'], exclude: ['*.o'] });
  });

  test('ingest with sources that could not be read lists them and exits 3', async () => {
    answers.ingest = { failed: [{ path: 'a\nb', code: 'EACCES', message: 'permission denied' }] };
    const { out, code } = await hkfs('ingest', 's');
    expect(out).toContain(
      '1 source could not be taken in, or not as asked:\n  a\\nb: permission denied [EACCES]\n',
    );
    expect(code).toBe(3);
  });

  test('ingest --init makes the archive where there is none, and only there', async () => {
    await hkfs('ingest', 's', '--init', '-a', '/new');
    expect(named('init')).toEqual([]);
    answers.found = false;
    await hkfs('ingest', 's', '--init', '-a', '/new');
    expect(named('init')).toEqual([['init', '/new']]);
  });

  test.each([
    [{}, 0],
    [{ unlinked: [{ path: 'a', reason: 'gone' }] }, 1],
    [{ untracked: [{ path: 'a', reason: 'new' }] }, 1],
    [{ damaged: [{ hash: 'ab', reason: 'bytes', paths: ['a'] }] }, 4],
    [{ missing: [{ hash: 'ab', reason: 'gone', paths: [] }] }, 4],
    [{ views: ['row 7'], untracked: [{ path: 'a', reason: 'new' }] }, 4],
  ])('verify that finds %j exits %d', async (findings, code) => {
    answers.verify = findings;
    expect((await hkfs('verify')).code).toBe(code);
  });

  test('verify turns spans of time into an age and a budget', async () => {
    const before = Date.now();
    await hkfs('verify', '--quick', '--older-than', '30d', '--budget', '10m');
    const [, options] = named('verify')[0] as [string, { olderThanMs: number }];
    expect(options).toMatchObject({ quick: true, budgetSeconds: 600 });
    expect(options.olderThanMs - (before - 30 * 86_400_000)).toBeLessThan(5000);
  });

  test('what nobody expected is a bug with exit code 70, and the archive is closed', async () => {
    answers.fail = new TypeError('x is undefined');
    const { err, code } = await hkfs('verify');
    expect(err).toContain('hkfs: a bug in hkfs: x is undefined [BUG]');
    expect(code).toBe(70);
    expect(named('close')).toHaveLength(1);
  });

  test('no listener for signals is left after a change', async () => {
    const before = process.listenerCount('SIGINT');
    await hkfs('ingest', 's');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  test.each([
    [null, 0, 'The views are new.'],
    [true, 0, 'The views are equal to the log.'],
    [false, 4, 'The views differ from the log:\n  row 7'],
  ])('replay with equal %s exits %d', async (equal, code, words) => {
    answers.equal = equal;
    const outcome = await hkfs('replay', '--check');
    expect(outcome.code).toBe(code);
    expect(outcome.out).toContain(words);
  });

  test('init prints where the archive is', async () => {
    expect((await hkfs('init', '/x', '--json')).out).toBe('{"archive":"/x","id":"some-id"}\n');
  });
});

describe('wrong use', () => {
  test.each([
    [['lss'], 'hkfs: there is no command "lss" [USAGE]\nhint: Did you mean "ls"? hkfs help lists all.\n'],
    [['frobnicate'], 'hkfs: there is no command "frobnicate" [USAGE]\nhint: hkfs help lists the commands.\n'],
    [['ls', '--nonsense'], 'hkfs: Nonexistent flag: --nonsense [USAGE]\n'],
    [['ls', 'a', 'b'], 'hkfs: Unexpected argument: b [USAGE]\n'],
    [
      ['ingest'],
      'hkfs: Missing 1 required arg: source  Directories, files and tars to take in; - is a tar on the standard input. [USAGE]\n',
    ],
    [['find', '--kind', 'x'], 'hkfs: Expected --kind=x to be one of:'],
    [['find', '--size', 'big'], 'hkfs: "big" is no size [USAGE]\n'],
    [['verify', '--budget', '3x'], 'hkfs: --budget: "3x" is no span of time [USAGE]\n'],
    [['ls', '--null', '--json'], '{"error":{"code":"USAGE",'],
  ])('%j says what is wrong, opens nothing and exits 2', async (argv, message) => {
    const { out, err, code } = await hkfs(...argv);
    expect(err.startsWith(message)).toBe(true);
    expect({ out, code }).toEqual({ out: '', code: 2 });
    expect(calls).toEqual([]);
  });
});
