/** Figures as people read them, on the terminal and in the report. */
import { median } from './statistics.mjs';

/** @typedef {import('./claims.mjs').Claim} Claim */

const FIGURES = {
  ratio: (value) => `${value.toFixed(2)}`,
  ms: (value) => `${value.toFixed(1)} ms`,
  'events/s': (value) => `${Math.round(value).toLocaleString('en')} events/s`,
  MiB: (value) => `${Math.round(value)} MiB`,
};

/** @param {Claim} claim */
export function measuredWords({ unit, value, least, greatest }) {
  if (value === null) return 'not measured';
  const span =
    least === undefined || least === greatest ? '' : ` (${FIGURES[unit](least)}–${FIGURES[unit](greatest)})`;
  return FIGURES[unit](value) + span;
}

/** @param {Claim} claim */
export function targetWords({ unit, target }) {
  return target ? `${target.sense} ${FIGURES[unit](target.limit)}` : '';
}

/** @param {Claim} claim */
export function verdictWords({ reached, margin }) {
  if (reached === undefined) return '';
  return `${reached ? 'reached' : 'not reached'}, by ${Math.abs(margin * 100).toFixed(0)} %`;
}

/**
 * The columns of a side: median and range of its times, CPU time, peak memory.
 * @param {{ name: string, runs: import('./programs.mjs').Run[] }} side
 */
export function sideWords({ name, runs }) {
  const times = runs.map(({ seconds }) => seconds);
  const cpu = runs.map(({ user, system }) => (user === null ? null : user + system));
  const peak = runs.map(({ peakBytes }) => peakBytes);
  return [
    name,
    `${figure(median(times))} s`,
    times.length === 1 ? '' : `${figure(Math.min(...times))}–${figure(Math.max(...times))}`,
    cpu.includes(null) ? '' : `${median(cpu).toFixed(2)} s`,
    peak.includes(null) ? '' : `${Math.round(median(peak) / 2 ** 20)} MiB`,
    String(runs.length),
  ];
}

export const SIDE_COLUMNS = ['program', 'median', 'range', 'CPU', 'peak memory', 'runs'];

/**
 * Answer times of what was asked meanwhile: one line a command.
 * @param {{ name: string, runs: { asked?: { query: string, seconds: number }[] }[] }} side
 */
export function askedWords({ name, runs }) {
  const asked = runs.flatMap(({ asked = [] }) => asked);
  return [...new Set(asked.map(({ query }) => query))].map((query) => {
    const times = asked.filter((one) => one.query === query).map(({ seconds }) => seconds * 1000);
    const middle = Math.round(median(times));
    return {
      name,
      query,
      count: times.length,
      median: middle,
      greatest: Math.round(Math.max(...times)),
      times,
    };
  });
}

/** @param {{ name: string, runs: { unanswered?: number }[] }} side */
export function unansweredWords({ name, runs }) {
  const unanswered = runs.reduce((sum, run) => sum + (run.unanswered ?? 0), 0);
  return unanswered === 0 ? [] : [`${name}: ${unanswered} unanswered, asked while the ingest ended`];
}

/** @param {{ cpu: string, cores: number, memoryBytes: number, system: string, kernel: string, filesystem: string, node: string }} machine */
export function machineWords({ cpu, cores, memoryBytes, system, kernel, filesystem, node }) {
  const memory = `${(memoryBytes / 2 ** 30).toFixed(0)} GiB of memory`;
  return `${cpu}, ${cores} cores, ${memory}; ${system}, Linux ${kernel}, ${filesystem}; Node ${node}`;
}

/** @param {Record<string, string>} versions */
export function versionWords(versions) {
  return Object.values(versions).join('; ');
}

function figure(seconds) {
  return seconds.toFixed(seconds < 1 ? 3 : 2);
}
