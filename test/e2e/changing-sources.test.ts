/** Sources that do not hold still: what is taken in was really there, or it is said that it was not. */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { IngestSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, isStopped, until } from './hkfs.js';

const SIZE = 8 << 20;
/** Writes over the file without a pause, a piece at a time: no two reads see the same. */
const SCRIBBLE = `
  const fd = fs.openSync(path, 'r+');
  for (let at = 0, letter = 65; ; at = (at + 65536) % size, letter = 65 + (letter - 64) % 26)
    fs.writeSync(fd, Buffer.alloc(65536, letter), 0, 65536, at);`;
/** Puts a whole new version in the file's place, again and again. */
const REPLACE = `
  for (let letter = 65; ; letter = 65 + (letter - 64) % 26) {
    fs.writeFileSync(path + '.new', Buffer.alloc(size, letter));
    fs.renameSync(path + '.new', path);
  }`;

const scratch = scratchDirectory();
let box: Box;
let writer: ChildProcess | undefined;
beforeEach(() => {
  box = Box.make(scratch.path).write({ 'd/file': Buffer.alloc(SIZE, 'A'), quiet: 'quiet' });
});
afterEach(() => void writer?.kill('SIGKILL'));

async function rewriting(script: string): Promise<void> {
  const path = join(box.source, 'd/file');
  const code = `const fs = require('node:fs'); const path = ${JSON.stringify(path)}; const size = ${SIZE}; ${script}`;
  const { ctimeNs } = fs.statSync(path, { bigint: true });
  writer = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  await until(() => fs.statSync(path, { bigint: true }).ctimeNs !== ctimeNs, 'the first rewrite');
}

test('a file written to all the time is unstable: exit 3, nothing of it named, the rest taken in', async () => {
  await rewriting(SCRIBBLE);
  const { run, summary } = box.ingestWith({});
  expect({ status: run.status, failed: summary.failed }).toMatchObject({
    status: 3,
    failed: [{ path: join(box.source, 'd/file'), code: 'UNSTABLE' }],
  });
  expect(summary).toMatchObject({ files: 1, newObjects: 1 });
  expect(box.paths('source')).toEqual(['source/d', 'source/quiet']);
  box.expectSound();
});

test('a file replaced all the time is taken in as one of its versions, or told as unstable or gone', async () => {
  await rewriting(REPLACE);
  const { run, summary } = box.ingestWith({}, box.source, '--exclude', '*.new');
  if (run.status === 3) expect(['UNSTABLE', 'ENOENT']).toContain(summary.failed[0]!.code);
  else {
    expect(run.status).toBe(0);
    const content = box.run('cat', 'source/d/file').bytes;
    expect(content.length).toBe(SIZE);
    expect(content.equals(Buffer.alloc(SIZE, content[0]))).toBe(true);
  }
  box.expectSound();
});

test('files that vanish after they were seen are told one by one: ENOENT, exit 3, the rest taken in', async () => {
  box.write(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`many/${10 + at}`, `content ${at}`])));
  const running = box.start(['ingest', join(box.source, 'many'), '--json'], {
    HKFS_FAILPOINT: 'stage.open=pause',
  });
  await until(() => isStopped(running.pid), 'the pause at the first staged file');
  for (const name of ['20', '29']) fs.rmSync(join(box.source, 'many', name));
  running.child.kill('SIGCONT');
  const { status, stdout, stderr } = await running.ended;
  const { failed, files } = JSON.parse(stdout) as IngestSummary;
  expect({ status, files, codes: failed.map(({ code }) => code) }).toEqual({
    ...{ status: 3, files: 18, codes: ['ENOENT', 'ENOENT'] },
  });
  expect(failed.map(({ path }) => path.slice(-2))).toEqual(['20', '29']);
  expect(stderr.match(/^hkfs: warning: .* \[ENOENT\]$/gm)).toHaveLength(2);
  expect(box.paths('many')).toHaveLength(18);
  box.expectSound();
});

test('a file that became a fifo or a symlink after it was seen is not followed, and nothing hangs', async () => {
  box.write({ 'many/1': 'one', 'many/2': 'two', 'many/3': 'three' });
  const running = box.start(['ingest', join(box.source, 'many'), '--json'], {
    HKFS_FAILPOINT: 'stage.open=pause',
  });
  await until(() => isStopped(running.pid), 'the pause at the first staged file');
  for (const name of ['2', '3']) fs.rmSync(join(box.source, 'many', name));
  fs.symlinkSync('/etc/hostname', join(box.source, 'many/2'));
  fs.mkdirSync(join(box.source, 'many/3'));
  running.child.kill('SIGCONT');
  const { status, stdout } = await running.ended;
  const { failed } = JSON.parse(stdout) as IngestSummary;
  expect({ status, paths: failed.map(({ path }) => path.slice(-1)) }).toEqual({
    status: 3,
    paths: ['2', '3'],
  });
  expect(box.paths('many')).toEqual(['many/1']);
});
