/**
 * The heavy suites in parts: `npm run test:heavy -- --seed 7`. What was done at this commit with this seed is not done
 * again, so that a run that was cut short goes on where it was.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { partsOf, summaryOf, unitsToRun } from './heavy/plan.mjs';
import { runUnit } from './heavy/run-unit.mjs';
import { heavyFiles } from './heavy/suites.mjs';

const USAGE = `usage: npm run test:heavy -- [--seed N] [--only PART|SUITE|FILE] [--minutes N] [--totals FILE]
       npm run test:heavy -- --list | --summary`;

const root = fileURLToPath(new URL('..', import.meta.url));
const interrupt = new AbortController();
const options = readOptions();
const { seed, limit, totalsFile } = options;
const commit = presentCommit();

if (options.summary) print(summaryOf(readTotals()), summaryLine);
else if (!isKnown(options.only)) fail(`nothing is called ${options.only}`);
else if (options.list) print(partsLeft(), partLine);
else process.exitCode = await runParts();

function readOptions() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  try {
    const { values } = parseArgs({
      options: { seed: text, only: text, minutes: text, totals: text, list: flag, summary: flag },
    });
    const [seed, minutes] = [Number(values.seed ?? 1), Number(values.minutes ?? 40)];
    if (!Number.isSafeInteger(seed) || !(minutes > 0)) throw new Error('--seed and --minutes are numbers');
    const totalsFile = values.totals ?? join(root, 'node_modules/.cache/heavy-totals.jsonl');
    return { ...values, seed, limit: minutes * 60, totalsFile };
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

/** A part that was done is a name as well; a slip of the hand is not to look like one. */
function isKnown(only) {
  const isDone = readTotals().some(
    (total) => total.part === only && total.commit === commit && total.seed === seed,
  );
  const isOf = ({ suite, file }) => suite === only || file.includes(only);
  return only === undefined || isDone || heavyFiles(root).some(isOf) || partsLeft().length > 0;
}

/** With changes that are not committed, they count as well. */
function presentCommit() {
  const git = (...args) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', maxBuffer: 1 << 30 });
  const head = git('rev-parse', '--short=12', 'HEAD').trim();
  const changes =
    git('diff', 'HEAD') +
    strangersOf(git)
      .map((path) => path + readFileSync(join(root, path)))
      .join('');
  return changes === '' ? head : `${head}+${createHash('sha256').update(changes).digest('hex').slice(0, 8)}`;
}

function strangersOf(git) {
  return git('ls-files', '--others', '--exclude-standard', '-z')
    .split('\0')
    .filter((path) => path !== '');
}

/** A last line that was cut short by a power cut counts as nothing. */
function readTotals() {
  if (!existsSync(totalsFile)) return [];
  const lines = readFileSync(totalsFile, 'utf8').split('\n').slice(0, -1);
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

function partsLeft(failed = new Set()) {
  const units = unitsToRun(heavyFiles(root), readTotals(), { commit, seed, limit });
  return partsOf(
    units.filter(({ name }) => !failed.has(name)),
    limit,
    options.only,
  );
}

/** @returns the exit status */
async function runParts() {
  process.once('SIGINT', () => interrupt.abort());
  process.once('SIGTERM', () => interrupt.abort());
  const failed = new Set();
  for (let parts = partsLeft(); parts.length > 0; parts = partsLeft(failed)) {
    console.log(partLine(parts[0]));
    await runPart(parts[0], failed);
    if (interrupt.signal.aborted) return 130;
    // The names of the other parts change with what is left of this one: one part is one part.
    if (options.only === parts[0].name) break;
  }
  print(
    summaryOf(readTotals()).filter((line) => line.commit === commit && line.seed === seed),
    summaryLine,
  );
  const left = partsLeft().flatMap(({ units }) => units);
  if (left.length > 0) console.log(`left: ${left.map(({ name }) => name).join(', ')}`);
  return left.length > 0 ? 1 : 0;
}

/** A part never takes longer than its minutes: what does not fit is left for another. */
async function runPart(part, failed) {
  const end = Date.now() + limit * 1000;
  for (const [at, unit] of part.units.entries()) {
    const started = Date.now();
    const seconds = (end - started) / 1000;
    const log = join(dirname(totalsFile), 'heavy-logs', `${unit.name.replaceAll(/[/#]/g, '_')}.log`);
    const counts = await runUnit(unit, { root, log, seed, seconds, signal: interrupt.signal });
    if (interrupt.signal.aborted || (counts === null && at > 0)) return;
    const { failures, ...total } = counts ?? { passed: 0, failed: 1, skipped: 0, failures: [tooLong(unit)] };
    append({
      part: part.name,
      unit: unit.name,
      suite: unit.suite,
      seed,
      ...total,
      seconds: since(started),
      commit,
    });
    if (total.failed > 0) failed.add(unit.name);
    console.log(`  ${unit.name}: ${countsLine(total)}, ${since(started)} s`);
    for (const failure of failures)
      console.log(`    ${failure.split('\n').slice(0, 12).join('\n    ')}\n    log: ${log}`);
  }
}

function tooLong({ name }) {
  return `${name} took longer than ${limit / 60} minutes, and was stopped`;
}

function append(total) {
  mkdirSync(dirname(totalsFile), { recursive: true });
  appendFileSync(totalsFile, `${JSON.stringify({ ...total, at: new Date().toISOString() })}\n`);
}

function since(started) {
  return Math.round((Date.now() - started) / 100) / 10;
}

function print(rows, lineOf) {
  for (const row of rows) console.log(lineOf(row));
}

function partLine({ name, seconds, units }) {
  return `${name}: about ${Math.ceil(seconds / 60)} min: ${units.map(({ name }) => name).join(' ')}`;
}

function summaryLine({ commit, seed, suite, units, seconds, ...counts }) {
  const minutes = Math.round(seconds / 6) / 10;
  return `${commit} seed ${seed} ${suite}: ${units} units, ${countsLine(counts)}, ${minutes} min`;
}

function countsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
