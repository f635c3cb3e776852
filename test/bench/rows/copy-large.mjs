import { ingest, wholeCorpus } from '../steps.mjs';
import { ratioClaim } from '../claims.mjs';

export const row = {
  name: 'copy-large',
  title: 'Take in a few large files by copying; cp copies them',
  async run(bench) {
    const corpus = bench.corpus('large');
    const archive = bench.path('archive');
    const target = bench.path('copy');
    const copy = (name, text) => ({
      name,
      needs: ['cp'],
      command: ['sh', '-c', `set -e; ${text}`, 'sh', corpus.folder, target],
      reads: [corpus.folder],
      clear: () => bench.remove(target),
    });
    const results = await bench.compare([
      {
        name: 'hkfs ingest',
        command: ingest(archive, corpus.folder),
        reads: [corpus.folder],
        prepare: () => bench.ask('init', archive),
        check: wholeCorpus(corpus),
        clear: () => bench.remove(archive),
      },
      copy('cp -a', 'cp -a "$1" "$2"'),
      copy('cp -a; sync', 'cp -a "$1" "$2"; sync -f "$2"'),
    ]);
    return {
      results,
      claims: [
        ratioClaim(results, { ours: 'hkfs ingest', against: ['cp -a'], limit: 1.15 }),
        ratioClaim(results, { ours: 'hkfs ingest', against: ['cp -a; sync'] }),
      ],
    };
  },
};
