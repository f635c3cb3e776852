import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { WorkerPool } from '../../src/fs/pool.js';
import { eachAtOnce, together } from '../../src/fs/together.js';

test('of work side by side, the first failure is told only when all has ended', async () => {
  const ended: string[] = [];
  const late = sleep(20).then(() => void ended.push('late'));
  const later = sleep(10).then(() => {
    ended.push('later');
    throw new Error('second');
  });
  await expect(together([late, Promise.reject(new Error('first')), later])).rejects.toThrow('first');
  expect(ended).toEqual(['later', 'late']);
});

test('whoever wants to end early is told of the first failure at once, and only once', async () => {
  let told = 0;
  const failing = [Promise.reject(new Error('first')), Promise.reject(new Error('second'))];
  await expect(together(failing, () => (told += 1))).rejects.toThrow('first');
  expect(told).toBe(1);
});

test('after a failure of one item no other is begun, and those under way end first', async () => {
  const begun: number[] = [];
  let ended = 0;
  const act = async (item: number): Promise<void> => {
    begun.push(item);
    await sleep(item === 1 ? 1 : 10);
    if (item === 1) throw new Error('one');
    ended += 1;
  };
  await expect(eachAtOnce([0, 1, 2, 3, 4, 5, 6], 3, act)).rejects.toThrow('one');
  expect({ begun, ended }).toEqual({ begun: [0, 1, 2], ended: 2 });
});

test('a pool that is closed answers all that was asked of it, and all that is asked later', async () => {
  // As built: a thread is started from its compiled file.
  const built = join(import.meta.dirname, '../../dist/fs/pool.js');
  const module = (await import(built)) as { WorkerPool: typeof WorkerPool };
  const pool = new module.WorkerPool(1);
  const asked = Array.from({ length: 20 }, () =>
    pool.run({ task: 'hash', files: ['/dev/null'] }).then(
      () => 'done',
      (error: { code?: string }) => error.code,
    ),
  );
  await pool.close();
  for (const answer of await Promise.all(asked)) expect(['done', 'ECANCELED']).toContain(answer);
  await expect(pool.run({ task: 'hash', files: [] })).rejects.toMatchObject({ code: 'ECANCELED' });
});

/** Files that may give up at a first failure, and why nothing goes on behind them. */
const MAY: Readonly<Record<string, string>> = {
  'fs/together.ts': 'each of its promises is caught',
};

test('nothing in src gives up at a first failure while the rest goes on behind it', () => {
  const src = join(import.meta.dirname, '../../src');
  const found = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => readFileSync(join(src, name), 'utf8').match(/Promise\.(all|any)\(/) !== null);
  expect(found.sort()).toEqual(Object.keys(MAY).sort());
});
