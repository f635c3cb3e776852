/** Runs one unit by jest, in a process group of its own that ends with it. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { countsOf, patternOf, titlesOf } from './plan.mjs';
import { ENVIRONMENTS } from './suites.mjs';

/** A pattern that no title has: then jest only lists them. */
const NONE = '(?!)';

/**
 * @param {import('./plan.mjs').Unit} unit
 * @param {{ root: string, log: string, seed: number, seconds: number, signal: AbortSignal }} options seconds: after
 * which it is stopped
 * @returns what it comes to, and the titles and messages of what failed; null when it was stopped
 */
export async function runUnit(unit, options) {
  mkdirSync(dirname(options.log), { recursive: true });
  const stop = new AbortController();
  const abort = () => stop.abort();
  // Not by AbortSignal.any and AbortSignal.timeout: Node 20 collects such a signal while it is listened to.
  const timer = setTimeout(abort, options.seconds * 1000);
  options.signal.addEventListener('abort', abort);
  try {
    return await runTests(unit, (...args) => jest(unit, { ...options, stop: stop.signal, args }));
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

async function runTests({ index, of }, run) {
  if (of === 1) return resultOf(await run());
  const list = await run('-t', NONE);
  const all = allTitles(list);
  if (all.length === 0) return resultOf(list);
  const titles = titlesOf(all, { index, of });
  // Of a file with fewer tests than chunks.
  if (titles.length === 0) return { passed: 0, failed: 0, skipped: 0, failures: [] };
  return resultOf(await run('-t', patternOf(titles)), titles);
}

function resultOf(report, titles) {
  return report === null ? null : { ...countsOf(report, titles), failures: failuresOf(report) };
}

function allTitles(report) {
  const results = report?.testResults ?? [];
  return results.flatMap(({ assertionResults }) => assertionResults.map(({ fullName }) => fullName));
}

function failuresOf({ testResults }) {
  return testResults.flatMap(({ assertionResults, message }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0 && assertionResults.length === 0) return [message];
    return failed.map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`);
  });
}

/** @returns jest's report, or null where it was stopped */
async function jest({ suite, file }, { root, log, seed, stop, args }) {
  const report = `${log}.json`;
  rmSync(report, { force: true });
  const out = openSync(log, 'w');
  const options = ['--experimental-vm-modules', '--no-warnings', join(root, 'node_modules/jest/bin/jest.js')];
  const words = ['--runInBand', '--runTestsByPath', file, '--json', `--outputFile=${report}`, ...args];
  const child = spawn(process.execPath, [...options, ...words], {
    cwd: root,
    env: { ...process.env, ...ENVIRONMENTS[suite], HKFS_SEED: String(seed) },
    stdio: ['ignore', out, out],
    detached: true,
  });
  closeSync(out);
  const isWhole = await ended(child, stop);
  if (!isWhole) return null;
  return existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : {
        testResults: [{ assertionResults: [], message: `jest left no report: see ${log}` }],
        numRuntimeErrorTestSuites: 1,
      };
}

/** @returns false where it was stopped, with all that it started */
function ended(child, stop) {
  return new Promise((resolve, reject) => {
    const kill = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch (error) {
        // All of the group have ended by themselves.
        if (error.code !== 'ESRCH') reject(error);
      }
    };
    stop.addEventListener('abort', kill, { once: true });
    if (stop.aborted) kill();
    child.once('error', reject);
    child.once('exit', () => {
      stop.removeEventListener('abort', kill);
      resolve(!stop.aborted);
    });
  });
}
