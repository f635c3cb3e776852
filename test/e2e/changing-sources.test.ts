/** Sources that do not hold still: what is taken in was really there, or it is said that it was not. */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { IngestSummary } from '../../src/archive/api.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, isStopped, type Run, sh, until } from './hkfs.js';

const SIZE = 32 << 20;
const BLOCK = 65_536;
/** Writes over the file without a pause, a piece at a time: no two reads see the same. */
const SCRIBBLE = `
  const fd = fs.openSync(path, 'r+');
  for (let at = 0, letter = 65; ; at = (at + block) % size, letter = 65 + (letter - 64) % 26)
    fs.writeSync(fd, Buffer.alloc(block, letter), 0, block, at);`;
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
  const code = `const fs = require('node:fs'); const path = ${JSON.stringify(path)}; const size = ${SIZE}; const block = ${BLOCK}; ${script}`;
  const { ctimeNs } = fs.statSync(path, { bigint: true });
  writer = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  await until(() => fs.statSync(path, { bigint: true }).ctimeNs !== ctimeNs, 'the first rewrite');
}

/** Where the writer was: blocks before it are of its round, those after it of the round before. */
function breaks(content: Buffer): number {
  const letters = Array.from({ length: SIZE / BLOCK }, (_, at) => content[at * BLOCK]! - 65);
  return letters.slice(1).filter((letter, at) => letter !== (letters[at]! + 1) % 26).length;
}

test('a file written to all the time is unstable, exit 3, or taken in as it was at one moment', async () => {
  await rewriting(SCRIBBLE);
  const { run, summary } = box.ingestWith({});
  if (run.status === 3) {
    expect(summary.failed).toMatchObject([{ path: join(box.source, 'd/file'), code: 'UNSTABLE' }]);
    expect(summary).toMatchObject({ files: 1, newObjects: 1 });
    expect(box.paths('source')).toEqual(['source/d', 'source/quiet']);
  } else {
    expect(run.status).toBe(0);
    expect(breaks(box.run('cat', 'source/d/file').bytes)).toBeLessThanOrEqual(1);
  }
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

/** Files of one task for a thread, far more than it gets done before the stop reaches it. */
const many = Object.fromEntries(
  Array.from({ length: 120 }, (_, at) => [`many/${100 + at}`, `content ${at}`]),
);

async function whileStopped(change: () => void): Promise<{ run: Run; summary: IngestSummary }> {
  box.write(many);
  const running = box.start(['ingest', join(box.source, 'many'), '--json'], {
    HKFS_FAILPOINT: 'stage.open=pause',
  });
  await until(() => isStopped(running.pid), 'the pause at the first staged file');
  change();
  running.child.kill('SIGCONT');
  const run = await running.ended;
  return { run, summary: JSON.parse(run.stdout) as IngestSummary };
}

test('files that vanish after they were seen are told one by one: ENOENT, exit 3, the rest taken in', async () => {
  const { run, summary } = await whileStopped(() => {
    for (const name of ['210', '219']) fs.rmSync(join(box.source, 'many', name));
  });
  const failed = summary.failed.map(({ path, code }) => `${path.slice(-3)} ${code}`);
  expect({ status: run.status, files: summary.files, failed }).toEqual({
    ...{ status: 3, files: 118, failed: ['210 ENOENT', '219 ENOENT'] },
  });
  expect(run.stderr.match(/^hkfs: warning: .* \[ENOENT\]$/gm)).toHaveLength(2);
  expect(box.paths('many')).toHaveLength(118);
  box.expectSound();
});

test('a file that became something else after it was seen is not followed, and nothing hangs', async () => {
  const { run, summary } = await whileStopped(() => {
    for (const name of ['217', '218', '219']) fs.rmSync(join(box.source, 'many', name));
    fs.symlinkSync('/etc/hostname', join(box.source, 'many/217'));
    fs.mkdirSync(join(box.source, 'many/218'));
    sh('mkfifo many/219', box.source);
  });
  const failed = summary.failed.map(({ path }) => path.slice(-3));
  expect({ status: run.status, failed: failed.toSorted() }).toEqual({
    status: 3,
    failed: ['217', '218', '219'],
  });
  expect(box.paths('many')).toHaveLength(117);
});
