/**
 * What the heavy suites are made of, and how they are cut into parts; pure. A unit is a test file, or of one that
 * takes too long a chunk of its tests (`FILE#2/3`): the smallest thing that is run, recorded and skipped when it
 * was done. A part is as many units of one suite as fit into the minutes.
 */
import { createHash } from 'node:crypto';

/**
 * @typedef {{ suite: string, file: string }} TestFile
 * @typedef {{ suite: string, file: string, name: string, index: number, of: number, seconds: number }} Unit
 * @typedef {{ name: string, suite: string, seconds: number, units: Unit[] }} Part
 * @typedef {object} Total a line of the file of totals
 * @property {string} part
 * @property {string} unit
 * @property {string} suite
 * @property {number} seed
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} seconds
 * @property {string} commit
 */

/** Room for a machine that is slower than it was when the times were taken. */
const FILLED = 0.85;

/** Seconds of what was never measured on this machine: as on two cores that others use as well. */
const USUAL = { crash: 300, interop: 120, long: 240 };
const KNOWN = {
  'test/crash/kill-at-steps.test.ts': 900,
  'test/crash/kill-at-random.test.ts': 900,
  'test/crash/history.test.ts': 700,
  'test/crash/backup.test.ts': 600,
  'test/crash/heal.test.ts': 500,
  'test/interop/long-names.test.ts': 500,
  // These stop by the clock: see HEAVY_MINUTES in test/projections/property.ts.
  'test/archive/archive.property.test.ts': 1800,
  'test/archive/history.property.test.ts': 1800,
  'test/archive/prune.property.test.ts': 1800,
  'test/archive/remote/remote.property.test.ts': 1800,
  'test/archive/remote/heal.property.test.ts': 600,
  'test/archive/sync/sync.property.test.ts': 300,
};

/**
 * The units that are still to be run at this commit with this seed, with the seconds that each is to take.
 *
 * @param {readonly TestFile[]} files
 * @param {readonly Total[]} totals oldest first
 * @param {{ commit: string, seed: number, limit: number }} run limit: the seconds of a part
 * @returns {Unit[]}
 */
export function unitsToRun(files, totals, run) {
  const done = new Set(totals.filter((total) => isDone(total, run)).map(({ unit }) => unit));
  return files
    .flatMap((file) => unitsOf(file, totals, { done, ...run }))
    .filter(({ name }) => !done.has(name));
}

/** A file of which nothing ran is not done: a suite that finds no tests says nothing. A chunk may be empty. */
export function isDone({ unit, commit, seed, passed, failed, skipped }, run) {
  const isEmpty = passed + skipped === 0 && !unit.includes('#');
  return commit === run.commit && seed === run.seed && failed === 0 && !isEmpty;
}

function unitsOf({ suite, file }, totals, { done, limit }) {
  const seconds = secondsOf({ suite, file }, totals);
  // What was begun in so many chunks goes on in as many.
  const begun = [...done].find((name) => name.startsWith(`${file}#`));
  const of = begun === undefined ? Math.max(1, Math.ceil(seconds / (limit * FILLED))) : chunkOf(begun).of;
  return Array.from({ length: of }, (_, at) => {
    const name = of === 1 ? file : `${file}#${at + 1}/${of}`;
    return { suite, file, name, index: at, of, seconds: latest(totals, name) ?? Math.ceil(seconds / of) };
  });
}

function secondsOf({ suite, file }, totals) {
  const chunks = totals.filter(({ unit }) => unit.startsWith(`${file}#`)).map(({ unit }) => chunkOf(unit).of);
  const of = chunks.at(-1);
  const all = Array.from({ length: of ?? 0 }, (_, at) => latest(totals, `${file}#${at + 1}/${of}`));
  const isMeasured = of !== undefined && all.every((seconds) => seconds !== undefined);
  const inChunks = isMeasured ? all.reduce((sum, seconds) => sum + seconds, 0) : undefined;
  return latest(totals, file) ?? inChunks ?? KNOWN[file] ?? USUAL[suite];
}

