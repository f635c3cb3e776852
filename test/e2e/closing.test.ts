/** Leaving: a process that closes its archive ends when all is closed, and not before. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const pool = join(import.meta.dirname, '../../dist/fs/pool.js');

test('closing threads that are still loading waits until they can be ended', () => {
  const script = `
    import { WorkerPool } from ${JSON.stringify(pool)};
    const pool = new WorkerPool(4);
    await pool.close();
    process.stdout.write('closed');`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'closed', stderr: '' });
});
