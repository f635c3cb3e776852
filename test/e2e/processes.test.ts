/** One writer, any number of readers, each a process of its own. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { OperationRow } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, hkfs, isStopped, parseRows, saying, start, type Running, until } from './hkfs.js';

const scratch = scratchDirectory();
const running: Running[] = [];
let box: Box;
beforeEach(() => {
  box = Box.make(scratch.path).write({ 'd/a': 'content a', b: 'content b' });
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

function begin(args: readonly string[], env: Record<string, string> = {}): Running {
  const process = box.start(args, env);
  running.push(process);
  return process;
}

/** An ingest that was stopped in the middle, the archive in its hands. */
async function stoppedIngest(): Promise<Running> {
  const holder = begin(['ingest', box.source, '--to', 'held'], { HKFS_FAILPOINT: 'commit.append=pause@2' });
  await until(() => isStopped(holder.pid), 'the pause before the second commit');
  return holder;
}

/** An ingest that goes on until it is interrupted: a terabyte of hole takes minutes to hash. */
async function endlessIngest(own: Box): Promise<Running> {
  const path = join(own.path, 'endless');
  fs.closeSync(fs.openSync(path, 'w'));
  fs.truncateSync(path, 2 ** 40);
  const holder = start(['ingest', path, '--progress', 'none'], { env: { HKFS_ARCHIVE: own.root } });
  running.push(holder);
  const isReading = (): boolean => own.run('ops').stdout.includes('running');
  await until(isReading, 'the running ingest');
  return holder;
}

describe('while one process writes', () => {
  test('another writer leaves with 5, and says who holds the archive', async () => {
    const holder = await stoppedIngest();
    for (const args of [['ingest', box.source], ['verify'], ['replay']]) {
      const { status, stdout, stderr } = box.run(...args);
      expect({ status, stdout, stderr }).toEqual({
        ...{ status: 5, stdout: '', stderr: expect.stringMatching(saying('ARCHIVE_HELD')) },
      });
      expect(stderr).toContain(`process ${holder.pid} (hkfs ingest) since `);
    }
    holder.child.kill('SIGCONT');
    expect(await holder.ended).toMatchObject({ status: 0 });
    box.expectSound();
  });

  test('a writer with --wait goes on when the first is done', async () => {
    const holder = await stoppedIngest();
    const waiting = begin(['ingest', box.source, '--to', 'second', '--wait', '--json']);
    const opens = (): boolean => fs.existsSync(`/proc/${waiting.pid}/cwd`);
    expect(opens()).toBe(true);
    holder.child.kill('SIGCONT');
    expect((await holder.ended).status).toBe(0);
    const { status, stdout } = await waiting.ended;
    expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 0, operation: 2, duplicateFiles: 2 });
    box.expectSound();
  });
});

describe.each([
  ['an archive with a short path', () => box],
  ['an archive whose path is longer than a socket may have', longBox],
])('%s', (_title, which) => {
  test('answers queries from the state before a running ingest, which then stops cleanly', async () => {
    const own = which();
    own.ingest();
    const holder = await endlessIngest(own);
    expect(own.paths()).toEqual(['source', 'source/b', 'source/d', 'source/d/a']);
    expect(own.stat('source/b')).toMatchObject({ size: 9, paths: ['source/b'] });
    expect(own.rows('find', '--name', 'a')).toHaveLength(1);
    expect(own.rows('find', '--same-as', join(own.source, 'b'))).toHaveLength(1);
    expect(own.rows('log', '--op', '2')).toMatchObject([{ type: 'operation.started' }]);
    expect(own.ops().map(({ status }) => status)).toEqual(['completed', 'running']);
    expect(own.run('diff', 'op:0', 'op:1', '--json')).toMatchObject({ status: 1 });
    expect(own.run('diff', 'op:1')).toMatchObject({ status: 0, stdout: '' });
    expect(own.rows('show', '2')).toMatchObject([{ status: 'running', types: { 'operation.started': 1 } }]);
    expect(own.run('log', 'source/b').stdout).toMatch(
      /^op 1 .* ingest .*\n {2}@\d+ {2}file source\/b ingested/,
    );
    expect(own.run('cat', 'source/d/a').stdout).toBe('content a');
    expect(own.rows('du')).toMatchObject([{ files: 2 }]);
    expect(own.rows('contains', own.source)).toEqual([{ total: 2, archived: 2, missing: 0 }]);
    expect(own.rows('similar', 'source/d')).toEqual([]);
    expect(own.rows('similar', '--outside', own.source, '--min', '60%')).toMatchObject([
      { path: 'source', containment: 1 },
    ]);
    expect(own.run('ls', 'nosuch')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(saying('NOT_FOUND')),
    });
    const heads = [own.head(), own.head()];
    expect(heads[1]).toBe(heads[0]);
    holder.child.kill('SIGINT');
    expect((await holder.ended).status).toBe(130);
    expect(own.ops().map(({ status }) => status)).toEqual(['completed', 'interrupted']);
    own.expectSound();
  });
});

function longBox(): Box {
  const path = join(box.path, 'x'.repeat(120));
  const own = new Box(box.path, join(path, 'archive'), box.source);
  expect(hkfs(['init', own.root]).status).toBe(0);
  return own;
}

test('twenty queries at once are all answered', async () => {
  box.ingest();
  const asked = Array.from({ length: 20 }, () => begin(['ls', '-R', '--json']));
  for (const { status, stdout, stderr } of await Promise.all(asked.map(({ ended }) => ended))) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(parseRows(stdout)).toHaveLength(4);
  }
});

test('after a writer was killed, queries at once are answered all the same, and its operation is told', async () => {
  const holder = await stoppedIngest();
  holder.child.kill('SIGKILL');
  await holder.ended;
  const asked = Array.from({ length: 12 }, () => begin(['ops', '--json']));
  for (const { status, stdout, stderr } of await Promise.all(asked.map(({ ended }) => ended))) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(parseRows<OperationRow>(stdout)).toMatchObject([{ operation: 1, status: 'interrupted' }]);
  }
  box.ingest('--to', 'held');
  box.expectSound();
});

test('a query killed while it reads leaves the archive to others', async () => {
  box.ingest();
  const query = begin(['ls', '-R']);
  query.child.kill('SIGKILL');
  await query.ended;
  box.expectSound();
  box.expectReplayed();
});
