import { dirname } from 'node:path';
import { delayClaim } from '../claims.mjs';
import { fileOf } from '../corpus.mjs';
import { hkfs } from '../programs.mjs';
import { ingested } from '../steps.mjs';

const LEAST_RUNS = 15;
const LIMIT_MS = 30;
const VERSION = 'hkfs --version';

export const row = {
  name: 'queries',
  title: 'Ask an archive; how much longer than telling the version',
  millionToo: true,
  async run(bench) {
    const corpus = bench.corpus(bench.million ? 'million' : 'small');
    const archive = await ingested(bench, corpus);
    const path = `corpus/${fileOf(corpus.shape, bench.seed, corpus.shape.files >> 1).path}`;
    const { hash } = await bench.ask('stat', path, '-a', archive);
    const sides = [
      side(VERSION, ['--version']),
      side('hkfs ls FOLDER', ['ls', dirname(path), '-a', archive]),
      side('hkfs find --hash', ['find', '--hash', hash, '-a', archive]),
      side('hkfs stat PATH', ['stat', path, '-a', archive]),
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
