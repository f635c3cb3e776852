/** Running the compared programs: the clock, what each cost, and what it needs around it. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HKFS = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const GNU_TIME = '/usr/bin/time';

/** Program → how it tells its version. */
const VERSIONS = {
  restic: ['restic', 'version'],
  borg: ['borg', '--version'],
  b3sum: ['b3sum', '--version'],
  cp: ['cp', '--version'],
  rsync: ['rsync', '--version'],
  jdupes: ['jdupes', '-v'],
  rdfind: ['rdfind', '--version'],
  rmlint: ['rmlint', '--version'],
  tar: ['tar', '--version'],
  [GNU_TIME]: [GNU_TIME, '--version'],
};

/** @param {...string} args */
export function hkfs(...args) {
  return [process.execPath, HKFS, ...args];
}

/** @returns {Map<string, string>} the programs that are here, with their versions */
export function findPrograms() {
  const found = new Map([['hkfs', firstLine(hkfs('--version'))]]);
  for (const [name, command] of Object.entries(VERSIONS)) {
    const version = firstLine(command);
    if (version !== null) found.set(name, version);
  }
  return found;
}

function firstLine([command, ...args]) {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) return null;
  return (stdout || stderr).split('\n')[0].trim().replaceAll(/\s+/g, ' ');
}

/**
 * The environment of every program: a home of its own, so that caches of restic and borg are fresh and on
 * the measured filesystem, and nobody's settings take part.
 * @param {string} home
 */
export function environment(home) {
  const { PATH, TMPDIR } = process.env;
  return {
    PATH,
    ...(TMPDIR ? { TMPDIR } : {}),
    HOME: home,
    LANG: 'C.UTF-8',
    RESTIC_PASSWORD: 'bench',
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
  };
}

/**
 * @typedef {object} Run
 * @property {number} seconds wall time
 * @property {number | null} user CPU seconds, with the children's
 * @property {number | null} system
 * @property {number | null} peakBytes the greatest resident memory of a process with all its threads; of a
 *   pipeline that of its largest process
 * @property {string} [stdout]
 */

export class ProgramFailed extends Error {}

/**
 * Runs a command to its end. Its cost comes from GNU time, which is small itself: a process that Node forks
 * would start with Node's own peak.
 * @param {readonly string[]} command
 * @param {{ env: NodeJS.ProcessEnv, work: string, usage?: boolean }} around
 * @returns {Promise<Run>}
 */
export async function timed(command, { env, work, usage = true }) {
  const report = join(work, 'usage');
  const [program, ...args] = usage ? [GNU_TIME, '-q', '-f', '%U %S %M', '-o', report, ...command] : command;
  const start = performance.now();
  const { status, stdout, stderr } = await finished(launch(program, args, env));
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new ProgramFailed(`${describe(command)}: ${status}: ${stderr.trim().slice(-500)}`);
  return { seconds, ...(usage ? readUsage(report) : { user: null, system: null, peakBytes: null }), stdout };
}

/** In a process group of its own, so that all of it ends when the bench is stopped. */
function launch(program, args, env) {
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => process.kill(-child.pid, 'SIGKILL');
  process.once('exit', kill);
  child.once('error', () => process.off('exit', kill));
  child.once('close', () => process.off('exit', kill));
  return child;
}

function finished(child) {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-4096)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ status: code ?? signal, stdout, stderr }));
  });
}

function readUsage(report) {
  const [user, system, kib] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  return { user, system, peakBytes: kib * 1024 };
}

function describe(command) {
  return command[0] === process.execPath ? `hkfs ${command[2]}` : command.slice(0, 2).join(' ');
}
