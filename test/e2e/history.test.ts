/** diff, log and show as people and programs meet them. */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { DiffRow, OperationDetail } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, parseRows, saying, type Run } from './hkfs.js';

const scratch = scratchDirectory();
let box: Box;

beforeAll(() => {
  box = Box.make(scratch.path).write({ 'd/a': 'one', 'd/b': 'two', 'd/gone': 'gone!', 'e\nf': 'odd' });
  box.ingest();
  box.write({ 'd/a': 'one and more', 'new/x': 'x' });
  renameSync(join(box.source, 'd/b'), join(box.source, 'd/c'));
  rmSync(join(box.source, 'd/gone'));
  box.ingest('--mirror');
});

const changes = (run: Run): string[] =>
  parseRows<DiffRow>(run.stdout)
    .filter(({ change }) => change !== 'attributes')
    .map(({ change, path, from }) => `${change} ${from ?? ''}:${path}`);

describe('diff', () => {
  const EXPECTED = [
    'changed :source/d/a',
    'renamed source/d/b:source/d/c',
    'removed :source/d/gone',
    'added :source/new',
    'added :source/new/x',
  ];

  test('tells what changed, and its exit status whether anything did', () => {
    const run = box.run('diff', 'op:1', '--json');
    expect(run.status).toBe(1);
    expect(changes(run)).toEqual(EXPECTED);
    expect(run.stderr).toMatch(/^hkfs: from @\d+, \d{4}-\S+Z, to @\d+, \d{4}-\S+Z\n$/);
    expect(box.run('diff', 'op:2', '--json')).toMatchObject({ status: 0, stdout: '' });
  });

  test('for people is like git diff --name-status', () => {
    const { status, stdout } = box.run('diff', 'op:1', 'op:2', 'source/d');
    const lines = ['M  source/d/a', 'R  source/d/b -> source/d/c', 'D  source/d/gone'];
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: expect.stringContaining(`${lines.join('\n')}\n`),
    });
    expect(stdout).not.toContain('new');
  });

  test('leads back when the first moment is the later', () => {
    const back = changes(box.run('diff', 'op:2', 'op:1', '--json'));
    expect(back).toEqual([
      'changed :source/d/a',
      'renamed source/d/c:source/d/b',
      'added :source/d/gone',
      'removed :source/new',
      'removed :source/new/x',
    ]);
  });

  test('gives odd names whole with -0', () => {
    const { stdout } = box.run('diff', 'op:0', 'op:1', '-0');
    expect(stdout.split('\0')).toContain('source/e\nf');
  });

  test.each([
    ['op:1', '@0'],
    ['@0', 'op:1'],
    ['2999-01-01', 'now'],
    ['tag:none', 'now'],
  ])('takes every form of a moment, or says what is wrong with it: %s %s', (from, to) => {
    const { status, stderr } = box.run('diff', from, to);
    if (status === 2) expect(stderr).toMatch(saying('BAD_MOMENT'));
    else expect(status).toBe(1);
  });

  test('takes a time and a phrase', () => {
    const { ended } = box.ops()[0]!;
    expect(changes(box.run('diff', ended!, 'now', '--json'))).toEqual(EXPECTED);
  });

  test('tells who gives a path as the second moment where it belongs', () => {
    const { status, stderr } = box.run('diff', 'op:1', 'source/d');
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('BAD_MOMENT')) });
    expect(stderr).toContain('hkfs diff FROM now source/d');
  });

  test('of a path that is at neither moment is refused', () => {
    const { status, stdout, stderr } = box.run('diff', 'op:1', 'op:2', 'nowhere');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/\[NOT_FOUND\]/);
    expect(box.run('diff').status).toBe(2);
  });
});

describe('log of a path', () => {
  test('tells who did what, when, and by which command', () => {
    const { stdout } = box.run('log', 'source/d/a');
    const header = (number: number, flags: string): string =>
      `op ${number} {2}\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d \\((now|\\d+ seconds? ago)\\) {2}\\S+@\\S+ {2}ingest \\S+${flags} {2}\\(.*\\)\\n`;
    const event = (size: string): string => ` {2}@\\d+ {2}file source/d/a ingested, ${size}\\n`;
    const lines = [header(1, ''), event('3 B'), header(2, ' --mirror'), event('12 B')];
    expect(stdout).toMatch(new RegExp(`^${lines.join('')}$`));
  });

  test('of a file that is gone works, of one that never was it is refused', () => {
    const types = (path: string): unknown[] =>
      box.rows<{ type: string }>('log', path).map(({ type }) => type);
    expect(types('source/d/gone')).toEqual(['file.ingested', 'path.removed']);
    const { status, stderr } = box.run('log', 'source/never');
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(saying('NOT_FOUND')) });
  });
});

