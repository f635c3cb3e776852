/**
 * `dist/`: the compiled modules with their types (the library), and `dist/bundle/hkfs.cjs`, the one file
 * that the command line starts from. Built aside and swapped in, so that a running hkfs or a failed
 * build never sees half of it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundle, bundleWorker } from './build/bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const scratch = join(root, 'node_modules/.cache');
const fresh = join(scratch, `hkfs-dist-${process.pid}`);
const old = `${fresh}-old`;

const started = new Date();
mkdirSync(scratch, { recursive: true });
try {
  if (compile()) await finish();
  else process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}

/** True when the sources compile; the compiler's messages go to stderr. */
function compile() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return (
    spawnSync(process.execPath, [tsc, '--outDir', fresh], { cwd: root, stdio: ['ignore', 2, 2] }).status === 0
  );
}

async function finish() {
  await bundle({ dist: fresh, root });
  await bundleWorker({ dist: fresh });
  stamp();
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  if (nodeModule.enableCompileCache === undefined) warmUp();
}

/** Without the cache all works, a little later. */
function warmUp() {
  const script = join(root, 'scripts/build/code-cache.mjs');
  const bundle = join(dist, 'bundle/hkfs.cjs');
  const { status } = spawnSync(process.execPath, [script, bundle], { stdio: ['ignore', 'ignore', 2] });
  if (status !== 0) process.stderr.write('build: no code cache was made; hkfs starts more slowly\n');
}

/** Carries the time at which the build began: what changes meanwhile is newer. */
function stamp() {
  const path = join(fresh, '.stamp');
  writeFileSync(path, '');
  utimesSync(path, started, started);
}
