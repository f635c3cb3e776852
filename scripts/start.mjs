/**
 * Runs hkfs from a checkout: installs and builds what is missing or older than its sources, then
 * becomes `bin/run.js` in this very process, so that signals, the terminal and the exit code are its
 * own. With `--set-up` only the setting up is done. Everything said here goes to stderr.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const BUILD_INPUTS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'scripts/build.mjs',
  'scripts/build',
];

const setUpOnly = process.argv[2] === '--set-up';
if (!isInstalled())
  run('installing dependencies', npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']));
if (!isBuilt()) run('building', [process.execPath, join(root, 'scripts/build.mjs')]);
if (!setUpOnly) {
  // npm runs its scripts in the package's folder and says where the user was.
  if (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD)
    process.chdir(process.env.INIT_CWD);
  process.argv.splice(1, 1, join(root, 'bin/run.js'));
  await import(pathToFileURL(process.argv[1]).href);
}

function isInstalled() {
  // npm writes this file last, so that it stands for a finished installation.
  const installed = mtime(join(root, 'node_modules/.package-lock.json'));
  return installed !== undefined && installed >= (mtime(join(root, 'package-lock.json')) ?? 0);
}

function isBuilt() {
  const stamp = mtime(join(root, 'dist/.stamp'));
  if (stamp === undefined) return false;
  if (BUILD_INPUTS.some((input) => (mtime(join(root, input)) ?? 0) > stamp)) return false;
  return !hasNewer(join(root, 'src'), stamp);
}

/** A folder's own time tells of files that were removed or renamed. */
function hasNewer(folder, stamp) {
  if ((mtime(folder) ?? 0) > stamp) return true;
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? hasNewer(path, stamp) : (mtime(path) ?? 0) > stamp;
  });
}

function mtime(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function npm(args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? [process.execPath, cli, ...args] : ['npm', ...args];
}

function run(what, [command, ...args]) {
  process.stderr.write(`hkfs: ${what} …\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) process.stderr.write(`hkfs: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
