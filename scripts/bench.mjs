/**
 * Measures hkfs against other programs in the same run and prints ratios: docs/bench.md.
 * Usage: bench [ROW…] [--only ROW,…] [--runs N] [--smoke] [--million] [--json FILE] [--strict] [--seed S]
 *        bench --report FILE…
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bench } from '../test/bench/bench.mjs';
import { missed } from '../test/bench/claims.mjs';
import { describeMachine, load } from '../test/bench/machine.mjs';
import { rowText } from '../test/bench/print.mjs';
import { findPrograms } from '../test/bench/programs.mjs';
import { withReport } from '../test/bench/report.mjs';
import { chooseRows } from '../test/bench/rows.mjs';
import { machineWords, versionWords } from '../test/bench/words.mjs';

const DOCUMENT = fileURLToPath(new URL('../docs/bench.md', import.meta.url));

try {
  const { values, positionals } = readArguments();
  if (values.report) await report(positionals);
  else await measure(values, [...positionals, ...(values.only?.split(',') ?? [])]);
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      runs: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      million: { type: 'boolean', default: false },
      json: { type: 'string' },
      strict: { type: 'boolean', default: false },
      seed: { type: 'string', default: 'hkfs' },
      report: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs ?? (values.smoke ? 1 : 3));
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`--runs wants a number, not ${values.runs}`);
  return { values: { ...values, runs }, positionals };
}

/** Each file of results becomes a part of the section, in the order given. */
async function report(files) {
  if (files.length === 0) throw new RangeError('--report wants result files');
  const results = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const text = withReport(readFileSync(DOCUMENT, 'utf8'), results);
  const { format, resolveConfig } = await import('prettier');
  const config = await resolveConfig(DOCUMENT);
  writeFileSync(DOCUMENT, await format(text, { ...config, filepath: DOCUMENT }));
}

async function measure({ seed, runs, smoke, million, json, strict }, names) {
  const rows = chooseRows(names, million);
  const programs = findPrograms();
  const bench = new Bench({ ...makeFolders(), seed, runs, smoke, million, programs, say });
  const startedAt = new Date().toISOString();
  const head = { schema: 1, startedAt, seed, runs, smoke, million, machine: describeMachine(bench.work) };
  const versions = Object.fromEntries(programs);
  process.stdout.write(`${machineWords(head.machine)}\n${versionWords(versions)}\n`);
  if (smoke) process.stdout.write('A smoke run proves that the bench runs; its figures mean nothing.\n');
  const results = [];
  for (const row of rows) results.push(await runRow(bench, row));
  if (json !== undefined) writeJson(json, { ...head, versions, rows: results });
  const bad = results.filter(
    ({ failure, claims }) => failure !== undefined || (strict && missed(claims).length),
  );
  if (bad.length > 0) process.exitCode = 1;
}

/** Runs one row. A program that fails spoils its row and not the others. */
async function runRow(bench, { name, title, run }) {
  const result = { name, title, load: load(), sides: [], claims: [], skipped: [] };
  try {
    const { results, claims } = await run(bench);
    result.sides = Array.from(results, ([name, runs]) => ({ name, runs }));
    result.claims = claims;
    result.skipped = bench.skipped;
  } catch (error) {
    result.failure = error.message;
  }
  say('clearing');
  await bench.clear();
  say('');
  process.stdout.write(rowText(result));
  return result;
}

/** The cache stays, the folder of this run goes at its end, and those of dead runs go now. */
function makeFolders() {
  const top = process.env.HKFS_BENCH_DIR ?? join(tmpdir(), 'hkfs-bench');
  const cache = join(top, 'corpora');
  const work = join(top, `work-${process.pid}`);
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(top)) if (isLeftOver(name)) remove(join(top, name));
  mkdirSync(work);
  process.once('exit', () => remove(work));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
  return { cache, work };
}

function isLeftOver(name) {
  const pid = /^work-(\d+)$/.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function remove(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function writeJson(file, results) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

/** What is under way, on a terminal only. */
function say(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1B[K${text}`);
}