describe('show', () => {
  test.each(['2', 'op:2'])('%s is an operation in full', (target) => {
    const [detail] = box.rows<OperationDetail>('show', target);
    expect(detail).toMatchObject({ ...box.ops()[1], types: { 'path.removed': 2, 'directory.added': 1 } });
    expect(detail!.events.map(({ type }) => type)).toContain('path.removed');
    const { stdout } = box.run('show', target);
    expect(stdout).toMatch(/^operation {2}2\ncommand {4}ingest .* --mirror\nby {9}\S+@\S+\n/);
    expect(stdout).toMatch(/ {2}@\d+ {2}source\/d\/gone removed\n/);
  });

  test('shows the first twenty events, and all with --all', () => {
    const many = Box.make(scratch.path).write(
      Object.fromEntries(Array.from({ length: 15 }, (_, number) => [`f${number}`, `content ${number}`])),
    );
    many.ingest();
    const { last, first } = many.ops()[0]!;
    const length = last - first + 1;
    expect(many.rows<OperationDetail>('show', '1')[0]!.events).toHaveLength(20);
    expect(many.rows<OperationDetail>('show', '1', '--all')[0]!.events).toHaveLength(length);
    expect(many.run('show', '1').stdout).toMatch(
      new RegExp(`… and ${length - 20} more; --all shows them\n$`),
    );
    const all = many.run('show', '1', '--all').stdout;
    expect(all.match(/^ {2}@\d+/gm)).toHaveLength(length);
    expect(all).not.toContain('…');
  });

  test('@N is an event with all its fields', () => {
    const [event] = box.rows<{ position: number }>('log', 'source/d/a');
    expect(box.rows('show', `@${event!.position}`)).toEqual([event]);
    const { stdout } = box.run('show', `@${event!.position}`);
    expect(stdout).toMatch(/^position .*\n(.*\n)*type +file\.ingested\n(.*\n)*hash +[0-9a-f]{64}\n/);
    expect(box.run('show', '@0').stdout).toContain('archive.created');
  });

  test.each([
    ['9', 'NOT_FOUND'],
    ['op:0', 'NOT_FOUND'],
    ['@999', 'BAD_MOMENT'],
    ['x', 'BAD_TARGET'],
    ['-1', 'BAD_TARGET'],
    ['@-1', 'BAD_TARGET'],
    ['', 'USAGE'],
  ])('%j is refused', (target, code) => {
    const { status, stdout, stderr } = box.run('show', target, '--json');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
  });
});

test('a path that was there at another moment is told with when, by every query', () => {
  const { last } = box.ops()[1]!;
  for (const query of ['ls', 'stat', 'cat', 'du', 'find']) {
    const { status, stderr } = box.run(query, 'source/d/gone');
    expect([query, status]).toEqual([query, 2]);
    const hint = /hint: it was there from @\d+ \(\S+Z\) until @(\d+) \(\S+Z\); use --at @(\d+)\n$/.exec(
      stderr,
    );
    expect([query, Number(hint![1])]).toEqual([query, Number(hint![2]) + 1]);
    expect(Number(hint![1])).toBeLessThan(last);
    expect(box.run(query, 'source/d/gone', '--at', `@${hint![2]}`).status).toBe(0);
  }
  expect(box.run('ls', 'source/new', '--at', 'op:1').stderr).toMatch(
    /hint: it is there from @\d+ .* on; use --at/,
  );
});

test('every query says which moment --at means on stderr, also under --json', () => {
  for (const query of [['ls'], ['stat', 'source/d/a'], ['cat', 'source/d/a'], ['du'], ['find']])
    for (const form of [[], ['--json']]) {
      const { status, stderr } = box.run(...query, '--at', 'op:1', ...form);
      expect({ query, status, stderr }).toEqual({
        query,
        status: 0,
        stderr: expect.stringMatching(/^hkfs: as of @\d+, \d{4}-\S+Z\n$/),
      });
    }
});
