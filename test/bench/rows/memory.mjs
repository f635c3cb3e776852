import { join } from 'node:path';
import { claim } from '../claims.mjs';
import { hkfs } from '../programs.mjs';
import { median } from '../statistics.mjs';
import { answers } from '../bench.mjs';

const MOST_MIB = 400;
/** Four times the files may take a quarter more: what is kept per file would take four times as much. */
const MOST_GROWTH = 1.25;

export const row = {
  name: 'memory',
  title: 'Peak memory of taking in a quarter, a half and a whole million files',
  millionOnly: true,
  async run(bench) {
    const corpus = bench.corpus('million');
    const parts = [1, 2, 4];
    const results = await bench.compare(parts.map((count) => side(bench, corpus, count)));
    const peaks = parts.map((count) => peak(results.get(sideName(corpus, count))));
    const [quarter, , whole] = peaks;
    return {
      results,
      claims: [
        measured({ text: `peak of ${sideName(corpus, 4)}`, unit: 'MiB', value: whole, limit: MOST_MIB }),
        measured({
          text: `peak of ${sideName(corpus, 4)} / peak of ${sideName(corpus, 1)}`,
          unit: 'ratio',
          value: whole === null ? null : whole / quarter,
          limit: MOST_GROWTH,
        }),
      ],
    };
  },
};

function side(bench, corpus, count) {
  const archive = bench.path('archive');
  const sources = Array.from({ length: count }, (_, part) => join(corpus.folder, `part-${part + 1}`));
  const files = (corpus.shape.files / corpus.shape.parts) * count;
  return {
    name: sideName(corpus, count),
    command: hkfs('ingest', ...sources, '-a', archive, '--json', '--progress', 'none'),
    reads: sources,
    prepare: () => bench.ask('init', archive),
    check: answers({ files, failed: [] }),
    clear: () => bench.remove(archive),
  };
}

function sideName({ shape }, count) {
  return `${((shape.files / shape.parts) * count).toLocaleString('en')} files`;
}

function peak(runs) {
  return runs.some(({ peakBytes }) => peakBytes === null)
    ? null
    : median(runs.map(({ peakBytes }) => peakBytes / 2 ** 20));
}

function measured({ limit, value, ...rest }) {
  const missing = value === null ? { missing: '/usr/bin/time' } : {};
  return claim({ ...rest, value, target: { sense: 'at most', limit }, ...missing });
}
