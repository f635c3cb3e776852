/**
 * Wall time from nothing to a finished process, as ratios to an empty Node. Runs of the variants take
 * turns, so that a machine that grows slower does so for all. Budget: --version within 2.5 times.
 * Flags: --smoke (few runs), --runs=N, --ls=ARCHIVE (also `ls` and `head` of it).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BUDGET = 2.5;
const hkfs = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const flag = (name) => process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1];
const runs = process.argv.includes('--smoke') ? 5 : Number(flag('runs') ?? 31);
const archive = flag('ls');

const variants = [
  ['node -e 0', ['-e', '0']],
  ['hkfs --version', [hkfs, '--version']],
  ['hkfs ls --nonsense', [hkfs, 'ls', '--nonsense']],
  ['hkfs ls --help', [hkfs, 'ls', '--help']],
  ...(archive
    ? [
        ['hkfs ls', [hkfs, 'ls', '-a', archive]],
        ['hkfs head', [hkfs, 'head', '-a', archive]],
      ]
    : []),
];

const times = new Map(variants.map(([name]) => [name, []]));
for (let run = -1; run < runs; run++) {
  for (const [name, args] of variants) {
    const start = performance.now();
    spawnSync(process.execPath, args, { stdio: 'ignore' });
    if (run >= 0) times.get(name).push(performance.now() - start);
  }
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const base = median(times.get('node -e 0'));
for (const [name, values] of times) {
  const time = median(values);
  console.log(
    `${name.padEnd(20)} ${time.toFixed(1).padStart(7)} ms  ${(time / base).toFixed(2)} × node -e 0`,
  );
}
if (median(times.get('hkfs --version')) > BUDGET * base && !process.argv.includes('--smoke')) {
  console.log(`over the budget of ${BUDGET}`);
  process.exitCode = 1;
}
