import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

import { afterAll, beforeAll, expect } from '@jest/globals';

import { loadPosix } from '../../src/fs/posix.js';
import { testWhen } from './scratch.js';

const posixTest = testWhen(loadPosix() !== null, 'koffi or libc is not available');
const repository = fileURLToPath(new URL('../..', import.meta.url));
let directory = '';

/** Workers run plain JavaScript: src/fs/posix.ts is bundled for them, with koffi left outside. */
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hkfs-threads-'));
  symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
  const options = ['--bundle', '--platform=node', '--format=esm', '--external:koffi', '--log-level=error'];
  execFileSync(join(repository, 'node_modules/.bin/esbuild'), [
    join(repository, 'src/fs/posix.ts'),
    ...options,
    `--outfile=${join(directory, 'posix.mjs')}`,
  ]);
  writeFileSync(
    join(directory, 'worker.mjs'),
    `import { parentPort, workerData } from 'node:worker_threads';
     import { writeFileSync } from 'node:fs';
     import { loadPosix } from './posix.mjs';
     const posix = loadPosix();
     const path = workerData.path;
     writeFileSync(path, '');
     let wrong = 0;
     for (let i = 0; i < 3000; i++) {
       posix.lsetxattr(path, 'user.n', Buffer.from(String(i)));
       const [[name, value]] = posix.readXattrs(path);
       if (name !== 'user.n' || Buffer.from(value).toString() !== String(i)) wrong++;
       try { posix.llistxattr(path + '-none'); wrong++; } catch (error) { if (error.code !== 'ENOENT') wrong++; }
       try { posix.lgetxattr(path, 'user.none'); wrong++; } catch (error) { if (error.code !== 'ENODATA') wrong++; }
     }
     posix.syncfsAsync(-1).catch((error) => parentPort.postMessage({ wrong, async: error.code, user: posix.userName(0) }));`,
  );
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function resultOf(index: number): Promise<unknown> {
  const path = join(directory, `file-${index}`);
  const worker = new Worker(pathToFileURL(join(directory, 'worker.mjs')), { workerData: { path } });
  const result = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  return result;
}

posixTest(
  'threads that call at once each get their own values and errors',
  async () => {
    const results = await Promise.all([0, 1, 2, 3].map(resultOf));
    expect(results).toEqual(Array.from({ length: 4 }, () => ({ wrong: 0, async: 'EBADF', user: 'root' })));
  },
  30_000,
);

posixTest('where koffi is not installed there are no system calls, and no error', () => {
  const bare = mkdtempSync(join(tmpdir(), 'hkfs-bare-'));
  copyFileSync(join(directory, 'posix.mjs'), join(bare, 'posix.mjs'));
  const script = `import { loadPosix } from ${JSON.stringify(join(bare, 'posix.mjs'))}; console.log(loadPosix());`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  rmSync(bare, { recursive: true });
  expect(printed).toBe('null\n');
});
