import { delayClaim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { ingested } from '../steps.mjs';

const LEAST_RUNS = 15;
const LIMIT_MS = 50;
const VERSION = 'hkfs --version';

export const row = {
  name: 'prove',
  title: 'Prove an event and an older head; how much longer than telling the version',
  millionToo: true,
  async run(bench) {
    const archive = await ingested(bench, bench.corpus(bench.million ? 'million' : 'small'));
    const { size } = await bench.ask('head', '-a', archive);
    const sides = [
      side(VERSION, ['--version']),
      side('hkfs prove @POSITION', ['prove', `@${Math.floor(size * 0.6)}`, '-a', archive]),
      side('hkfs prove --since HEAD', ['prove', '--since', `@${Math.floor(size * 0.3)}`, '-a', archive]),
    ];
    if (!bench.smoke) await bench.compare(sides, 1); // the first opening tidies up after the ingest
    const results = await bench.compare(sides, bench.smoke ? bench.runs : Math.max(LEAST_RUNS, bench.runs));
    const claims = sides
      .slice(1)
      .map(({ name }) => delayClaim(results, { ours: name, against: VERSION, limit: LIMIT_MS }));
    return { results, claims };
  },
};

function side(name, args) {
  return { name, command: hkfs(...args), usage: false };
}