function chunkOf(name) {
  const [, index, of] = /#(\d+)\/(\d+)$/.exec(name);
  return { index: Number(index) - 1, of: Number(of) };
}

function latest(totals, name) {
  return totals.findLast(({ unit }) => unit === name)?.seconds;
}

/**
 * First fit, longest first: without the units of one part the others are as they were, so that parts keep their
 * names while they are done one after the other.
 *
 * @param {readonly Unit[]} units
 * @param {number} limit
 * @returns {Part[]}
 */
export function pack(units, limit) {
  const parts = [];
  const byLength = [...units].sort((a, b) => b.seconds - a.seconds || (a.name < b.name ? -1 : 1));
  for (const unit of byLength) {
    const fits = (part) => part.suite === unit.suite && part.seconds + unit.seconds <= limit * FILLED;
    const part = parts.find(fits) ?? parts[parts.push({ suite: unit.suite, seconds: 0, units: [] }) - 1];
    part.units.push(unit);
    part.seconds += unit.seconds;
  }
  return parts.map((part) => ({ name: nameOf(part), ...part }));
}

function nameOf({ suite, units }) {
  const names = units.map(({ name }) => name).join('\n');
  return `${suite}-${createHash('sha256').update(names).digest('hex').slice(0, 6)}`;
}

/**
 * Only this part, or the parts of this suite, or parts of the files whose path has this in it.
 *
 * @param {readonly Unit[]} units
 */
export function partsOf(units, limit, only) {
  const parts = pack(units, limit);
  if (only === undefined) return parts;
  const named = parts.filter(({ name, suite }) => name === only || suite === only);
  return named.length > 0
    ? named
    : pack(
        units.filter(({ file }) => file.includes(only)),
        limit,
      );
}

/** The titles of a chunk: neighbours stay together, and each title is in exactly one chunk. */
export function titlesOf(titles, { index, of }) {
  const unique = [...new Set(titles)];
  const from = Math.floor((unique.length * index) / of);
  return unique.slice(from, Math.floor((unique.length * (index + 1)) / of));
}

/** What jest's -t takes for exactly these titles. */
export function patternOf(titles) {
  const quoted = titles.map((title) => title.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  return `^(${quoted.join('|')})$`;
}

/**
 * What a run of jest says of a unit.
 *
 * @param {object} report jest's --json
 * @param {readonly string[] | undefined} titles those of a chunk; a title of which no test was found has failed
 */
export function countsOf(report, titles) {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const chosen = titles === undefined ? tests : tests.filter(({ fullName }) => titles.includes(fullName));
  const count = (...statuses) => chosen.filter(({ status }) => statuses.includes(status)).length;
  const found = new Set(chosen.map(({ fullName }) => fullName));
  const lost = (titles ?? []).filter((title) => !found.has(title)).length;
  const [passed, skipped] = [count('passed'), count('pending', 'todo', 'skipped', 'disabled')];
  // A file that cannot be loaded has no tests to count, and yet fails.
  const failed = count('failed') + report.numRuntimeErrorTestSuites + lost;
  return {
    passed,
    failed: failed + (passed + failed + skipped === 0 && titles === undefined ? 1 : 0),
    skipped,
  };
}

/**
 * A line for each commit, seed and suite: of each unit its last run counts.
 *
 * @param {readonly Total[]} totals
 */
export function summaryOf(totals) {
  const last = new Map(totals.map((total) => [`${total.commit} ${total.seed} ${total.unit}`, total]));
  const groups = new Map();
  for (const total of last.values()) groups.set(keyOf(total), [...(groups.get(keyOf(total)) ?? []), total]);
  return [...groups.values()].map((group) => {
    const sum = (field) => group.reduce((all, total) => all + total[field], 0);
    const { commit, seed, suite } = group[0];
    const counts = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
    return { commit, seed, suite, units: group.length, ...counts, seconds: sum('seconds') };
  });
}

function keyOf({ commit, seed, suite }) {
  return `${commit} ${seed} ${suite}`;
}
