import { ratioClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';

const LEAST_RUNS = 31;

export const row = {
  name: 'start-up',
  title: 'Tell the version, from nothing to a finished process; an empty Node',
  async run(bench) {
    const sides = [
      { name: 'node -e 0', command: [process.execPath, '-e', '0'], usage: false },
      { name: 'hkfs --version', command: hkfs('--version'), usage: false },
      { name: 'hkfs ls --help', command: hkfs('ls', '--help'), usage: false },
    ];
    if (!bench.smoke) await bench.compare(sides, 1); // fills the compile cache, where Node has one
    const results = await bench.compare(sides, bench.smoke ? bench.runs : Math.max(LEAST_RUNS, bench.runs));
    return {
      results,
      claims: [
        ratioClaim(results, { ours: 'hkfs --version', against: ['node -e 0'], limit: 2.5 }),
        ratioClaim(results, { ours: 'hkfs ls --help', against: ['node -e 0'] }),
      ],
    };
  },
};
