/** The threads and the life of their process: each in a process of its own, whose exit status tells. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { scratchDirectory } from './scratch.js';

const scratch = scratchDirectory();
const pool = join(import.meta.dirname, '../../dist/fs/pool.js');

/** 70 where the process came to its end before the script did. */
function statusOf(script: string): number | null {
  const whole = `
    const { WorkerPool } = await import(${JSON.stringify(pool)});
    process.exitCode = 70;
    const pool = new WorkerPool(2);
    const task = { task: 'hash', files: ['/dev/null'] };
    ${script}
    process.exitCode = 0;`;
  const file = join(scratch.path, 'script.mjs');
  writeFileSync(file, whole);
  return spawnSync(process.execPath, [file], { timeout: 20_000 }).status;
}

test('replies that come while the threads are being ended do not end the process', () => {
  const script = `
    await Promise.all([pool.run(task), pool.run(task)]);
    for (let at = 0; at < 2; at++) pool.run(task).catch(() => {});
    const closing = pool.close();
    for (const end = Date.now() + 20; Date.now() < end; );
    await closing;`;
  expect([statusOf(script), statusOf(script)]).toEqual([0, 0]);
});

test('a thread that is gone fails what it had, what waits, and what is asked from then on', () => {
  const script = `
    await pool.run(task);
    const had = Promise.allSettled([1, 2, 3, 4, 5, 6].map(() => pool.run(task)));
    pool.threads[0].worker.terminate();
    if (!(await had).some(({ status }) => status === 'rejected')) process.exit(1);
    const later = await pool.run(task).then(() => 'answered', () => 'failed');
    if (later !== 'failed') process.exit(2);
    await pool.close();`;
  expect(statusOf(script)).toBe(0);
});
